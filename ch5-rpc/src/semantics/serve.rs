//! `cargo ch5 semantics serve`: the server as a process of its own, on a UDP socket. It can be told where to be killed.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use common::core::stop::Stop;
use common::net::datagram::{Arrivals, Endpoint, Woken, wait};
use common::support::cli::{duration, duration_within, stdout, within};
use common::support::listen::{address, refusal};
use nix::poll::PollFlags;
use nix::sys::signal::{Signal, kill};
use nix::unistd::getpid;

use super::disk::Disk;
use super::host::{Failpoint, Host, HostConfig, Remembers, Surroundings, Work};
use super::memory::Memory;
use super::publish::MOST_TEXTS;
use super::server::ServerConfig;
use super::store::{Step, Store, StoreError};
use super::table::TableLimits;

/// The arguments of `semantics serve`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo ch5 semantics serve              a board and a reply table, in memory
  cargo ch5 semantics serve --store b.redb --remember durable
                                         both in a file, each change together with its record
  cargo ch5 semantics serve --store b.redb --crash before-record:2
                                         kill -9 in the second publish: start it again then
Then: cargo ch5 semantics call -m 'Hello world!' --semantics at-least-once")]
pub struct ServeArgs {
    /// The address to listen on; 0.0.0.0 and :: are all of this machine's
    #[arg(short = 'l', long, default_value = "127.0.0.1", value_parser = address)]
    listenaddr: IpAddr,
    /// The port to listen on; 0 takes any free one
    #[arg(short = 'p', long, default_value_t = 7777)]
    listenport: u16,
    /// What is remembered of the calls that are to be run at most once
    #[arg(long, value_enum, default_value = "volatile")]
    remember: Remembers,
    /// Where the board is kept, and a durable table; without it all is in memory
    #[arg(long, value_name = "FILE", required_if_eq("remember", "durable"))]
    store: Option<PathBuf>,
    /// Most clients in the table
    #[arg(long, value_name = "N", default_value_t = TableLimits::default().clients, value_parser = within(1..=1_000_000usize))]
    clients: usize,
    /// Of them, most clients of one address: the others are for others
    #[arg(long, value_name = "N", default_value_t = TableLimits::default().clients_per_address, value_parser = within(1..=1_000_000usize))]
    clients_per_address: usize,
    /// Most calls of a client in the table
    #[arg(long, value_name = "N", default_value_t = TableLimits::default().slots, value_parser = within(1..=1024usize))]
    slots: usize,
    /// A client that makes no call for so long is forgotten
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration_within(Duration::from_millis(100)..=Duration::from_secs(86_400)))]
    lease: Duration,
    /// How long a call takes; 400ms:4 is 400 ms for every fourth call, and no time for the others
    #[arg(long, value_name = "TIME[:N]", value_parser = work)]
    work: Option<Work>,
    /// End by kill -9 in the publish of this number: before-record:N or before-answer:N
    #[arg(long, value_name = "WHERE:N", value_parser = crash)]
    crash: Option<Failpoint>,
    /// An effect outside the store: each publish appends its text to this file
    #[arg(long, value_name = "FILE")]
    letters: Option<PathBuf>,
}

/// Serves until the stop, or until the failpoint.
///
/// # Errors
/// When the address or a file cannot be had, or the store fails.
pub fn run(args: &ServeArgs) -> anyhow::Result<ExitCode> {
    let stop = Stop::install().context("no descriptor for the stop")?;
    let limits = TableLimits {
        clients: args.clients,
        clients_per_address: args.clients_per_address,
        slots: args.slots,
        lease: args.lease,
    };
    let checks_binding = args.remember != Remembers::Naive;
    let config = HostConfig {
        remembers: args.remember,
        server: ServerConfig { limits, checks_binding },
        work: args.work.unwrap_or_default(),
        failpoint: args.crash,
    };
    let open = |path: &PathBuf| {
        let file = OpenOptions::new().append(true).create(true).open(path);
        file.with_context(|| format!("cannot write {}", path.display()))
    };
    let letters = args.letters.as_ref().map(open).transpose()?;
    let process = Process { letters };
    match &args.store {
        None => serve(args, stop, config, Memory::with_room_for(MOST_TEXTS), rand::random(), process),
        Some(path) => {
            let cannot = || format!("cannot open the store {}", path.display());
            let disk = Disk::open(path).with_context(cannot)?;
            let fresh = rand::random();
            // The name of a memory: of one that is kept it is kept, too.
            let is_kept = args.remember == Remembers::Durable;
            let incarnation = if is_kept { disk.incarnation(fresh).with_context(cannot)? } else { fresh };
            serve(args, stop, config, disk, incarnation, process)
        }
    }
}

