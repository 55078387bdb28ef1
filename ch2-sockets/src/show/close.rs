//! What happens without `close`, and what the kernel does for a process that has ended.
//!
//! Lecture notes, chapter 2, "Receiving using TCP connection": *it is critical to enforce close() before terminating an application*.
//! It is critical as long as the process lives: nobody else closes its descriptors. When it ends, in any way, the kernel closes them
//! all. What then stays for a minute is TIME-WAIT, and that is no fault: a proper `close` leads there too.
//!
//! ```text
//!   no close:  the descriptor is not free           at RLIMIT_NOFILE the next accept() is EMFILE
//!              no FIN is sent                       the client waits for the end of the stream
//!              the client's FIN changes nothing     CLOSE-WAIT, for as long as the process lives
//!              a listener keeps its port            the next bind() is EADDRINUSE
//!   kill -9:   the kernel closes all of it
//! ```

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use common::support::count::count;
use nix::poll::PollFlags;

use super::loopback::{LoopbackArgs, name, wait_for};
use crate::kernel::{self, endpoint};

/// How many connections a server forgets.
const FORGOTTEN: usize = 5;
/// How long the other end's kernel may take.
const SOON: Duration = Duration::from_secs(2);

/// What happens without close, and after kill -9
///
/// A server answers five clients and forgets to close. Look at what its clients read, and at the state of its connections when the
/// clients have gone.
///
/// The question: the notes say that a program must close its sockets before it ends. What if it is killed?
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cargo ch2 show close\n  cargo ch2 show close --address ::1")]
pub struct CloseArgs {
    #[command(flatten)]
    loopback: LoopbackArgs,
    /// Be the client that is killed
    #[arg(long, hide = true)]
    child: Option<SocketAddr>,
}

/// Runs the demonstration, or its child.
pub fn run(args: &CloseArgs) -> anyhow::Result<()> {
    if let Some(server) = args.child {
        let _connection = TcpStream::connect(server)?;
        io::stdin().read_to_end(&mut Vec::new())?; // waits to be killed
        return Ok(());
    }
    let mut out = common::support::cli::stdout();
    let listener = TcpListener::bind((args.loopback.address(), 0))?;
    let address = listener.local_addr()?;

    let before = descriptors()?;
    let mut clients = Vec::new();
    let mut forgotten = Vec::new();
    for _ in 0..FORGOTTEN {
        let mut client = TcpStream::connect(address)?;
        let (mut server, _) = listener.accept()?;
        server.write_all(b"the answer")?;
        client.read_exact(&mut [0; 10])?;
        client.set_nonblocking(true)?;
        clients.push(client);
        forgotten.push(server);
    }
    writeln!(out, "the server has answered {}, and closed none:", count(FORGOTTEN, "client"))?;
    let more = descriptors()? - before - clients.len();
    writeln!(out, "   it has {} more", count(more, "open descriptor"))?;
    writeln!(
        out,
        "   a client that reads to the end of the stream: {}",
        told((&clients[0]).read(&mut [0; 8]))
    )?;
    let ends = forgotten.iter().map(|end| Ok((end.local_addr()?, end.peer_addr()?)));
    let ends: Vec<_> = ends.collect::<io::Result<_>>()?;
    drop(clients);
    writeln!(
        out,
        "the clients have closed: the server's ends are {}, and stay so",
        states(&ends, "CLOSE-WAIT")?
    )?;
    writeln!(out, "   another server that wants the port: {}", told(bind_again(address)))?;
    drop((forgotten, listener));
    writeln!(out, "the server has closed: its ends are {}", states(&ends, "none")?)?;
    writeln!(out, "   another server that wants the port: {}", told(bind_again(address)))?;

    writeln!(out, "a client that never closes is killed (SIGKILL):")?;
    let listener = TcpListener::bind((args.loopback.address(), 0))?;
    let mut child = Command::new(std::env::current_exe()?)
        .args(["show", "close", "--child", &listener.local_addr()?.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .context("cannot start a child")?;
    let accepted = wait_for(&listener, PollFlags::POLLIN).and_then(|()| listener.accept());
    child.kill()?;
    child.wait()?;
    let (mut server, _) = accepted.context("the child has not connected")?;
    server.set_read_timeout(Some(SOON))?;
    writeln!(
        out,
        "   the server reads: {}: the kernel closes the descriptors of every process that ends",
        told(server.read(&mut [0; 8]))
    )?;
    Ok(())
}

fn descriptors() -> io::Result<usize> {
    Ok(kernel::descriptors()?.len())
}

/// Binds another socket to the address, without SO_REUSEADDR.
fn bind_again(address: SocketAddr) -> io::Result<usize> {
    endpoint::socket(address, kernel::Protocol::Tcp)?.bind(&address.into()).map(|()| 1)
}

/// The states of these ends, once all are in the state that is expected.
fn states(ends: &[(SocketAddr, SocketAddr)], expected: &str) -> io::Result<String> {
    let look = || {
        let state = |&(local, remote): &_| {
            Ok(kernel::connection(local, remote)?.map_or("none", |row| row.state).to_owned())
        };
        ends.iter().map(state).collect::<io::Result<Vec<String>>>()
    };
    let mut states = kernel::settled(SOON, look, |states| states.iter().all(|state| state == expected))?;
    states.sort();
    states.dedup();
    Ok(states.join(", "))
}

fn told(done: io::Result<usize>) -> String {
    match done {
        Ok(0) => "0 (the end)".into(),
        Ok(_) => "it gets it".into(),
        Err(error) if error.kind() == ErrorKind::WouldBlock => "waits, and nothing will come".into(),
        Err(error) => name(&error),
    }
}
