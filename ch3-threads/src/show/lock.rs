//! A lock: a counter that one thread counts up and another counts down, and what is lost without one.
//!
//! Lecture notes, chapter 3: "Locks in threads" (`Counter`, `worker_a`, `worker_b`).
//!
//! Adding one is three steps, and a lock makes them one. Without it:
//!
//! ```text
//!   thread A   load 41 ── add ──────────── store 42
//!   thread B              load 41 ── add ──────────── store 42      two additions, one of them lost
//! ```
//!
//! The notes' counter without its lock does not compile in Rust. Two threads may not both change one variable:
//!
//! ```compile_fail,E0499
//! let mut value = 0;
//! std::thread::scope(|threads| {
//!     threads.spawn(|| value += 1);
//!     threads.spawn(|| value -= 1);
//!     //            ^^ error[E0499]: cannot borrow `value` as mutable more than once at a time
//! });
//! ```
//!
//! That rules out the *data race*. The *race condition* is still ours to make: `--without-lock` loads and stores an
//! atomic in two steps, each of them whole, and loses counts all the same. On one processor, or on a busy machine, the threads
//! may run one after the other and lose nothing. So the first thread stops a few times between its load and its store, until
//! the other has added: what the scheduler does to it only now and then.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};
use std::sync::{Barrier, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;

use super::narrate::{Pace, say};

/// Lock: a counter that two threads change, with a lock and without
///
/// Look at the lines between `Acquired a lock` and `Released a lock` of one thread: no line of the other is among them.
/// With --without-lock look at how many additions were lost; it differs from run to run, and is never 0.
///
/// The question: which steps must nobody else come between?
#[derive(Args, Debug, Clone, Copy)]
#[command(
    after_help = "Example, the notes' counter and then the lost updates:\n  cargo ch3 show lock\n  cargo ch3 show lock --without-lock"
)]
pub struct LockArgs {
    /// Two threads add without a lock, and the lost additions are counted
    #[arg(long)]
    without_lock: bool,
    /// How often each thread adds with --without-lock (1 to 100 000 000)
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(i64).range(1..=100_000_000))]
    count: i64,
    #[command(flatten)]
    pace: Pace,
}

/// Runs the demonstration.
pub fn run(args: LockArgs) -> anyhow::Result<()> {
    if args.without_lock { without_lock(args.count) } else { with_lock(args.pace) }
}

/// The notes' `Counter`. In Rust the lock owns what it protects: there is no way to the value around it.
#[derive(Default)]
struct Counter {
    value: Mutex<i64>,
}

impl Counter {
    fn increment(&self) {
        self.change(1);
    }

    fn decrement(&self) {
        self.change(-1);
    }

    fn change(&self, by: i64) {
        say!("Waiting for a lock");
        let mut value = lock(&self.value);
        say!("Acquired a lock");
        *value += by;
        say!("Value {value}");
        // Said before it is true, as in the notes: said after, the other's `Acquired` could come first.
        say!("Released a lock");
        drop(value);
    }
}

fn with_lock(pace: Pace) -> anyhow::Result<()> {
    pace.announce();
    let counter = Counter::default();
    let worker = |notes_seconds: f64, work: fn(&Counter)| {
        for _ in 0..10 {
            let pause = pace.seconds(notes_seconds);
            say!("Sleeping {pause:?}");
            thread::sleep(pause);
            work(&counter);
            say!("Done");
        }
    };
    thread::scope(|threads| {
        let builder = |name: &str| thread::Builder::new().name(name.into());
        builder("worker_a").spawn_scoped(threads, || worker(1.0, Counter::increment))?;
        builder("worker_b").spawn_scoped(threads, || worker(2.0, Counter::decrement))?;
        say!("Waiting for worker threads");
        io::Result::Ok(())
    })?;
    writeln!(common::support::cli::stdout(), "Counter final value: {}", lock(&counter.value))?;
    Ok(())
}

/// Two threads add one `count` times, in three ways: with a hole in the middle, as one instruction, under a lock.
fn without_lock(count: i64) -> anyhow::Result<()> {
    let (whole, locked) = (AtomicI64::new(0), Mutex::new(0));
    let (torn, torn_time) = load_then_store(count);
    let whole_time = both(count, || {
        whole.fetch_add(1, Relaxed);
    });
    let locked_time = both(count, || *lock(&locked) += 1);

    let mut out = common::support::cli::stdout();
    writeln!(out, "{:<16} {:>12} {:>12} {:>12} {:>10}", "addition", "expected", "value", "lost", "time")?;
    let rows = [
        ("load, then store", torn, torn_time),
        ("fetch_add", whole.into_inner(), whole_time),
        ("under a lock", *lock(&locked), locked_time),
    ];
    for (way, value, time) in rows {
        let (expected, ms) = (2 * count, time.as_secs_f64() * 1e3);
        writeln!(out, "{way:<16} {expected:>12} {value:>12} {:>12} {ms:>7.1} ms", expected - value)?;
    }
    if torn == 2 * count {
        writeln!(
            out,
            "\nNothing was lost: for {STOP:?} the other thread had no processor to run on. Try again."
        )?;
    } else {
        writeln!(
            out,
            "\n`load, then store`: {} one thread stopped between the two, until the other had added.",
            common::support::count::count(STOPS.min(count).unsigned_abs(), "time")
        )?;
    }
    Ok(())
}

/// How often the first thread stops between its load and its store.
const STOPS: i64 = 10;
/// How long it stops at most.
const STOP: Duration = Duration::from_secs(1);

/// Two threads add one `count` times, in two steps. Returns what came of it, and how long it took.
fn load_then_store(count: i64) -> (i64, Duration) {
    let (value, other_is_done, together) = (AtomicI64::new(0), AtomicBool::new(false), Barrier::new(2));
    let stops_every = (count / STOPS).max(1);
    let start = Instant::now();
    thread::scope(|threads| {
        threads.spawn(|| {
            together.wait();
            for _ in 0..count {
                let seen = value.load(Relaxed);
                // Here the other thread may store, and what it stored is about to be overwritten.
                value.store(seen + 1, Relaxed);
            }
            other_is_done.store(true, Relaxed);
        });
        for turn in 0..count {
            let seen = value.load(Relaxed);
            if turn == 0 {
                together.wait(); // the other begins now
            }
            if turn % stops_every == 0 {
                let stopped = Instant::now();
                let has_added = || value.load(Relaxed) != seen || other_is_done.load(Relaxed);
                while !has_added() && stopped.elapsed() < STOP {
                    thread::sleep(Duration::from_micros(10));
                }
            }
            value.store(seen + 1, Relaxed);
        }
    });
    (value.into_inner(), start.elapsed())
}

/// Runs `step` `count` times in each of two threads that start together. Returns how long that took.
fn both(count: i64, step: impl Fn() + Sync) -> Duration {
    let together = Barrier::new(2);
    let work = || {
        together.wait();
        (0..count).for_each(|_| step());
    };
    let start = Instant::now();
    thread::scope(|threads| {
        threads.spawn(work);
        work();
    });
    start.elapsed()
}

/// A thread that panicked while it held the lock poisons it. A number is whole at any time, so that is no reason to stop.
fn lock(value: &Mutex<i64>) -> MutexGuard<'_, i64> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
