//! EADDRINUSE: who may have a port that another socket has, or had until a moment ago.
//!
//! Lecture notes, chapter 2, "Binding socket" and "Receiving using TCP connection" (why close is critical); socket(7).
//!
//! ```text
//!   the server closes first ──► its end of the connection is in TIME-WAIT for a minute: a row with the server's address and port
//!   the server starts anew  ──► bind(): EADDRINUSE, unless the old socket and the new one both have SO_REUSEADDR
//! ```
//!
//! SO_REUSEADDR says: remains of connections do not matter to me. It never lets two sockets *listen* at one address: then nobody could
//! say which of them gets a client. SO_REUSEPORT says just that: let us share, and the kernel deals the clients out. (Only sockets of
//! one user may; ch3 has a model that lives from it.) A connection inherits both from its listener, so a server sets them before
//! `bind`, always, for the sake of the next one.

use std::io::{self, Read, Write};
use std::net::SocketAddr;

use clap::Args;
use socket2::Socket;

use super::loopback::{LoopbackArgs, name};
use crate::kernel::{self, Protocol, endpoint};

/// A port that is taken: TIME-WAIT, SO_REUSEADDR, SO_REUSEPORT
///
/// Each row is a port on which something is left, and each column a pair of options: of the socket that had the port, and of the one
/// that wants it. Look at the second row: it is a server that is stopped and started again.
///
/// The question: why does nearly every TCP server set SO_REUSEADDR?
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cargo ch2 show reuse\n  cargo ch2 show reuse --address ::1")]
pub struct ReuseArgs {
    #[command(flatten)]
    loopback: LoopbackArgs,
}

/// What is left on the port.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Left {
    Nothing,
    TimeWait,
    Connection,
    Bound,
    Listener,
}

/// What one socket has set before `bind`.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Sets {
    Nothing,
    Address,
    Port,
}

/// Runs the demonstration.
pub fn run(args: &ReuseArgs) -> anyhow::Result<()> {
    let mut out = common::support::cli::stdout();
    let pairs = [
        ("neither sets any", Sets::Nothing, Sets::Nothing),
        ("new: REUSEADDR", Sets::Nothing, Sets::Address),
        ("both: REUSEADDR", Sets::Address, Sets::Address),
        ("both: REUSEPORT", Sets::Port, Sets::Port),
    ];
    write!(out, "{:<34}", "the port has")?;
    for (title, ..) in pairs {
        write!(out, " {title:<18}")?;
    }
    writeln!(out)?;
    for (title, left) in [
        ("nothing", Left::Nothing),
        ("TIME-WAIT: the server closed first", Left::TimeWait),
        ("a connection, and no listener", Left::Connection),
        ("a socket that is only bound", Left::Bound),
        ("a listener", Left::Listener),
    ] {
        write!(out, "{title:<34}")?;
        for (_, old, new) in pairs {
            write!(out, " {:<18}", try_it(args.loopback, left, old, new)?)?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Leaves something on a port, and tells what another socket gets that wants to listen there.
fn try_it(loopback: LoopbackArgs, left: Left, old: Sets, new: Sets) -> anyhow::Result<String> {
    let (address, _kept) = leave(loopback, left, old)?;
    let socket = made(address, new)?;
    Ok(match (socket.bind(&address.into()), || socket.listen(1)) {
        (Err(error), _) => format!("bind: {}", name(&error)),
        (Ok(()), listen) => match listen() {
            Err(error) => format!("listen: {}", name(&error)),
            Ok(()) => "listens".into(),
        },
    })
}

/// Leaves something on a port: its address, and what has to be kept for it to stay there.
fn leave(loopback: LoopbackArgs, left: Left, sets: Sets) -> anyhow::Result<(SocketAddr, Vec<Socket>)> {
    let address = SocketAddr::new(loopback.address(), 0);
    let old = made(address, sets)?;
    old.bind(&address.into())?;
    let address = endpoint::local(&old)?;
    if matches!(left, Left::Bound) {
        return Ok((address, vec![old]));
    }
    old.listen(1)?;
    let kept = match left {
        Left::Nothing | Left::Bound => Vec::new(),
        Left::Listener => vec![old],
        Left::Connection | Left::TimeWait => {
            let client = endpoint::socket(address, Protocol::Tcp)?;
            client.connect(&address.into())?;
            let (server, _) = old.accept()?;
            if left == Left::Connection { vec![client, server] } else { time_wait(client, server)? }
        }
    };
    Ok((address, kept))
}

/// The server closes first, then the client: the server's end goes into TIME-WAIT.
fn time_wait(mut client: Socket, server: Socket) -> anyhow::Result<Vec<Socket>> {
    let (local, remote) = (endpoint::local(&server)?, endpoint::internet(&server.peer_addr()?)?);
    drop(server);
    client.read_to_end(&mut Vec::new())?;
    drop(client);
    let limit = std::time::Duration::from_secs(2);
    let row = kernel::settled(
        limit,
        || kernel::connection(local, remote),
        |row| row.as_ref().is_some_and(|row| row.state == "TIME-WAIT"),
    )?;
    anyhow::ensure!(row.is_some_and(|row| row.state == "TIME-WAIT"), "no TIME-WAIT came within 2 s");
    Ok(Vec::new())
}

fn made(address: SocketAddr, sets: Sets) -> io::Result<Socket> {
    let socket = endpoint::socket(address, Protocol::Tcp)?;
    match sets {
        Sets::Nothing => {}
        Sets::Address => socket.set_reuse_address(true)?,
        Sets::Port => socket.set_reuse_port(true)?,
    }
    Ok(socket)
}
