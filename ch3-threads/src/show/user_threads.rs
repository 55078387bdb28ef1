//! Kernel threads and user threads, as `ps` sees them.
//!
//! Lecture notes, chapter 3: "Kernel-level thread managers" and "User-level thread managers", with their remarks about `ps`.
//!
//! ```text
//!   kernel threads   main  kernel-1  kernel-2  …       std::thread: the kernel knows each, and gives it a processor
//!                      │      │         │
//!   kernel ────────────┴──────┴─────────┴───────
//!
//!   user threads     task 1  task 2  task 3  …         tokio's tasks on the `current_thread` runtime: the program gives
//!                      └───────┼───────┘               turns to them, and each turn ends at an `.await`
//!                             main
//!   kernel ─────────────────────┴───────────────
//! ```
//!
//! A kernel thread that waits in a system call sleeps alone. A user thread that waits in a system call puts the one kernel thread to
//! sleep in which all the others run, too. It must say `.await` instead: then the runtime waits, and gives turns meanwhile.

use std::io::{self, Read, Write, pipe};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, RwLock, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use common::support::cli::{duration_within, human, stdout};
use nix::unistd::{getpid, gettid};
use tokio::io::AsyncReadExt;
use tokio::runtime::Builder;
use tokio::task::{JoinSet, yield_now};

use super::narrate::say;
use super::process_table::{self, Row};

/// Kernel threads and user threads: what ps sees of each, and what a blocking call stops
///
/// First as many threads and then as many tasks wait, and the table of the kernel is shown: the threads are in it, the tasks are
/// not. Then one of them makes a blocking call, and the steps of the others are counted until somebody ends the call.
///
/// The question: why must a task never make a blocking call, and what must it do instead?
#[derive(Args, Debug, Clone, Copy)]
#[command(after_help = "Examples:
  cargo ch3 show user-threads
  cargo ch3 show user-threads --count 10 --pause 30s     in another terminal: ps -eLf | grep ch3")]
pub struct UserThreadsArgs {
    /// How many threads, and how many tasks
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(2..=200))]
    count: u16,
    /// How long each of the two tables stays true, to look with ps from another terminal
    #[arg(long, value_name = "TIME", default_value = "0s",
          value_parser = duration_within(Duration::ZERO..=Duration::from_secs(3600)))]
    pause: Duration,
}

/// Steps of each of the others while the first one is in its call.
const STEPS: u64 = 1000;

/// Runs the demonstration.
pub fn run(args: UserThreadsArgs) -> anyhow::Result<()> {
    kernel_threads(args)?;
    user_threads(args)?;
    let others = u64::from(args.count) - 1;
    let mut out = stdout();
    writeln!(out, "One of them reads from an empty pipe. Steps of the others until the pipe is filled:")?;
    let rows = [
        ("kernel threads, read(2)", beside_a_blocked_thread(others)?, "the kernel runs the others"),
        ("user threads, read(2)", beside_a_blocked_task(others)?, "all sleep in the one kernel thread"),
        ("user threads, .await", beside_a_task_that_awaits(others)?, "the runtime waits, and gives turns"),
    ];
    for (who, steps, why) in rows {
        writeln!(out, "{who:<24} {steps:>7} of {:<7} {why}", others * STEPS)?;
    }
    Ok(())
}

fn kernel_threads(args: UserThreadsArgs) -> anyhow::Result<()> {
    let (gate, (here, arrivals)) = (RwLock::new(()), mpsc::channel());
    let closed = gate.write();
    thread::scope(|scope| {
        let threads = (1..=args.count).map(|number| {
            let (gate, here) = (&gate, here.clone());
            thread::Builder::new().name(format!("kernel-{number}")).spawn_scoped(scope, move || {
                let _ = here.send(()); // main has gone already when a later thread could not be made
                drop(gate.read());
            })
        });
        let made = threads.collect::<io::Result<Vec<_>>>();
        if let Ok(threads) = &made {
            arrivals.iter().take(threads.len()).for_each(drop);
            print_threads(&format!("{} kernel threads (std::thread)", args.count), args.pause)?;
        }
        drop(closed);
        made.map(drop).context("cannot make so many threads")
    })
}

