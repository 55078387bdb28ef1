//! Small demonstrations of threads, processes and what keeps them in step: one complete file each.
//!
//! Every file is meant to be read beside its section of the lecture notes (chapter 3, "Threads"), and run:
//!
//! ```text
//! parallel.rs      sequential, interleaved, parallel             Multitasking, figure 3.1
//! user_threads.rs  kernel threads and tasks, in ps               Kernel-level, user-level thread managers
//! threads.rs       start, arguments, names, daemon and join      Threading module … Daemon threads
//! lock.rs          a counter that two threads change             Locks in threads
//! condvar.rs       a queue that sleeps until it is filled        Conditional Variables in threads
//! event.rs         one switch that releases everybody            Events in threads
//! process.rs       separate memory against shared memory         Multiprocessing module; lab, "processes"
//! zombie.rs        a child that ended and nobody asked           lab, "Signals", the reaper
//! signal.rs        SIGPIPE, SIGCHLD and accept, kill             lab, "Signals"
//! herd.rs          who gets the connection, and who woke for it  csdesign, pre-forked server
//!
//! narrate.rs  child.rs  shared.rs  process_table.rs              what the ten above are built of
//! ```
//!
//! Lines with a time and a name are the story and go to stderr; results go to stdout.

mod child;
mod condvar;
mod event;
mod herd;
mod lock;
mod narrate;
mod parallel;
mod process;
pub(crate) mod process_table;
mod shared;
mod signal;
mod threads;
mod user_threads;
mod zombie;

use clap::{Args, Subcommand};

/// Demonstrations: multitasking, threads, user threads, locks, condition variables, events, processes, zombies, signals, the herd
///
/// Each shows one idea of the lecture in a few seconds. Every line of the story (stderr) carries the seconds since the
/// start and the name of the thread or process that said it; results are on stdout.
#[derive(Args, Debug, Clone)]
#[command(after_help = "Examples, to begin with:
  cargo ch3 show threads
  cargo ch3 show herd --help       what to look at, and the question it answers")]
pub struct ShowArgs {
    #[command(subcommand)]
    demonstration: Demonstration,
}

#[derive(Subcommand, Debug, Clone)]
enum Demonstration {
    Parallel(parallel::ParallelArgs),
    UserThreads(user_threads::UserThreadsArgs),
    Threads(threads::ThreadsArgs),
    Lock(lock::LockArgs),
    Condvar(condvar::CondvarArgs),
    Event(event::EventArgs),
    Process(process::ProcessArgs),
    Zombie(zombie::ZombieArgs),
    Signal(signal::SignalArgs),
    Herd(herd::HerdArgs),
}

/// Runs one demonstration. Call it before the program has started any thread: the demonstrations of processes fork.
///
/// # Errors
/// What the operating system refused (a thread, a fork, a socket), or a count that does not add up.
pub fn run(args: &ShowArgs) -> anyhow::Result<()> {
    narrate::start_the_clock();
    match args.demonstration {
        Demonstration::Parallel(ref args) => parallel::run(args),
        Demonstration::Threads(args) => threads::run(args),
        Demonstration::UserThreads(args) => user_threads::run(args),
        Demonstration::Lock(args) => lock::run(args),
        Demonstration::Condvar(args) => condvar::run(args),
        Demonstration::Event(args) => event::run(args),
        Demonstration::Process(args) => process::run(args),
        Demonstration::Zombie(args) => zombie::run(args),
        Demonstration::Signal(args) => signal::run(args),
        Demonstration::Herd(args) => herd::run(args),
    }
}
