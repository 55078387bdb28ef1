//! What a socket is: create one, bind it, and see what the system shows (lecture notes, "Creating socket", "Binding
//! socket", for UDP and again for TCP). Of the notes' third address family, AF_UNIX, see [`unix`].
//!
//! ```text
//!   socket()   a descriptor: a number in this process
//!   bind()     an address:   UDP: a row in the kernel's table     TCP: still none, nobody could reach it
//!   listen()                                                      TCP: the row, LISTEN
//!   close()    both are gone
//! ```

use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use common::core::stop::Stop;
use common::net::interface::own_addresses;
use common::support::cli;
use socket2::Type;

use crate::kernel::endpoint;
use crate::kernel::unix::{self, Endpoint, UnixName};
use crate::kernel::wait::{self, ended};
use crate::kernel::{self, Protocol};

const EXAMPLES: &str = "\
Examples:
  cargo ch2 socket udp
  cargo ch2 socket udp --bind 127.0.0.1:0        port 0: any free one
  cargo ch2 socket udp --bind '[::]:7777'        every address, IPv6 and IPv4
  cargo ch2 socket tcp --bind 0.0.0.0:7777 --hold   then, elsewhere: ss -lnt
  cargo ch2 socket tcp --bind 127.0.0.1:1023     below 1024
  cargo ch2 socket unix-stream --bind /tmp/s     a file for a name; run it twice
  cargo ch2 socket unix-datagram --bind @s       a name without a file";

/// The arguments of `socket`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SocketArgs {
    /// Which kind of socket
    kind: SocketKind,
    /// Where to bind it: an address and port, or for AF_UNIX a path or @NAME [default: 127.0.0.1:7777, or @ch2]
    #[arg(long, value_name = "ADDR:PORT|PATH|@NAME")]
    bind: Option<Endpoint>,
    /// Wait for Enter or Ctrl-C after each step, to look with other tools
    #[arg(long)]
    hold: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SocketKind {
    /// AF_INET or AF_INET6, SOCK_DGRAM
    Udp,
    /// AF_INET or AF_INET6, SOCK_STREAM
    Tcp,
    /// AF_UNIX, SOCK_STREAM
    UnixStream,
    /// AF_UNIX, SOCK_DGRAM
    UnixDatagram,
}

/// Creates, binds, and closes a socket, step by step.
///
/// # Errors
/// A refused `bind`, in a sentence; a closed stdout.
pub fn run(args: &SocketArgs) -> anyhow::Result<ExitCode> {
    let stop = Stop::install()?;
    let mut out = cli::stdout().lock();
    let rest = |out: &mut Out| -> io::Result<bool> {
        if args.hold {
            wait::hold(out, stop)?;
        }
        Ok(stop.requested())
    };
    let bind = args.bind.clone().unwrap_or_else(|| match args.kind {
        SocketKind::Udp | SocketKind::Tcp => Endpoint::Internet(([127, 0, 0, 1], 7777).into()),
        SocketKind::UnixStream | SocketKind::UnixDatagram => {
            Endpoint::Unix(UnixName::Abstract(b"ch2".to_vec()))
        }
    });
    match (args.kind, &bind) {
        (SocketKind::Udp, Endpoint::Internet(address)) => steps(&mut out, Protocol::Udp, *address, rest)?,
        (SocketKind::Tcp, Endpoint::Internet(address)) => steps(&mut out, Protocol::Tcp, *address, rest)?,
        (SocketKind::UnixStream, Endpoint::Unix(name)) => {
            unix::steps::run(&mut out, Type::STREAM, name, rest)?;
        }
        (SocketKind::UnixDatagram, Endpoint::Unix(name)) => {
            unix::steps::run(&mut out, Type::DGRAM, name, rest)?;
        }
        _ => {
            return Ok(cli::wrong(
                "AF_UNIX is bound to a path or @NAME, and the others to an address and a port",
            ));
        }
    }
    Ok(ended(stop))
}

type Out = cli::Stdout<io::StdoutLock<'static>>;

fn steps(
    out: &mut Out,
    protocol: Protocol,
    bind: SocketAddr,
    rest: impl Fn(&mut Out) -> io::Result<bool>,
) -> anyhow::Result<()> {
    let kind = if protocol == Protocol::Udp { "SOCK_DGRAM" } else { "SOCK_STREAM" };
    let family = if bind.is_ipv4() { "AF_INET" } else { "AF_INET6" };
    writeln!(out, "Process id: {}", std::process::id())?;
    let socket = endpoint::socket(bind, protocol)?;
    let number = socket.as_raw_fd();
    writeln!(out, "1. socket({family}, {kind}) = {number}: a descriptor, a number in this process")?;
    show_descriptors(out, number)?;
    show_row(out, &socket, protocol)?;
    if rest(out)? {
        return Ok(());
    }

    endpoint::bind(&socket, bind, protocol)?;
    let address = endpoint::local(&socket)?;
    writeln!(out, "2. bind({number}, {bind}): the socket is bound to {address}")?;
    if bind.port() == 0 {
        writeln!(out, "   port 0 means any free port: the system chose {}", address.port())?;
    }
    if endpoint::is_privileged(address.port()) {
        writeln!(out, "   a privileged port: this process is root, or has CAP_NET_BIND_SERVICE")?;
    }
    if address.ip().is_unspecified() {
        writeln!(out, "   {} means every address of this machine: {}", address.ip(), reached_at(address))?;
    }
    show_row(out, &socket, protocol)?;
    if rest(out)? {
        return Ok(());
    }

    if protocol == Protocol::Tcp {
        socket.listen(0)?;
        writeln!(out, "3. listen({number}, 0): from now on clients can connect")?;
        show_row(out, &socket, protocol)?;
        if rest(out)? {
            return Ok(());
        }
    }

    let step = if protocol == Protocol::Tcp { 4 } else { 3 };
    let inode = kernel::inode(&socket)?;
    drop(socket);
    let left = kernel::rows(protocol)?.into_iter().find(|row| row.inode == inode);
    writeln!(
        out,
        "{step}. close({number}): the descriptor is free again, and the row is gone with the socket"
    )?;
    write!(out, "{}", kernel::table::text(&[("socket", left.as_ref())]))?;
    Ok(())
}

fn show_descriptors(out: &mut impl Write, ours: i32) -> io::Result<()> {
    writeln!(out, "   ls -l /proc/{}/fd", std::process::id())?;
    for descriptor in kernel::descriptors()? {
        let mark = if descriptor.number == ours { "   <- the new socket" } else { "" };
        writeln!(out, "   {} -> {}{mark}", descriptor.number, descriptor.target)?;
    }
    Ok(())
}

fn show_row(out: &mut impl Write, socket: &socket2::Socket, protocol: Protocol) -> io::Result<()> {
    write!(out, "{}", kernel::table::text(&[("socket", kernel::row_of(socket, protocol)?.as_ref())]))
}

fn reached_at(address: SocketAddr) -> String {
    // An IPv6 socket takes IPv4 as well, unless IPV6_V6ONLY is set (ipv6(7)).
    let reached = own_addresses().into_iter().filter(|own| address.is_ipv6() || own.is_ipv4());
    reached.map(|own| own.to_string()).collect::<Vec<_>>().join(", ")
}
