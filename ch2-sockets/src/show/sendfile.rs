//! A file to a socket: copied by the program, or moved by the kernel. Measured.
//!
//! csdesign, "Sendfile optimization".
//!
//! ```text
//!   read, write     page cache ──copy──► our buffer ──copy──► socket      two calls per chunk
//!   sendfile        page cache ─────────page by reference───► socket      one call, or a few
//!   splice          page cache ──ref──► pipe ─────────ref───► socket      two calls per pipe full; any to any
//! ```
//!
//! What is saved is the sender's copying, so CPU time; whether bytes per second follow depends on who is the bottleneck.
//! On loopback that is the receiver, and it gets the page cache's cold pages where a copying sender would have left it a
//! buffer warm in the CPU's cache: what the sender saves, the receiver pays (`--read` shows it). Across a network the
//! card fetches the pages. So by default the receiver throws the bytes away unread (`MSG_TRUNC`, tcp(7)), as a card would.
//!
//! What is lost is the sight of the bytes: no digest, no encryption, no compression on their way. (And no snapshot: a
//! page that is changed before it is sent, is sent changed.)
//!
//! Fairness: one file, in the page cache; a new connection each time; every round runs all methods, each time beginning
//! with another; ratios are of the same round. The first round is not counted: there the bytes are read and compared.

mod figures;
mod ways;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use common::support::count::count;
use common::support::size;
use nix::sys::socket::MsgFlags;
use nix::time::{ClockId, clock_gettime};

use self::figures::{Report, Run};
use self::ways::{CopyMethod, METHODS};
use super::loopback::LoopbackArgs;

/// A file to a socket by read and write, by sendfile, by splice: bytes per second, CPU time, system calls
///
/// Look at the CPU time per GB, and at the number of system calls; then at the ratios and how far they spread.
///
/// The question: what does it cost that bytes pass through a program that does not look at them?
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cargo ch2 show sendfile --size 256MB --rounds 9 --json sendfile.json")]
pub struct SendfileArgs {
    /// Size of the file
    #[arg(long, default_value = "128MB", value_name = "BYTES", value_parser = size::bytes)]
    size: u64,
    /// Buffer of read and write
    #[arg(long, default_value = "64KiB", value_name = "BYTES", value_parser = size::bytes)]
    chunk: u64,
    /// Rounds that are counted
    #[arg(long, default_value_t = 7, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1000))]
    rounds: u16,
    /// The receiver reads the bytes; else it throws them away, so that the sender alone is measured
    #[arg(long)]
    read: bool,
    /// Write every round's figures to a file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    loopback: LoopbackArgs,
}

/// Runs the measurement.
pub fn run(args: &SendfileArgs) -> anyhow::Result<()> {
    ensure!(args.size > 0, "an empty file has no speed; try --size 128MB");
    ensure!((1..=1 << 30).contains(&args.chunk), "--chunk is from 1 byte to 1GiB");
    let file = make_file(args.size).context("cannot make the file that is sent")?;
    let mut runs = METHODS.map(|_| Vec::new());
    for round in 0..=usize::from(args.rounds) {
        for turn in 0..METHODS.len() {
            let index = (round + turn) % METHODS.len();
            let warm_up = round == 0;
            let run = transfer(METHODS[index], &file, args, warm_up)
                .with_context(|| format!("{} failed", METHODS[index].title()))?;
            if !warm_up {
                runs[index].push(run);
            }
        }
    }
    let report = Report {
        bytes: args.size,
        chunk: args.chunk,
        rounds: args.rounds,
        receiver_reads: args.read,
        rows: METHODS.iter().zip(&runs).map(|(method, own)| figures::row(*method, own, &runs[0])).collect(),
    };
    figures::print(&report)?;
    if let Some(path) = &args.json {
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        let mut file = BufWriter::new(file);
        serde_json::to_writer_pretty(&mut file, &report)?;
        writeln!(file)?;
        file.flush()?;
    }
    Ok(())
}

/// Bytes of which no two chunks are alike, in the page cache. Removed when it is closed.
fn make_file(size: u64) -> io::Result<File> {
    let mut file = BufWriter::new(tempfile::tempfile()?);
    let mut left = size;
    let mut word = 0x9E37_79B9_7F4A_7C15_u64;
    while left > 0 {
        // Marsaglia's xorshift64.
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        let take = left.min(8);
        file.write_all(&word.to_ne_bytes()[..take as usize])?;
        left -= take;
    }
    Ok(file.into_inner()?)
}

fn transfer(method: CopyMethod, file: &File, args: &SendfileArgs, compare: bool) -> anyhow::Result<Run> {
    let (sender, receiver) = args.loopback.pair()?;
    // A sender that fails drops its end, and the receiver reads the end: nobody waits for ever.
    let comparison = compare.then(|| file.try_clone()).transpose()?;
    let size = args.size;
    thread::scope(|scope| {
        let receiving = scope.spawn(move || {
            let received = match comparison {
                Some(file) => ways::compare_all(receiver, &file),
                // With the flag the kernel drops the bytes instead of copying them (tcp(7)).
                None => ways::receive_all(
                    &receiver,
                    if args.read { MsgFlags::empty() } else { MsgFlags::MSG_TRUNC },
                ),
            };
            // It did nothing else in its life.
            anyhow::Ok((received?, thread_cpu()?.as_secs_f64()))
        });
        let begun = Instant::now();
        let cpu = thread_cpu()?;
        let system_calls = match method {
            CopyMethod::ReadWrite => ways::by_read_and_write(file, &sender, size, args.chunk),
            CopyMethod::Sendfile => ways::by_sendfile(file, &sender, size),
            CopyMethod::Splice => ways::by_splice(file, &sender, size),
        }?;
        let cpu_seconds = (thread_cpu()? - cpu).as_secs_f64();
        drop(sender);
        let (received, receiver_cpu_seconds) = receiving.join().expect("it has nothing to panic of")?;
        let seconds = begun.elapsed().as_secs_f64();
        ensure!(received == size, "{received} of {} arrived", count(size, "byte"));
        Ok(Run { seconds, cpu_seconds, receiver_cpu_seconds, system_calls })
    })
}

fn thread_cpu() -> nix::Result<Duration> {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from)
}