fn serve<S: Store>(
    args: &ServeArgs,
    stop: Stop,
    config: HostConfig,
    store: S,
    incarnation: u64,
    mut process: Process,
) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let mut host = Host::new(config, Duration::ZERO, store, incarnation, rand::random())?;
    let at = SocketAddr::new(args.listenaddr, args.listenport);
    let mut endpoint =
        Endpoint::bind(at).map_err(refusal).with_context(|| format!("cannot bind {at}/udp"))?;
    let _ = writeln!(stdout(), "LISTENING {}", endpoint.address()?).and_then(|()| stdout().flush());
    let mut arrivals = Arrivals::default();
    while !stop.requested() {
        match endpoint.receive(&mut arrivals) {
            Ok(()) => {
                for arrival in arrivals.iter() {
                    for datagram in arrival.datagrams() {
                        host.handle_datagram(began.elapsed(), arrival.from, datagram, &mut process)?;
                        answer(&endpoint, &mut host);
                    }
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let timeout = host.deadline().map(|deadline| deadline.saturating_sub(began.elapsed()));
                if wait(&endpoint, PollFlags::POLLIN, Some(stop.fd()), timeout)? == Woken::Stopped {
                    break;
                }
            }
            Err(error) => tracing::debug!("receive: {error}"),
        }
        host.handle_timeout(began.elapsed(), &mut process)?;
        answer(&endpoint, &mut host);
    }
    let (seen, (clients, records)) = (host.seen(), host.held());
    tracing::info!(
        "Terminating: {} calls run, {} answered from memory, {} stale, {} refused, {} datagrams dropped; \
         {clients} clients and {records} records in the table",
        seen.executed,
        seen.remembered,
        seen.stale,
        seen.refused,
        seen.dropped
    );
    Ok(ExitCode::SUCCESS)
}

fn answer<S: Store>(endpoint: &Endpoint, host: &mut Host<S>) {
    while let Some((to, datagram)) = host.poll_transmit() {
        if let Err(error) = endpoint.send(to, datagram.len(), &datagram) {
            tracing::debug!("to {to}: {error}");
        }
    }
}

/// A process: what it writes beside its store, and its end.
struct Process {
    letters: Option<File>,
}

impl Surroundings for Process {
    fn effect(&mut self, text: &[u8]) {
        if let Some(file) = &mut self.letters
            && let Err(error) = file.write_all(&[text, b"\n"].concat())
        {
            tracing::warn!("a letter is lost: {error}");
        }
    }

    /// kill -9: no destructor runs, nothing is flushed, and no peer is told.
    fn crash(&mut self) {
        let _ = kill(getpid(), Signal::SIGKILL);
        std::process::abort(); // not reached
    }
}

fn work(text: &str) -> Result<Work, String> {
    const MOST: Duration = Duration::from_secs(60);
    let (time, every) = text.split_once(':').unwrap_or((text, "1"));
    let time = duration(time)?;
    let every = within(1..=1_000_000u64)(every)?;
    if time > MOST { Err("a call takes at most 60s".into()) } else { Ok(Work { time, every }) }
}

fn crash(text: &str) -> Result<Failpoint, String> {
    let (step, number) = text.split_once(':').unwrap_or((text, "1"));
    let step = match step {
        "before-record" => Step::Mutated,
        "before-answer" => Step::Recorded,
        other => {
            return Err(format!(
                "`{other}` is no place to crash at; write before-record:2 or before-answer:2"
            ));
        }
    };
    Ok(Failpoint { step, execution: within(1..=1_000_000u64)(number)? })
}

/// How the failpoint is written on the command line.
#[must_use]
pub fn crash_argument(failpoint: Failpoint) -> String {
    let step = match failpoint.step {
        Step::Mutated => "before-record",
        Step::Recorded => "before-answer",
    };
    format!("{step}:{}", failpoint.execution)
}

impl From<StoreError> for std::io::Error {
    fn from(error: StoreError) -> std::io::Error {
        std::io::Error::other(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failpoints_are_read_as_they_are_written() {
        for step in [Step::Mutated, Step::Recorded] {
            let failpoint = Failpoint { step, execution: 3 };
            assert_eq!(crash(&crash_argument(failpoint)), Ok(failpoint));
        }
        assert!(crash("somewhere:3").unwrap_err().contains("before-record"));
        assert!(crash("before-answer:0").is_err());
        assert_eq!(work("400ms:4"), Ok(Work { time: Duration::from_millis(400), every: 4 }));
        assert_eq!(work("1s"), Ok(Work { time: Duration::from_secs(1), every: 1 }));
        assert!(work("2h").is_err() && work("1s:0").is_err());
    }
}
