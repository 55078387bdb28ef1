//! Processes: memory of their own, where threads have one together; and worker processes.
//!
//! Lecture notes, chapter 3: "Processes and Threads", "Multiprocessing module". Lab text, "Concurrent Servers": its
//! `processes` example ("look what happens to the variable test").
//!
//! ```text
//!  parent process          child process              parent process
//!  ┌────────────────┐ fork ┌────────────────┐         ┌──────────────────────────┐
//!  │ test = 1       │─────►│ test = 1 → 2   │         │ test = 1 → 3             │
//!  │ 0x55d0…        │ copy │ 0x55d0…        │         │ 0x55d0…                  │
//!  └────────────────┘      └────────────────┘         │  main thread   a thread  │
//!   still 1 afterwards      the same address,         └──────────────────────────┘
//!                           another memory             the same address, the same memory
//! ```
//!
//! An address is a number in one process's own numbering of memory. The kernel copies a page when somebody first
//! writes to it (copy on write), so a fork costs only about four times what a thread costs, until much memory is written.
//!
//! The order below is no accident: fork first, threads later. See `child.rs`.

use std::fmt;
use std::io::{self, PipeReader, PipeWriter, Read, Write, pipe};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use clap::Args;
use common::support::count::count as words;
use nix::sys::wait::WaitStatus;
use nix::unistd::{getpid, getppid, gettid};

use super::child::{self, Child};
use super::narrate::say;
use super::shared::SharedCounters;

/// Processes: separate memory against the memory that threads share; worker processes
///
/// Look at the table: the address of `test` is the same in every row. In the child its value is another, and the parent
/// does not see it; what the thread writes, the parent sees. The shared mapping is the exception that was asked for.
///
/// The question: how does a result come back from a child? (Not through a variable: by a pipe, or its exit status.)
#[derive(Args, Debug, Clone, Copy)]
#[command(after_help = "Example:\n  cargo ch3 show process --workers 4")]
pub struct ProcessArgs {
    /// How many worker processes count the prime numbers together
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=100))]
    workers: u64,
    /// Up to where they count (at most 10 000 000)
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    primes_below: u64,
}

/// Runs the demonstration.
pub fn run(args: ProcessArgs) -> anyhow::Result<()> {
    workers(args.workers, args.primes_below)?;
    memory()
}

/// "Worker processes": each gets its part of the work as an argument and sends its result through a pipe.
fn workers(count: u64, below: u64) -> anyhow::Result<()> {
    let (mut results, writer) = pipe()?;
    let children = (0..count)
        .map(|worker| {
            child::spawn(&format!("worker {worker}"), || {
                let bound = |worker| worker * below / count;
                let primes = (bound(worker)..bound(worker + 1)).filter(|&n| is_prime(n)).count();
                say!("pid {}, ppid {}: {}", getpid(), getppid(), words(primes, "prime number"));
                // A write this short (PIPE_BUF, 4096 bytes) is not mixed with another worker's: pipe(7).
                Ok((&writer).write_all(format!("{primes}\n").as_bytes())?)
            })
        })
        .collect::<io::Result<Vec<_>>>()?;
    let text = read_to_end(&mut results, writer)?;
    children.into_iter().try_for_each(succeeded)?;
    let primes = text.lines().map(str::parse::<usize>).sum::<Result<usize, _>>()?;
    writeln!(
        common::support::cli::stdout(),
        "{} found {} below {below}\n",
        words(count, "worker"),
        words(primes, "prime number")
    )?;
    Ok(())
}

/// The lab's variable `test`: changed by a child, then by a thread.
fn memory() -> anyhow::Result<()> {
    let mut out = common::support::cli::stdout();
    let test = Box::new(AtomicU64::new(1));
    let page = SharedCounters::new(1)?;
    let mapping = &page[0];
    mapping.store(1, SeqCst);
    writeln!(
        out,
        "{:<24} {:>7} {:>7} {:>7}  {:<16} test mapping",
        "who", "PID", "PPID", "TID", "address of test"
    )?;
    writeln!(out, "{}", Seen::now("parent", &test, mapping))?;

    let (mut row, writer) = pipe()?;
    let child = child::spawn("child", || {
        test.store(2, SeqCst);
        mapping.store(2, SeqCst);
        say!("both variables are 2 now");
        Ok(write!(&writer, "{}", Seen::now("child process wrote 2", &test, mapping))?)
    })?;
    writeln!(out, "{}", read_to_end(&mut row, writer)?)?;
    succeeded(child)?;
    writeln!(out, "{}", Seen::now("parent, after the child", &test, mapping))?;

    let row = thread::scope(|threads| {
        let thread = thread::Builder::new().name("thread".into()).spawn_scoped(threads, || {
            test.store(3, SeqCst);
            mapping.store(3, SeqCst);
            say!("both variables are 3 now");
            Seen::now("thread wrote 3", &test, mapping)
        })?;
        io::Result::Ok(thread.join().expect("it only stores and looks"))
    })?;
    writeln!(out, "{row}")?;
    writeln!(out, "{}", Seen::now("parent, after the thread", &test, mapping))?;
    Ok(())
}

/// Who looked at the two variables, and what was there.
struct Seen {
    who: &'static str,
    ids: [i32; 3],
    address: String,
    test: u64,
    mapping: u64,
}

impl Seen {
    fn now(who: &'static str, test: &AtomicU64, mapping: &AtomicU64) -> Seen {
        Seen {
            who,
            ids: [getpid().as_raw(), getppid().as_raw(), gettid().as_raw()],
            address: format!("{:p}", test.as_ptr()),
            test: test.load(SeqCst),
            mapping: mapping.load(SeqCst),
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Seen { who, ids: [pid, ppid, tid], address, test, mapping } = self;
        write!(f, "{who:<24} {pid:>7} {ppid:>7} {tid:>7}  {address:<16} {test:>4} {mapping:>7}")
    }
}

/// Everything until the last writer has ended: so our own writing end has to go first, or we wait for ourselves.
fn read_to_end(reader: &mut PipeReader, writer: PipeWriter) -> io::Result<String> {
    drop(writer);
    let mut text = String::new();
    reader.read_to_string(&mut text)?;
    Ok(text)
}

fn succeeded(child: Child) -> anyhow::Result<()> {
    let status = child.wait()?;
    anyhow::ensure!(matches!(status, WaitStatus::Exited(_, 0)), "a child failed: {status:?}");
    Ok(())
}

fn is_prime(n: u64) -> bool {
    n >= 2 && (2..).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d))
}
