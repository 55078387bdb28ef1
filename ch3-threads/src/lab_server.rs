//! `lab-server`: the lab's `TCPechod` with the faults that its questions 5 and 6 are about, each as a choice.
//!
//! ```text
//!   parent ──► accept ──► fork ──┐                 child: read ──► (wait) ──► write(2) ──┐
//!               ▲────────────────┘                          ▲───────────────────────────┘
//!      SIGCHLD ──► the reaper:  right  while (wait3(…) >  0)       none is left
//!                               none   no handler                  every child stays a zombie
//!                               lab    while (wait3(…) >= 0)       serves nobody until the last child has ended
//!      SIGPIPE ──► ignore: EPIPE    handler: counted    default: the process dies, the child or (--sequential) the server
//! ```
//!
//! The models of `serve` have none of these faults: `model/fork_per_connection.rs` is what this server should be. What both need
//! alike, the listening socket, the fork and the stop, is the core's. Its echo is the lab's loop: it calls write(2), which can raise
//! SIGPIPE, and after a failed write it goes on, so that one sees what the second write does.

mod handlers;

use std::collections::BTreeSet;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use common::core::counters::Counters;
use common::core::listener::{ACCEPT_BACKOFF, AcceptOutcome, Listener};
use common::core::server::Server;
use common::core::stop::Stop;
use common::core::workers::{end_all, fork_worker};
use common::support::cli::{duration_within, stdout};
use nix::errno::Errno;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, close, write};

use handlers::{Reaper, SigPipe};

use crate::service::echo::Echo;
use crate::show::process_table::{HEAD, Row};

/// The lab's echo server, with or without a reaper, with or without a handler of SIGPIPE
///
/// A process per client, as the lab's TCPechod. What is chosen here and is a fault says so when the server starts. At the end it
/// prints its zombies, what the reaper did, and what became of SIGPIPE. It has none of the limits of `serve`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples, each with a client or two in another terminal (nc 127.0.0.1 7777) and `ps x` in a third:
  cargo ch3 lab-server --reaper none       question 5: leave with a client, then look for Z
  cargo ch3 lab-server --reaper lab        two clients, one leaves: now a third is not served
  cargo ch3 lab-server --sigpipe default --sequential --slow 100ms
  cargo ch3 simulate -s echo -c 1 -b 9000 --faulty rst=1       question 6: it kills that server
The repaired server is `cargo ch3 serve --model fork-per-connection --service echo`."
)]
pub struct LabServerArgs {
    /// The address to listen on
    #[arg(short = 'l', long, default_value = "127.0.0.1", value_parser = common::support::listen::address)]
    listenaddr: IpAddr,
    /// The port to listen on; 0 takes any free one
    #[arg(short = 'p', long, default_value_t = 7777)]
    listenport: u16,
    /// What is done when a child has ended
    #[arg(long, value_enum, default_value = "right")]
    reaper: Reaper,
    /// What SIGPIPE does, the signal of a write to a connection that is gone
    #[arg(long, value_enum, default_value = "ignore")]
    sigpipe: SigPipe,
    /// Serve one client after another in one process, without a fork
    #[arg(long)]
    sequential: bool,
    /// Wait so long before each answer, so that a client can leave meanwhile
    #[arg(long, value_name = "TIME", default_value = "0s",
          value_parser = duration_within(Duration::ZERO..=Duration::from_secs(60)))]
    slow: Duration,
}

/// The lab's buffer.
const BUFFER: usize = 4096;

/// Serves until the stop, and then says what has become of the children and of SIGPIPE.
///
/// # Errors
/// The address cannot be listened on, or what no server could serve around.
pub fn run(args: &LabServerArgs) -> anyhow::Result<()> {
    let stop = Stop::install().context("no descriptor for the stop")?;
    let counters = Counters::shared().context("no memory for the counters")?;
    let mut server = Server::new(Arc::new(Echo), stop, counters);
    let address = SocketAddr::new(args.listenaddr, args.listenport);
    let listener = Listener::is_free(address)
        .and_then(|()| Listener::open(address, 128, false, stop))
        .map_err(common::support::listen::refusal)
        .with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.address().clone();
    server.when_ready = Some(Arc::new(move || {
        let _ = writeln!(stdout(), "LISTENING {address}");
    }));
    warn(args);
    handlers::prepare(stop)?;
    handlers::install_reaper(args.reaper)?;
    let mut children = BTreeSet::new();
    serve(args, &server, &listener, &mut children)?;
    report(stop, &children)
}

