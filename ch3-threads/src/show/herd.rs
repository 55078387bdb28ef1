//! The thundering herd: N children wait for one listening socket, a connection comes; who gets it, and who woke for it?
//!
//! csdesign, `server03a.py`, "how the distribution looks like"; UNP 1, section 30.6, "select collisions".
//!
//! ```text
//!  --wait accept           --wait poll, epoll        --wait epoll-exclusive     --wait reuseport
//!
//!   c0 c1 c2 c3             c0 c1 c2 c3               c0 c1 c2 c3               c0 c1 c2 c3
//!    └──┴┬─┴──┘              └──┴┬─┴──┘                └──┴┬─┴──┘               │  │  │  │
//!     accept(2)               readable?                 readable?              accept(2), each
//!     one is woken            all are woken, one        few are woken          its own queue
//!                             accepts, others EAGAIN
//! ```
//!
//! csdesign says of children in accept(2) that all are woken. On Linux that has not been so since 2.4: accept is an
//! exclusive wait, first come first served, and its herd is gone. In poll(2) it is alive, because the kernel cannot know
//! whether who polls will accept: he may only want to look.
//!
//! A child sees little of it. It returns from its wait and gets EAGAIN now and then; most often a woken poll looks again
//! inside the kernel, finds nothing, and sleeps on. But each time it goes to sleep is a voluntary context switch, which
//! the kernel counts, and each sleep was ended by a wake-up: so many wake-ups, and one accept needs at most one.
//!
//! The price of the cures: EPOLLEXCLUSIVE prefers the child that was added first, so the load is uneven. SO_REUSEPORT
//! chooses by a hash of the addresses before anyone looks who is idle: a connection waits for *its* child.

use std::io::{self, Read, Write, pipe};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use common::support::count::count;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::wait::WaitStatus;
use socket2::{Domain, SockRef, Socket, Type};

use super::child::{self, Child};
use super::narrate::say;
use super::shared::SharedCounters;

/// Thundering herd: how connections spread over children, and how many woke for nothing
///
/// Without --wait all ways are measured, one after the other, into one table. Look at `in vain` and at the context
/// switches per connection: 1 is what is needed. Then at the spread: does every child get the same?
///
/// The question: how many processes does one connection wake?
#[derive(Args, Debug, Clone, Copy)]
#[command(
    after_help = "Example, the table, and csdesign's own list of children:\n  cargo ch3 show herd\n  cargo ch3 show herd --wait poll --connections 1500 --clients 15"
)]
pub struct HerdArgs {
    /// What the children wait in; without it, every way in turn
    #[arg(long, value_enum)]
    wait: Option<Wait>,
    /// How many children wait
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=64))]
    children: u16,
    /// How many connections are made, all in all
    #[arg(long, default_value_t = 1500, value_parser = clap::value_parser!(u64).range(1..=20_000))]
    connections: u64,
    /// How many client processes make them, each one connection at a time
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=32))]
    clients: u64,
}

#[derive(ValueEnum, Debug, Clone, Copy, PartialEq)]
enum Wait {
    /// accept(2) on one blocking socket: the kernel wakes one
    Accept,
    /// poll(2) on one non-blocking socket: the kernel wakes all
    Poll,
    /// an epoll(7) of each child on one non-blocking socket
    Epoll,
    /// the same with EPOLLEXCLUSIVE: the kernel wakes one or few
    EpollExclusive,
    /// accept(2), each child on a socket of its own, with SO_REUSEPORT
    Reuseport,
}