fn user_threads(args: UserThreadsArgs) -> anyhow::Result<()> {
    let runtime = Builder::new_current_thread().build()?;
    let barrier = Arc::new(tokio::sync::Barrier::new(usize::from(args.count) + 1));
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for _ in 0..args.count {
            let barrier = Arc::clone(&barrier);
            tasks.spawn(async move {
                barrier.wait().await;
                barrier.wait().await;
                gettid()
            });
        }
        barrier.wait().await;
        print_threads(&format!("{} user threads (tokio, current_thread)", args.count), args.pause)?;
        barrier.wait().await;
        let mut tids: Vec<_> = tasks.join_all().await;
        tids.dedup();
        let tids: Vec<String> = tids.iter().map(ToString::to_string).collect();
        writeln!(stdout(), "all {} ran in the kernel thread {}\n", args.count, tids.join(", "))?;
        Ok(())
    })
}

/// A row for each thread of this process, as `ps -L -o pid,tid,nlwp,stat,comm` writes it.
fn print_threads(title: &str, pause: Duration) -> anyhow::Result<()> {
    let mut out = stdout();
    let (pid, rows) = (getpid(), process_table::threads()?);
    writeln!(out, "{title}: ps -L -p {pid}\n    PID     TID NLWP STAT COMMAND")?;
    for Row { pid: tid, state, command, .. } in &rows {
        writeln!(out, "{pid:>7} {tid:>7} {:>4} {state:<4} {command}", rows.len())?;
    }
    if !pause.is_zero() {
        say!("this stays so for {}", human(pause));
        out.flush()?;
        thread::sleep(pause);
    }
    Ok(())
}

/// The first thread sleeps in read(2) until all the others have taken their steps.
fn beside_a_blocked_thread(others: u64) -> anyhow::Result<u64> {
    let ((mut empty, end), taken) = (pipe()?, AtomicU64::new(0));
    thread::scope(|scope| {
        let mut end = end; // closed when this part ends, however it does, and then nobody waits for it
        let first = scope.spawn(move || empty.read_exact(&mut [0]));
        let steps = || {
            for _ in 0..STEPS {
                taken.fetch_add(1, SeqCst);
                thread::yield_now();
            }
        };
        let others: Vec<_> = (0..others).map(|_| scope.spawn(steps)).collect();
        others.into_iter().for_each(|other| other.join().expect("it only counts"));
        let taken = taken.load(SeqCst);
        end.write_all(b"x")?;
        first.join().expect("it only reads").context("a pipe was not read")?;
        Ok(taken)
    })
}

/// The first task sleeps in read(2). A kernel thread beside the runtime sees it asleep, takes as many steps itself as the others
/// are to take, and then ends the call.
fn beside_a_blocked_task(others: u64) -> anyhow::Result<u64> {
    let (mut empty, mut end) = pipe()?;
    let runtime = Builder::new_current_thread().build()?;
    let (calls, taken) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !calls.load(SeqCst) || Row::of(getpid()).is_some_and(|row| row.state != 'S') {
                thread::yield_now();
            }
            (0..others * STEPS).for_each(|_| thread::yield_now());
            let taken = taken.load(SeqCst);
            end.write_all(b"x").map(|()| taken)
        });
        let first_calls = Arc::clone(&calls);
        let first = async move {
            first_calls.store(true, SeqCst);
            empty.read_exact(&mut [0])
        };
        runtime.block_on(with_others(first, others, &taken, || Ok(())))?;
        Ok(watcher.join().expect("it only counts")?)
    })
}

/// The first task awaits the pipe. The last of the others fills it.
fn beside_a_task_that_awaits(others: u64) -> anyhow::Result<u64> {
    let (empty, mut end) = pipe()?;
    let taken = Arc::new(AtomicU64::new(0));
    Ok(Builder::new_current_thread().enable_io().build()?.block_on(async {
        let mut empty = tokio::net::unix::pipe::Receiver::from_owned_fd(OwnedFd::from(empty))?;
        let first = async move { empty.read_exact(&mut [0]).await.map(drop) };
        with_others(first, others, &taken, move || end.write_all(b"x")).await
    })?)
}

/// Runs `first` and the others as tasks; each of them takes its steps, a turn each. Then they are `done`.
/// Returns how many steps were taken before that.
async fn with_others(
    first: impl Future<Output = io::Result<()>> + Send + 'static,
    others: u64,
    taken: &Arc<AtomicU64>,
    done: impl FnOnce() -> io::Result<()>,
) -> io::Result<u64> {
    let first = tokio::spawn(first);
    let mut tasks = JoinSet::new();
    for _ in 0..others {
        let taken = Arc::clone(taken);
        tasks.spawn(async move {
            for _ in 0..STEPS {
                taken.fetch_add(1, SeqCst);
                yield_now().await;
            }
        });
    }
    tasks.join_all().await;
    let before = taken.load(SeqCst);
    done()?;
    first.await??;
    Ok(before)
}