/// Says loudly what is wrong with this server.
fn warn(args: &LabServerArgs) {
    match args.reaper {
        Reaper::Right => {}
        Reaper::None => tracing::warn!("--reaper none: every child that has ended stays a zombie"),
        Reaper::Lab => tracing::warn!(
            "--reaper lab: when a child ends while another lives, nobody is served and a processor is busy"
        ),
    }
    let who = if args.sequential { "the whole server" } else { "the process that serves it" };
    if args.sigpipe == SigPipe::Default {
        tracing::warn!("--sigpipe default: a client that resets its connection can kill {who}");
    }
}

fn serve(
    args: &LabServerArgs,
    server: &Server,
    listener: &Listener,
    children: &mut BTreeSet<Pid>,
) -> anyhow::Result<()> {
    if args.sequential {
        handlers::install_sigpipe(args.sigpipe)?;
    }
    server.ready();
    while !server.stop.requested() {
        match server.accept(listener)? {
            AcceptOutcome::Accepted(stream, peer) if args.sequential => {
                server.log_disconnect(&peer, echo(server, &stream, args.slow));
            }
            AcceptOutcome::Accepted(stream, peer) => {
                // The handler must not run in the middle of it: SIGTERM is blocked there, and the lab's would never hear of it.
                let unblocked = handlers::hold_back()?;
                let child = fork_worker(server, &format!("child-{}", children.len() + 1), || {
                    close(listener.as_raw_fd())?; // the child has no business there
                    handlers::install_sigpipe(args.sigpipe)?;
                    server.log_disconnect(&peer, echo(server, &stream, args.slow));
                    Ok(())
                });
                unblocked.thread_set_mask()?;
                match child {
                    Ok(pid) => drop(children.insert(pid)),
                    Err(error) => tracing::warn!("client {peer} is refused: no process for it: {error}"),
                }
                let zombies = zombies(children);
                if !zombies.is_empty() {
                    tracing::warn!("zombies so far: {}", zombies.len());
                }
            }
            AcceptOutcome::Full => server.stop.rest(ACCEPT_BACKOFF),
            AcceptOutcome::WouldBlock => {}
            AcceptOutcome::Closed => break,
        }
    }
    Ok(())
}

/// The lab's `TCPecho`, which does not end at the first write that fails.
fn echo(server: &Server, mut stream: &TcpStream, slow: Duration) -> io::Result<()> {
    let _in_service = server.stop.enter(stream).ok_or(ErrorKind::ConnectionAborted)?;
    let mut buffer = [0; BUFFER];
    while !server.stop.requested() {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                server.stop.rest(slow);
                if let Err(errno) = write_all(server.stop, stream, &buffer[..count]) {
                    tracing::warn!("write: {errno}");
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// By write(2): the library's own `write` asks the kernel for no SIGPIPE (MSG_NOSIGNAL).
fn write_all(stop: Stop, stream: &TcpStream, mut bytes: &[u8]) -> nix::Result<()> {
    while !bytes.is_empty() && !stop.requested() {
        match write(stream, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::EAGAIN | Errno::EINTR) => {} // the socket's tick is over, or a handler has run
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// The rows of those children that have ended and were not waited for.
fn zombies(children: &BTreeSet<Pid>) -> Vec<Row> {
    children.iter().filter_map(|&pid| Row::of(pid)).filter(|row| row.state == 'Z').collect()
}

fn report(stop: Stop, children: &BTreeSet<Pid>) -> anyhow::Result<()> {
    let mut out = stdout();
    let zombies = zombies(children);
    if !zombies.is_empty() {
        writeln!(out, "{HEAD}")?;
        zombies.iter().try_for_each(|row| writeln!(out, "{row}"))?;
    }
    // From here on nothing else waits for a child: a child that was not waited for is still ours, and may be signalled.
    handlers::remove_reaper()?;
    let mut alive = Vec::new();
    for &pid in children {
        match waitpid(pid, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => alive.push(pid),
            Ok(status) => handlers::note(&status),
            Err(_) => {} // the reaper has waited for it
        }
    }
    end_all(stop, alive);
    let seen = handlers::seen();
    writeln!(
        out,
        "children: {}, zombies: {}, reaped by the handler: {}, handler runs: {}, calls of wait: {}",
        children.len(),
        zombies.len(),
        seen.reaped,
        seen.runs,
        seen.calls
    )?;
    writeln!(out, "SIGPIPE: handler runs: {}, children killed by it: {}", seen.pipes, seen.killed_by_pipe)?;
    Ok(())
}
