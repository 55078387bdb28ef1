//! A bounded queue between threads: many producers, many consumers, closable. Notes, chapter 3, *condition variables*.
//!
//! ```text
//! push ──▶ waits while full ──▶ [ item item item ] ──▶ waits while empty ──▶ pop
//!             ▲ not_full          at most capacity           ▲ not_empty
//!             └── pop wakes one                              └── push wakes one
//! ```
//!
//! It is the queue of the notes, done right. Theirs has two lines to learn from, and a third beside them:
//!
//! * `if len == 0: wait()`. Between the wake-up and the lock another consumer may take the item, and the system may wake a
//!   thread for no reason: whoever wakes must look again. Here every wait stands in a **`while`**.
//! * `if len == 1: notify`. It holds only as long as it wakes *every* waiter, which is a stampede for one item: as soon as it
//!   wakes one, two items put in quickly wake one consumer of two, and the other sleeps beside a full queue. Here **every**
//!   `push` wakes one consumer, whatever the length.
//! * `pop()` without an index takes the *newest* item of a Python list: that is a stack, and the oldest request starves.
//!
//! A bound is not an optimisation: without it a server that is too slow answers by running out of memory. With it `push` waits,
//! the kernel's socket buffer fills, and the client is slowed down: backpressure.
//!
//! Not done: waiting with a timeout, fairness between waiters, and freedom from locks. A lock held for a few nanoseconds
//! costs less than the system call that wakes a sleeper.

use std::collections::VecDeque;
use std::num::NonZeroUsize;

#[cfg(loom)]
use loom::sync::{Condvar, Mutex, MutexGuard};
#[cfg(not(loom))]
use std::sync::{Condvar, Mutex, MutexGuard};

use thiserror::Error;

/// The queue. Share it by reference or in an `Arc`; every method takes `&self`.
#[derive(Debug)]
pub struct Queue<T> {
    state: Mutex<State<T>>,
    /// Consumers sleep here until there is an item or the queue is closed.
    not_empty: Condvar,
    /// Producers sleep here until there is room or the queue is closed.
    not_full: Condvar,
    capacity: usize,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<T>,
    closed: bool,
}

/// The queue was closed; here is the item back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the queue is closed")]
pub struct Closed<T>(pub T);

/// Why [`Queue::try_push`] did not take the item; here it is back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TryPushError<T> {
    /// There is no room now; there may be after the next `pop`.
    #[error("the queue is full")]
    Full(T),
    /// There never will be.
    #[error("the queue is closed")]
    Closed(T),
}

impl<T> Queue<T> {
    /// An empty, open queue of at most `capacity` items. Memory is taken as items come, not in advance.
    pub fn new(capacity: NonZeroUsize) -> Queue<T> {
        Queue {
            state: Mutex::new(State { items: VecDeque::new(), closed: false }),
            not_empty: Condvar::new(),
            not_full: Condvar::new(),
            capacity: capacity.get(),
        }
    }

    /// Appends `item`, waiting while the queue is full.
    ///
    /// # Errors
    /// [`Closed`] with the item when the queue is closed, before or during the wait.
    pub fn push(&self, item: T) -> Result<(), Closed<T>> {
        let mut state = self.lock();
        while state.items.len() >= self.capacity && !state.closed {
            state = self.not_full.wait(state).expect(NOBODY_PANICS);
        }
        if state.closed {
            return Err(Closed(item));
        }
        self.append(state, item);
        Ok(())
    }

    /// Appends `item` if that needs no waiting: for a thread that must not sleep, such as an event loop.
    ///
    /// # Errors
    /// [`TryPushError`] with the item when the queue is full or closed.
    pub fn try_push(&self, item: T) -> Result<(), TryPushError<T>> {
        let state = self.lock();
        if state.closed {
            return Err(TryPushError::Closed(item));
        }
        if state.items.len() >= self.capacity {
            return Err(TryPushError::Full(item));
        }
        self.append(state, item);
        Ok(())
    }

    /// Takes the oldest item, waiting while there is none. `None` when the queue is closed and empty: the consumer is done.
    pub fn pop(&self) -> Option<T> {
        let mut state = self.lock();
        while state.items.is_empty() && !state.closed {
            state = self.not_empty.wait(state).expect(NOBODY_PANICS);
        }
        let item = state.items.pop_front();
        drop(state);
        if item.is_some() {
            self.not_full.notify_one();
        }
        item
    }