impl Wait {
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// Runs the demonstration.
pub fn run(args: HerdArgs) -> anyhow::Result<()> {
    let HerdArgs { children, connections, clients, .. } = args;
    say!("{children} children, {} by {}", count(connections, "connection"), count(clients, "client"));
    let mut out = common::support::cli::stdout();
    if let Some(wait) = args.wait {
        let outcome = measure(wait, args)?;
        for (number, child) in outcome.children.iter().enumerate() {
            writeln!(
                out,
                "child {number} : {} times, woken in vain {}",
                child.accepted,
                child.woken_in_vain()
            )?;
        }
        writeln!(out, "\n{}\n{}", Outcome::HEAD, outcome.row(wait))?;
        return Ok(());
    }
    writeln!(out, "{}", Outcome::HEAD)?;
    for wait in Wait::value_variants() {
        writeln!(out, "{}", measure(*wait, args)?.row(*wait))?;
    }
    Ok(())
}

/// What one child did.
struct Tally {
    accepted: u64,
    refused: u64,
    wake_ups: u64,
    switches: u64,
}

impl Tally {
    /// Wake-ups that brought no connection; at least so many, because a connection that was already there costs none.
    fn woken_in_vain(&self) -> u64 {
        self.wake_ups.saturating_sub(self.accepted)
    }
}

struct Outcome {
    children: Vec<Tally>,
    time: Duration,
}

impl Outcome {
    const HEAD: &str = "wait              accepts   wake-ups    in vain     EAGAIN   min..max of a child   switches/accept       time";

    fn sum(&self, of: impl Fn(&Tally) -> u64) -> u64 {
        self.children.iter().map(of).sum()
    }

