//! `compare-server`: the minimal servers, each as a process. A student does not need it; `compare` starts it.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use anyhow::Context;
use ch3_threads::serve::serve;
use clap::{Args, ValueEnum};
use common::board::BoardService;
use common::core::stop::Stop;
use common::support::cli::stdout;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::wire::{bare, bare_bytes, echo, framed, pyro, stream, udp};
use crate::daemon::registry::Objects;
use crate::daemon::serve::ObjectServerArgs;
use crate::rpc::stop::requested;

/// The servers that only the comparison has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// A datagram a request
    RawUdp,
    /// A connection a request
    TcpShort,
    /// A length before each request
    TcpLong,
    /// Length and bincode over tokio
    Framed,
    /// tarpc as it comes
    TarpcBare,
    /// An object of Pyro
    Pyro,
    /// The same bytes for each request of XML-RPC
    HttpEcho,
    /// As many bytes back as a request asks for
    BareBytes,
    /// The same in datagrams
    BareDatagrams,
}

/// The arguments of `compare-server`.
#[derive(Debug, Args)]
#[command(after_help = "Example: the baseline of the comparison, until Ctrl-C:
  cargo ch5 compare-server framed -p 7777")]
pub struct CompareServerArgs {
    /// Which
    #[arg(value_enum)]
    pub kind: Kind,
    #[allow(missing_docs, reason = "flattened: a comment here would replace the command's own")]
    #[command(flatten)]
    pub server: ObjectServerArgs,
}

/// Serves until the stop.
///
/// # Errors
/// The address cannot be listened on.
pub fn run(args: &CompareServerArgs) -> anyhow::Result<ExitCode> {
    let run = &args.server.run;
    let address = SocketAddr::new(run.listenaddr, run.listenport);
    match args.kind {
        Kind::TcpShort => serve(args.server.model, Arc::new(BoardService::default()), run, None)?,
        Kind::Pyro => {
            let objects = Objects::default();
            objects.add_as(pyro::OBJECT, Arc::new(pyro::BoardObject::default()))?;
            args.server.serve("board", objects, pyro::OBJECT.into(), |_| {})?;
        }
        Kind::RawUdp => udp::serve(&datagrams(address)?)?,
        Kind::TcpLong => stream::serve(&connections(address)?)?,
        Kind::HttpEcho => echo::serve(&connections(address)?)?,
        Kind::BareBytes => bare_bytes::serve(&connections(address)?)?,
        Kind::BareDatagrams => bare_bytes::serve_datagrams(&datagrams(address)?)?,
        Kind::Framed | Kind::TarpcBare => over_tokio(args.kind, address)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// One thread, as for `board-server`.
fn over_tokio(kind: Kind, address: SocketAddr) -> anyhow::Result<()> {
    let stop = Stop::install().context("no descriptor for the stop")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let requested = requested(stop)?;
        let listener = tokio::net::TcpListener::bind(address).await.context("cannot listen")?;
        listening(listener.local_addr()?)?;
        let serve = async {
            match kind {
                Kind::TarpcBare => bare::serve(listener).await,
                _ => framed::serve(listener).await,
            }
        };
        tokio::select! {
            () = requested => Ok(()),
            ended = serve => ended,
        }
    })
}

/// A listener for a server that holds nothing that must be put in order.
fn connections(address: SocketAddr) -> anyhow::Result<TcpListener> {
    end_at_stop()?;
    let listener = TcpListener::bind(address).context("cannot listen")?;
    listening(listener.local_addr()?)?;
    Ok(listener)
}

/// The same with a socket for datagrams.
fn datagrams(address: SocketAddr) -> anyhow::Result<UdpSocket> {
    end_at_stop()?;
    let socket = UdpSocket::bind(address).context("cannot bind")?;
    listening(socket.local_addr()?)?;
    Ok(socket)
}

fn listening(address: SocketAddr) -> anyhow::Result<()> {
    Ok(writeln!(stdout(), "LISTENING {address}")?)
}

/// It ends where it stands.
fn end_at_stop() -> anyhow::Result<()> {
    let stop = Stop::install().context("no descriptor for the stop")?;
    thread::spawn(move || {
        let fd = stop.fd();
        while !stop.requested() {
            let _ = poll(&mut [PollFd::new(fd, PollFlags::POLLIN)], PollTimeout::NONE);
        }
        std::process::exit(0)
    });
    Ok(())
}