    /// Takes no more items and wakes everyone who waits. What is already in the queue is still delivered.
    pub fn close(&self) {
        self.lock().closed = true;
        self.not_empty.notify_all();
        self.not_full.notify_all();
    }

    /// Items in the queue at this moment. Another thread may change it before the caller looks at the number.
    pub fn len(&self) -> usize {
        self.lock().items.len()
    }

    /// Whether there was no item at this moment.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most items that the queue holds.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    fn append(&self, mut state: MutexGuard<'_, State<T>>, item: T) {
        state.items.push_back(item);
        // Unlock first, or the consumer wakes up only to wait for the lock.
        drop(state);
        self.not_empty.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().expect(NOBODY_PANICS)
    }
}

const NOBODY_PANICS: &str = "no code of a caller runs under the queue's lock";

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::mpsc;
    use std::thread;

    fn queue_of<T>(capacity: usize) -> Queue<T> {
        Queue::new(NonZeroUsize::new(capacity).unwrap())
    }

    #[test]
    fn the_oldest_item_comes_first() {
        let queue = queue_of(3);
        for item in 1..=3 {
            queue.push(item).unwrap();
        }
        assert_eq!((queue.pop(), queue.pop(), queue.pop()), (Some(1), Some(2), Some(3)));
        assert!(queue.is_empty());
    }

    #[test]
    fn a_full_queue_gives_the_item_back_to_who_cannot_wait() {
        let queue = queue_of(1);
        queue.try_push("first").unwrap();
        assert_eq!(queue.try_push("second"), Err(TryPushError::Full("second")));
        assert_eq!((queue.len(), queue.capacity()), (1, 1));
    }

    #[test]
    fn close_refuses_new_items_and_delivers_the_old_ones() {
        let queue = queue_of(2);
        queue.push(1).unwrap();
        queue.close();
        assert_eq!(queue.push(2), Err(Closed(2)));
        assert_eq!(queue.try_push(3), Err(TryPushError::Closed(3)));
        assert_eq!((queue.pop(), queue.pop()), (Some(1), None));
    }

    #[test]
    fn a_full_queue_holds_its_producer_until_there_is_room() {
        let queue = Arc::new(queue_of(1));
        queue.push(0).unwrap();
        let (done, pushed) = mpsc::channel();
        let producer = thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                queue.push(1).unwrap();
                done.send(()).unwrap();
            }
        });
        // Whenever the producer runs, it cannot be done before this pop: the queue was full when it started.
        assert_eq!(pushed.try_recv(), Err(mpsc::TryRecvError::Empty));
        assert_eq!(queue.pop(), Some(0));
        pushed.recv().unwrap();
        assert_eq!(queue.pop(), Some(1));
        producer.join().unwrap();
    }

    #[test]
    fn close_wakes_a_producer_and_hands_its_item_back() {
        let queue = Arc::new(queue_of(1));
        queue.push(0).unwrap();
        let producer = thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.push(1)
        });
        queue.close();
        assert_eq!(producer.join().unwrap(), Err(Closed(1)));
    }

    #[test]
    fn many_threads_lose_nothing_and_see_nothing_twice() {
        const PRODUCERS: u32 = 4;
        const EACH: u32 = 5_000;
        let queue = Arc::new(queue_of(7));
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|producer| {
                let queue = Arc::clone(&queue);
                thread::spawn(move || {
                    for i in 0..EACH {
                        queue.push(producer * EACH + i).unwrap();
                    }
                })
            })
            .collect();
        let consumers: Vec<_> = (0..3)
            .map(|_| {
                let queue = Arc::clone(&queue);
                thread::spawn(move || std::iter::from_fn(|| queue.pop()).collect::<Vec<u32>>())
            })
            .collect();
        for producer in producers {
            producer.join().unwrap();
        }
        queue.close();
        let mut seen: Vec<u32> =
            consumers.into_iter().flat_map(|consumer| consumer.join().unwrap()).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..PRODUCERS * EACH).collect::<Vec<u32>>());
    }
}
