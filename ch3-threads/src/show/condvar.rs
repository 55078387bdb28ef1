//! A condition variable: a consumer that sleeps until the queue has something, and not a moment longer.
//!
//! Lecture notes, chapter 3: "Conditional Variables in threads" (`Queue`, `consumer`, `producer`).
//!
//! ```text
//!  consumer  lock ── empty? ── wait: unlock + sleep ········ wake + lock ── empty? ── take ── unlock
//!  producer                          lock ── add ── notify ── unlock         │
//!                                                                            └ asked again: another may have been faster
//! ```
//!
//! What the notes' `Queue` does that ours does not:
//! - `get` waits with `if`. A woken consumer is only told that it *was* not empty: with two consumers and one element
//!   both wake, the second pops from an empty list and dies of an IndexError. (A wait may even end without any notify,
//!   pthread_cond_wait(3p).) It must be `while`: the count of "woken, but empty" below is how often `if` had failed.
//! - `get` takes with `pop()`, which is the newest: a stack. The oldest element may wait for ever.
//! - `put` notifies only when the length becomes 1. With `notifyAll` this is right but wakes all consumers for one
//!   element, a herd; with `notify`, which a reader would change it to, it loses wake-ups: two elements, one woken.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use clap::{Args, ValueEnum};

use super::narrate::{Pace, say};

/// Condition variable: producer and consumers of one queue
///
/// Look at the times: a consumer wakes at the moment an element comes, and nobody runs in between. With several
/// consumers look at `woken, but empty`: there an `if` in place of the `while` pops from an empty queue.
///
/// The question: why is the condition asked again after waiting?
#[derive(Args, Debug, Clone, Copy)]
#[command(
    after_help = "Example, a herd for every element, and its cure:\n  cargo ch3 show condvar --consumers 4\n  cargo ch3 show condvar --consumers 4 --notify one"
)]
pub struct CondvarArgs {
    /// How many consumers wait for elements
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=100))]
    consumers: u16,
    /// How many elements the producer adds
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    elements: u32,
    /// Whom the producer wakes for an element: all who wait, as the notes do, or one
    #[arg(long, value_enum, default_value_t = Notify::All)]
    notify: Notify,
    #[command(flatten)]
    pace: Pace,
}

#[derive(ValueEnum, Debug, Clone, Copy)]
enum Notify {
    All,
    One,
}

/// Runs the demonstration.
pub fn run(args: CondvarArgs) -> anyhow::Result<()> {
    args.pace.announce();
    let queue = Queue { state: Mutex::default(), not_empty: Condvar::new(), notify: args.notify };
    let named = |name: String| thread::Builder::new().name(name);
    thread::scope(|threads| -> io::Result<()> {
        let consumers = (1..=args.consumers).try_for_each(|number| {
            let name = if args.consumers == 1 { "Consumer".into() } else { format!("Consumer-{number}") };
            named(name).spawn_scoped(threads, || consume(&queue, args.pace)).map(drop)
        });
        let producer = consumers.and_then(|()| {
            named("Producer".into())
                .spawn_scoped(threads, || produce(&queue, args.elements, args.pace))
                .map(drop)
        });
        // Without a producer nobody else would send the consumers home that did start, and the scope waits for them.
        producer.inspect_err(|_| queue.close())
    })?;
    let state = queue.lock();
    let mut out = common::support::cli::stdout();
    writeln!(out, "elements retrieved: {} of {}", state.retrieved, args.elements)?;
    writeln!(out, "times a consumer was woken for an element: {}", state.woken)?;
    writeln!(out, "woken, but empty: {} (an `if` would have popped from an empty queue)", state.in_vain)?;
    Ok(())
}

/// The notes' `Queue`: first in, first out, for any number of threads. Unbounded here, as there: a producer that is
/// faster for long fills the memory.
struct Queue {
    state: Mutex<State>,
    not_empty: Condvar,
    notify: Notify,
}

#[derive(Default)]
struct State {
    elements: VecDeque<u32>,
    closed: bool,
    retrieved: u32,
    woken: u32,
    in_vain: u32,
}

impl Queue {
    fn put(&self, element: u32) {
        let mut state = self.lock();
        state.elements.push_back(element);
        say!("Added element");
        match self.notify {
            Notify::All => self.not_empty.notify_all(),
            Notify::One => self.not_empty.notify_one(),
        }
    }

    /// The oldest element; nothing once the queue is closed and empty.
    fn get(&self) -> Option<u32> {
        let mut state = self.lock();
        while state.elements.is_empty() && !state.closed {
            say!("Queue is empty, waiting ...");
            state = self.not_empty.wait(state).unwrap_or_else(PoisonError::into_inner);
            if state.closed {
                continue;
            }
            state.woken += 1;
            if state.elements.is_empty() {
                say!("Woken, but the queue is empty");
                state.in_vain += 1;
            }
        }
        let element = state.elements.pop_front()?;
        state.retrieved += 1;
        Some(element)
    }

    /// No more elements will come: whoever waits is sent home.
    fn close(&self) {
        self.lock().closed = true;
        self.not_empty.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn consume(queue: &Queue, pace: Pace) {
    say!("Starting consumer thread");
    while let Some(element) = queue.get() {
        say!("Retrieved: {element}");
        thread::sleep(pace.seconds(1.0));
    }
}

fn produce(queue: &Queue, elements: u32, pace: Pace) {
    say!("Starting producer thread");
    for element in 0..elements {
        queue.put(element);
        say!("Added: {element}");
        thread::sleep(pace.seconds(3.0));
    }
    queue.close();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_element_comes_first_and_after_the_end_nothing() {
        let queue = Queue { state: Mutex::default(), not_empty: Condvar::new(), notify: Notify::One };
        (0..3).for_each(|element| queue.put(element));
        queue.close();
        assert_eq!([queue.get(), queue.get(), queue.get(), queue.get()], [Some(0), Some(1), Some(2), None]);
    }
}
