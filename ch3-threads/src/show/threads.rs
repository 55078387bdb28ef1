//! Threads: start them, give them arguments and names, and join them or not.
//!
//! Lecture notes, chapter 3: "Declaring a thread", "Using Argument with thread", "Identifying the current thread",
//! "Logging debug" and "Daemon threads".
//!
//! ```text
//!  main ──┬── User1 (daemon) Arrived ───────────── sleeps 2 s ─────────── Leaving
//!         ├── User2 Arrived, Leaving
//!         │
//!         ├─ --join     main waits here ··································┘ and ends
//!         └─ --no-join  main ends, and with it the process: User1 never says Leaving
//! ```
//!
//! Python's `setDaemon(True)` means "do not wait for me at the end". Rust has no such flag, because Rust never waits by
//! itself: every thread that nobody joins is a daemon. The notes say a daemon completes its task whatever happens to
//! the program; their own output shows the opposite, and so does ours.

use std::io::{self, Write};
use std::sync::{Arc, Barrier};
use std::thread::{self, JoinHandle};

use clap::Args;

use super::narrate::{Pace, say};
use super::process_table;

/// Threads: start, arguments, names in every line, daemon and join
///
/// Look at the name in parentheses, at the order (it differs from run to run: nobody promised one), and at the last
/// lines: does `User1` say `Leaving`?
///
/// The question: what becomes of a thread when the main thread ends?
#[derive(Args, Debug, Clone, Copy)]
#[command(
    after_help = "Example, the two ends side by side:\n  cargo ch3 show threads --join\n  cargo ch3 show threads --no-join"
)]
pub struct ThreadsArgs {
    /// How many threads say hello at first
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=200))]
    count: u16,
    /// The main thread waits for the daemon thread (the default)
    #[arg(long, overrides_with = "no_join")]
    join: bool,
    /// The main thread ends without waiting for the daemon thread
    #[arg(long)]
    no_join: bool,
    #[command(flatten)]
    pace: Pace,
}

/// Runs the demonstration.
pub fn run(args: ThreadsArgs) -> anyhow::Result<()> {
    args.pace.announce();
    argument(args.count)?;
    identify(args.pace)?;
    daemon(args.pace, args.join || !args.no_join)
}

/// "Using Argument with thread": the same function, each time with another number; and what the system sees of it.
fn argument(count: u16) -> anyhow::Result<()> {
    // Twice: all have said hello; main has looked.
    let barrier = Arc::new(Barrier::new(usize::from(count) + 1));
    let mut users = Vec::new();
    for number in 0..count {
        let barrier = Arc::clone(&barrier);
        users.push(start(&format!("User-{number}"), move || {
            say!("Hello I am User number: {number}");
            barrier.wait();
            barrier.wait();
        })?);
    }
    barrier.wait();
    print_tasks()?;
    barrier.wait();
    users.into_iter().for_each(join);
    Ok(())
}

/// A thread is a task of the kernel with its own number.
fn print_tasks() -> anyhow::Result<()> {
    let mut out = common::support::cli::stdout();
    let rows = process_table::threads()?;
    writeln!(out, "process {} has {} threads:\n    TID NAME", std::process::id(), rows.len())?;
    for row in rows {
        writeln!(out, "{:>7} {}", row.pid, row.command)?;
    }
    Ok(())
}

/// "Identifying the current thread": two named threads, and one that has no name of its own.
fn identify(pace: Pace) -> anyhow::Result<()> {
    let user = move || {
        say!("Arrived");
        thread::sleep(pace.seconds(2.0));
        say!("Leaving");
    };
    let session = move || {
        say!("Starting");
        thread::sleep(pace.seconds(3.0));
        say!("Exiting");
    };
    let first = start("User", user)?;
    let unnamed = thread::Builder::new().spawn(user)?;
    let session = start("session", session)?;
    [first, unnamed, session].into_iter().for_each(join);
    Ok(())
}

/// "Daemon threads": one that sleeps and one that does not, and a main thread that waits for the first or not.
fn daemon(pace: Pace, wait: bool) -> anyhow::Result<()> {
    let daemon = start("User1", move || {
        say!("Arrived");
        thread::sleep(pace.seconds(2.0));
        say!("Leaving");
    })?;
    let user = start("User2", || {
        say!("Arrived");
        say!("Leaving");
    })?;
    join(user);
    let mut out = common::support::cli::stdout();
    if wait {
        join(daemon);
        writeln!(out, "--join: main waited for User1, which has said Leaving")?;
    } else {
        // Dropping the handle detaches the thread. It runs on, but only as long as the process does.
        drop(daemon);
        writeln!(out, "--no-join: main ends now, and the process with it, whatever User1 still has to do")?;
    }
    Ok(())
}

fn start(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.into()).spawn(body)
}

fn join(thread: JoinHandle<()>) {
    thread.join().expect("these threads only say lines and sleep");
}