    fn row(&self, wait: Wait) -> String {
        let name = wait.name();
        let accepts = self.sum(|child| child.accepted);
        let each = || self.children.iter().map(|child| child.accepted);
        let spread = format!("{}..{}", each().min().unwrap_or(0), each().max().unwrap_or(0));
        let switches = self.sum(|child| child.switches) as f64 / accepts.max(1) as f64;
        let [wake_ups, in_vain, refused] = [
            self.sum(|child| child.wake_ups),
            self.sum(Tally::woken_in_vain),
            self.sum(|child| child.refused),
        ];
        let ms = self.time.as_secs_f64() * 1e3;
        format!(
            "{name:<16} {accepts:>8} {wake_ups:>10} {in_vain:>10} {refused:>10} {spread:>21} {switches:>17.2} {ms:>7.0} ms"
        )
    }
}

/// The counters of a child, in memory that it shares with the parent.
const ACCEPTED: usize = 0;
const REFUSED: usize = 1;
const WAKE_UPS: usize = 2;
const SWITCHES: usize = 3;
const COUNTERS: usize = 4;

/// Children that wait in one way, clients that make every connection, and what came of it.
fn measure(wait: Wait, args: HerdArgs) -> anyhow::Result<Outcome> {
    let number_of_children = usize::from(args.children);
    let listeners = listen(wait, number_of_children).context("cannot listen")?;
    let address = listeners[0].local_addr()?;
    let counters = SharedCounters::new(number_of_children * COUNTERS)?;
    let (mut ready, writer) = pipe()?;
    let children = (0..number_of_children)
        .map(|number| {
            let listener = &listeners[number % listeners.len()];
            let counters = &counters[number * COUNTERS..][..COUNTERS];
            child::spawn(&format!("child {number}"), || {
                (&writer).write_all(b"r")?;
                serve(wait, listener, counters)
            })
        })
        .collect::<io::Result<Vec<_>>>()?;
    drop(writer);
    ready.read_exact(&mut vec![0; number_of_children]).context("a child ended early")?;

    let start = Instant::now();
    let clients = (0..args.clients)
        .map(|number| {
            let share = args.connections / args.clients + u64::from(number < args.connections % args.clients);
            child::spawn(&format!("client {number}"), || {
                say!("makes {}; the children wait in {}", count(share, "connection"), wait.name());
                (0..share).try_for_each(|_| be_served(address))
            })
        })
        .collect::<io::Result<Vec<_>>>()?;
    clients.into_iter().try_for_each(succeeded)?;
    let time = start.elapsed();

    // Wakes everyone who waits for these sockets, in whichever process and call.
    for listener in &listeners {
        SockRef::from(listener).shutdown(Shutdown::Both)?;
    }
    children.into_iter().try_for_each(succeeded)?;
    let tally = |of: &[AtomicU64]| Tally {
        accepted: of[ACCEPTED].load(SeqCst),
        refused: of[REFUSED].load(SeqCst),
        wake_ups: of[WAKE_UPS].load(SeqCst),
        switches: of[SWITCHES].load(SeqCst),
    };
    let outcome = Outcome { children: counters.chunks_exact(COUNTERS).map(tally).collect(), time };
    let accepted = outcome.sum(|child| child.accepted);
    ensure!(accepted == args.connections, "{} counted of {}", count(accepted, "accept"), args.connections);
    Ok(outcome)
}

/// One listening socket for all, or one for each child. Made before the first fork: a connection that comes when only
/// some of the sockets exist would be given to those.
fn listen(wait: Wait, children: usize) -> io::Result<Vec<TcpListener>> {
    let bind = |address: SocketAddr| {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_reuse_port(wait == Wait::Reuseport)?;
        // It belongs to the socket, not to the descriptor: all children share it.
        socket.set_nonblocking(matches!(wait, Wait::Poll | Wait::Epoll | Wait::EpollExclusive))?;
        socket.bind(&address.into())?;
        socket.listen(1024)?;
        io::Result::Ok(TcpListener::from(socket))
    };
    let first = bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let address = first.local_addr()?;
    let others = if wait == Wait::Reuseport { children - 1 } else { 0 };
    [Ok(first)].into_iter().chain((0..others).map(|_| bind(address))).collect()
}

/// A child: waits, accepts one connection per wake-up, answers "service offered", until the socket is shut down.
fn serve(wait: Wait, listener: &TcpListener, counters: &[AtomicU64]) -> anyhow::Result<()> {
    let epoll = epoll(wait, listener)?;
    loop {
        match wait {
            Wait::Accept | Wait::Reuseport => {}
            Wait::Poll => {
                uninterrupted(|| {
                    poll(&mut [PollFd::new(listener.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE)
                })?;
            }
            Wait::Epoll | Wait::EpollExclusive => {
                uninterrupted(|| epoll.wait(&mut [EpollEvent::empty()], EpollTimeout::NONE))?;
            }
        }
        match listener.accept() {
            Ok((mut connection, _)) => {
                // Counted before the client knows: so all is counted when the clients have ended.
                counters[ACCEPTED].fetch_add(1, SeqCst);
                connection.write_all(b"1")?;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                counters[REFUSED].fetch_add(1, SeqCst);
            }
            // EINVAL: it no longer listens. That is the end, not an error.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => break,
            Err(error) => return Err(error).context("accept"),
        }
    }
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    // The last sleep was ended by the shutdown.
    let sleeps = usage.voluntary_context_switches().unsigned_abs().saturating_sub(1);
    counters[WAKE_UPS].store(sleeps, SeqCst);
    counters[SWITCHES].store(sleeps + usage.involuntary_context_switches().unsigned_abs(), SeqCst);
    Ok(())
}

/// An epoll of this child's own: made after the fork, or all children would share one, and its queue of waiters.
fn epoll(wait: Wait, listener: &TcpListener) -> nix::Result<Epoll> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    match wait {
        Wait::Epoll => epoll.add(listener, EpollEvent::new(EpollFlags::EPOLLIN, 0))?,
        Wait::EpollExclusive => {
            epoll.add(listener, EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLEXCLUSIVE, 0))?;
        }
        Wait::Accept | Wait::Poll | Wait::Reuseport => {}
    }
    Ok(epoll)
}

/// A client's one connection: from connect to the server's end of stream.
fn be_served(address: SocketAddr) -> anyhow::Result<()> {
    let mut answer = Vec::new();
    TcpStream::connect(address)?.read_to_end(&mut answer)?;
    ensure!(answer == b"1", "not served: {answer:?}");
    Ok(())
}

fn uninterrupted<T>(mut call: impl FnMut() -> nix::Result<T>) -> nix::Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            other => return other,
        }
    }
}

fn succeeded(child: Child) -> anyhow::Result<()> {
    let status = child.wait()?;
    ensure!(matches!(status, WaitStatus::Exited(_, 0)), "a child failed: {status:?}");
    Ok(())
}
