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
//! What is saved is the copying, so CPU time; whether bytes per second follow depends on who is the bottleneck. On
//! loopback the receiver copies the bytes out of the very pages that were sent, and shares the machine's caches with us;
//! so it is made to throw them away unread (`MSG_TRUNC`, tcp(7)): what is measured is the sender.
//!
//! What is lost is the sight of the bytes: no digest, no encryption, no compression on their way. (And no snapshot: a
//! page that is changed before it is sent, is sent changed.)
//!
//! Fairness: one file, in the page cache; a new connection each time; every round runs all methods, each time beginning
//! with another; ratios are of the same round. The first round is not counted: there the bytes are read and compared.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use nix::errno::Errno;
use nix::fcntl::{SpliceFFlags, splice};
use nix::sys::sendfile::sendfile;
use nix::sys::socket::{MsgFlags, recv};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::pipe;
use serde::Serialize;

use super::loopback::LoopbackArgs;
use crate::size;

/// A file to a socket by read and write, by sendfile, by splice: bytes per second, CPU time, system calls
///
/// Look at the CPU time per GiB, and at the number of system calls; then at the ratios and how far they spread.
///
/// The question: what does it cost that bytes pass through a program that does not look at them?
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cargo ch2 show sendfile --size 256MiB --rounds 9 --json sendfile.json")]
pub struct SendfileArgs {
    /// Size of the file
    #[arg(long, default_value = "64MiB", value_name = "BYTES", value_parser = size::bytes)]
    size: u64,
    /// Buffer of read and write
    #[arg(long, default_value = "64KiB", value_name = "BYTES", value_parser = size::bytes)]
    chunk: u64,
    /// Rounds that are counted
    #[arg(long, default_value_t = 7, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1000))]
    rounds: u16,
    /// Write every round's figures to a file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    loopback: LoopbackArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Method {
    ReadWrite,
    Sendfile,
    Splice,
}

const METHODS: [Method; 3] = [Method::ReadWrite, Method::Sendfile, Method::Splice];

impl Method {
    fn title(self) -> &'static str {
        match self {
            Method::ReadWrite => "read, write",
            Method::Sendfile => "sendfile",
            Method::Splice => "splice",
        }
    }
}

/// One transfer.
#[derive(Debug, Clone, Copy, Serialize)]
struct Run {
    seconds: f64,
    /// Of the sending thread, user and system.
    cpu_seconds: f64,
    /// That moved bytes.
    system_calls: u64,
}

#[derive(Debug, Serialize)]
struct Row {
    method: Method,
    runs: Vec<Run>,
    /// Against read and write in the same round: above 1 is faster.
    throughput_ratio: Spread,
    /// Against read and write in the same round: below 1 is cheaper.
    cpu_ratio: Spread,
}

/// Of several rounds.
#[derive(Debug, Clone, Copy, Serialize)]
struct Spread {
    lowest: f64,
    median: f64,
    highest: f64,
}

#[derive(Debug, Serialize)]
struct Report {
    bytes: u64,
    chunk: u64,
    rounds: u16,
    rows: Vec<Row>,
}

/// Runs the measurement.
pub fn run(args: &SendfileArgs) -> anyhow::Result<()> {
    ensure!(args.size > 0, "an empty file has no speed; try --size 64MiB");
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
        rows: METHODS.iter().zip(&runs).map(|(method, own)| row(*method, own, &runs[0])).collect(),
    };
    print(&report)?;
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

fn transfer(method: Method, file: &File, args: &SendfileArgs, compare: bool) -> anyhow::Result<Run> {
    let (sender, receiver) = args.loopback.pair()?;
    // A sender that fails drops its end, and the receiver reads the end: nobody waits for ever.
    let comparison = compare.then(|| file.try_clone()).transpose()?;
    let size = args.size;
    thread::scope(|scope| {
        let receiving = scope.spawn(move || match comparison {
            Some(file) => compare_all(receiver, &file),
            None => discard_all(&receiver),
        });
        let begun = Instant::now();
        let cpu = thread_cpu()?;
        let system_calls = match method {
            Method::ReadWrite => by_read_and_write(file, &sender, size, args.chunk),
            Method::Sendfile => by_sendfile(file, &sender, size),
            Method::Splice => by_splice(file, &sender, size),
        }?;
        let cpu_seconds = (thread_cpu()? - cpu).as_secs_f64();
        drop(sender);
        let received = receiving.join().expect("it has nothing to panic of")?;
        ensure!(received == size, "{received} of {size} bytes arrived");
        Ok(Run { seconds: begun.elapsed().as_secs_f64(), cpu_seconds, system_calls })
    })
}

fn by_read_and_write(mut file: &File, mut socket: &TcpStream, size: u64, chunk: u64) -> io::Result<u64> {
    file.rewind()?;
    let mut buffer = vec![0; chunk as usize];
    let (mut sent, mut calls) = (0, 0);
    while sent < size {
        let got = file.read(&mut buffer)?;
        calls += 1;
        let mut rest = &buffer[..got];
        while !rest.is_empty() {
            rest = &rest[socket.write(rest)?..];
            calls += 1;
        }
        sent += got as u64;
    }
    Ok(calls)
}

