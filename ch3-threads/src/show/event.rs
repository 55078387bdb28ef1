//! An event: a switch that any number of threads wait for, and that releases them all at once.
//!
//! Lecture notes, chapter 3: "Events in threads". Rust's library has none; it is a lock, a flag and a condition variable.
//!
//! ```text
//!  waiter 1   wait ································ released ─┐
//!  waiter 2      wait ····························· released ─┤  all by one `set`
//!  impatient  wait, at most 2 s ········ gave up               │
//!  late                                                        └─ clear ── wait, at most 2 s ···· gave up
//!  main                                             set
//! ```
//!
//! The trap: a waiter that only looks at the flag (`while !set { wait }`) misses a `set` that is followed by `clear`
//! before it got the lock back. So each `set` also has a number, and a number cannot be un-counted.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::Duration;

use clap::Args;

use super::narrate::{Pace, say};

/// Event: one switch that releases every thread that waits for it
///
/// Look at the time of the `released` lines: all the same. The impatient waiter gave up before, the late one after
/// `clear` waits again.
///
/// The question: what tells an event from a condition variable? (It remembers that it was set.)
#[derive(Args, Debug, Clone, Copy)]
#[command(after_help = "Example:\n  cargo ch3 show event --waiters 5")]
pub struct EventArgs {
    /// How many threads wait for the event without a limit
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=200))]
    waiters: u16,
    #[command(flatten)]
    pace: Pace,
}

/// Runs the demonstration.
pub fn run(args: EventArgs) -> anyhow::Result<()> {
    args.pace.announce();
    let (event, released, gave_up) = (Event::default(), AtomicU32::new(0), AtomicU32::new(0));
    let mut out = common::support::cli::stdout();
    let patience = args.pace.seconds(2.0);
    let wait = || {
        say!("waiting for the event");
        event.wait();
        released.fetch_add(1, SeqCst);
        say!("released");
    };
    let wait_a_while = || {
        say!("waiting for the event, at most {patience:?}");
        if event.wait_timeout(patience) {
            released.fetch_add(1, SeqCst);
            say!("released");
        } else {
            gave_up.fetch_add(1, SeqCst);
            say!("gave up");
        }
    };
    thread::scope(|threads| -> anyhow::Result<()> {
        let waiters = (1..=args.waiters)
            .map(|number| start(threads, &format!("waiter-{number}"), wait))
            .collect::<io::Result<Vec<_>>>()
            // The scope waits for all its threads, those too that started before one could not.
            .inspect_err(|_| event.set())?;
        let impatient = start(threads, "impatient", wait_a_while).inspect_err(|_| event.set())?;
        thread::sleep(args.pace.seconds(3.0));
        join(impatient);
        say!("set");
        event.set();
        waiters.into_iter().for_each(join);
        writeln!(out, "released by one set: {}", released.load(SeqCst))?;
        // It remembers: who comes now is not kept waiting, which a condition variable's notify cannot do.
        join(start(threads, "latecomer", wait)?);
        say!("clear");
        event.clear();
        join(start(threads, "too late", wait_a_while)?);
        Ok(())
    })?;
    writeln!(out, "released, with the latecomer: {}", released.into_inner())?;
    writeln!(out, "gave up after {patience:?}: {}", gave_up.into_inner())?;
    Ok(())
}

/// A switch: not set at first.
#[derive(Default)]
struct Event {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    set: bool,
    times_set: u64,
}

impl State {
    /// Whether a waiter that came when the event had been set `before` times has nothing to go on yet.
    fn keeps_waiting(&self, before: u64) -> bool {
        !self.set && self.times_set == before
    }
}

impl Event {
    /// Releases all who wait, and all who will, until [`Event::clear`].
    fn set(&self) {
        let mut state = self.lock();
        state.set = true;
        state.times_set += 1;
        self.changed.notify_all();
    }

    /// From now on, who waits has to wait. Who was released stays released.
    fn clear(&self) {
        self.lock().set = false;
    }

    /// Returns at once when it is set, else when it is next set.
    fn wait(&self) {
        let state = self.lock();
        let before = state.times_set;
        drop(
            self.changed
                .wait_while(state, |now| now.keeps_waiting(before))
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// The same, but not longer than `limit`. Whether it was set.
    fn wait_timeout(&self, limit: Duration) -> bool {
        let state = self.lock();
        let before = state.times_set;
        // `wait_timeout_while` keeps the deadline when a wake-up was for nothing; `wait_timeout` would start it anew.
        let (_state, timeout) = self
            .changed
            .wait_timeout_while(state, limit, |now| now.keeps_waiting(before))
            .unwrap_or_else(PoisonError::into_inner);
        !timeout.timed_out()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn start<'scope>(
    threads: &'scope Scope<'scope, '_>,
    name: &str,
    body: impl FnOnce() + Send + 'scope,
) -> io::Result<ScopedJoinHandle<'scope, ()>> {
    thread::Builder::new().name(name.into()).spawn_scoped(threads, body)
}

fn join(thread: ScopedJoinHandle<'_, ()>) {
    thread.join().expect("a waiter only waits and says so");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_that_is_cleared_at_once_still_releases_who_waited() {
        let event = Event::default();
        let before = event.lock().times_set;
        assert!(event.lock().keeps_waiting(before));
        event.set();
        event.clear();
        assert!(!event.lock().keeps_waiting(before), "the flag alone would have been missed");
        assert!(!event.wait_timeout(Duration::ZERO), "but who comes now waits");
    }
}