fn by_sendfile(file: &File, socket: &TcpStream, size: u64) -> io::Result<u64> {
    let (mut offset, mut calls) = (0, 0);
    while (offset as u64) < size {
        // Moves the offset. At most 2 GiB a call, and less whenever it likes (sendfile(2)).
        let left = size - offset as u64;
        sendfile(socket, file, Some(&mut offset), left as usize)?;
        calls += 1;
    }
    Ok(calls)
}

fn by_splice(file: &File, socket: &TcpStream, size: u64) -> io::Result<u64> {
    /// What a pipe holds by default (pipe(7)).
    const PIPE: usize = 64 * 1024;
    let (reading, writing) = pipe()?;
    let (mut offset, mut calls) = (0_i64, 0);
    while (offset as u64) < size {
        let more =
            if size - offset as u64 > PIPE as u64 { SpliceFFlags::SPLICE_F_MORE } else { SpliceFFlags::empty() };
        let mut held = splice(file, Some(&mut offset), &writing, None, PIPE, SpliceFFlags::SPLICE_F_MOVE)?;
        calls += 1;
        while held > 0 {
            held -= splice(&reading, None, socket, None, held, SpliceFFlags::SPLICE_F_MOVE | more)?;
            calls += 1;
        }
    }
    Ok(calls)
}

/// Reads to the end without looking.
fn discard_all(socket: &TcpStream) -> anyhow::Result<u64> {
    let mut buffer = vec![0; 1 << 20];
    let mut sum = 0;
    loop {
        match recv(socket.as_raw_fd(), &mut buffer, MsgFlags::MSG_TRUNC) {
            Ok(0) => return Ok(sum),
            Ok(bytes) => sum += bytes as u64,
            Err(Errno::EINTR) => {}
            Err(other) => return Err(other.into()),
        }
    }
}

/// Reads to the end, and compares.
fn compare_all(mut socket: TcpStream, file: &File) -> anyhow::Result<u64> {
    let (mut got, mut sent) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let mut sum = 0;
    loop {
        let bytes = socket.read(&mut got)?;
        if bytes == 0 {
            return Ok(sum);
        }
        // By its place, and not by the file's cursor, which the sender moves.
        file.read_exact_at(&mut sent[..bytes], sum)?;
        ensure!(got[..bytes] == sent[..bytes], "other bytes arrived than were sent, near byte {sum}");
        sum += bytes as u64;
    }
}

fn thread_cpu() -> nix::Result<Duration> {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from)
}

fn row(method: Method, own: &[Run], reference: &[Run]) -> Row {
    let ratio = |figure: fn(&Run, &Run) -> f64| {
        spread(own.iter().zip(reference).map(|(own, reference)| figure(own, reference)).collect())
    };
    Row {
        method,
        runs: own.to_vec(),
        throughput_ratio: ratio(|own, reference| reference.seconds / own.seconds),
        cpu_ratio: ratio(|own, reference| own.cpu_seconds / reference.cpu_seconds),
    }
}

/// Of at least one value.
fn spread(mut values: Vec<f64>) -> Spread {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let median =
        if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) };
    Spread { lowest: values[0], median, highest: values[values.len() - 1] }
}

fn print(report: &Report) -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(
        out,
        "{} over loopback, {} rounds, medians; a ratio is against read and write in the same round: median (lowest to highest)",
        size::human(report.bytes),
        report.rounds
    )?;
    writeln!(
        out,
        "{:<12} {:>10} {:>14} {:>13}  {:<24} CPU ratio",
        "", "MiB/s", "CPU ms per GiB", "system calls", "throughput ratio"
    )?;
    let gib = report.bytes as f64 / f64::from(1 << 30);
    for row in &report.rows {
        let median = |figure: fn(&Run) -> f64| spread(row.runs.iter().map(figure).collect()).median;
        let ratio = |s: Spread| format!("{:.2} ({:.2} to {:.2})", s.median, s.lowest, s.highest);
        writeln!(
            out,
            "{:<12} {:>10.0} {:>14.1} {:>13}  {:<24} {}",
            row.method.title(),
            gib * 1024.0 / median(|run| run.seconds),
            median(|run| run.cpu_seconds) * 1e3 / gib,
            median(|run| run.system_calls as f64).round(),
            ratio(row.throughput_ratio),
            ratio(row.cpu_ratio)
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_has_its_median_in_the_middle() {
        let odd = spread(vec![3.0, 1.0, 2.0]);
        assert_eq!((odd.lowest, odd.median, odd.highest), (1.0, 2.0, 3.0));
        assert_eq!(spread(vec![4.0, 1.0]).median, 2.5);
    }
}
