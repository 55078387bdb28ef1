//! The queue under every interleaving: loom runs each test once per order in which the threads can take the lock.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p common --test loom_queue --release`. Without the flag this file is empty.
//!
//! A test of a queue on real threads passes a million times and fails in the lecture; these fail on the first run, and loom
//! calls it a deadlock when everyone sleeps.
#![cfg(loom)]

use std::num::NonZeroUsize;

use common::core::queue::{Closed, Queue, TryPushError};
use loom::sync::Arc;
use loom::thread;

/// Context switches by force, besides those where a thread waits. Every bug that was planted shows with three; without a bound
/// the test with four threads takes hours.
const PREEMPTIONS: usize = 3;

fn every_interleaving(test: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    builder.check(test);
}

fn queue_of<T>(capacity: usize) -> Arc<Queue<T>> {
    Arc::new(Queue::new(NonZeroUsize::new(capacity).expect("not zero")))
}

#[test]
fn two_producers_and_two_consumers_lose_nothing_and_see_nothing_twice() {
    every_interleaving(|| {
        let queue = queue_of(1);
        let producer = thread::spawn({
            let queue = queue.clone();
            move || queue.push(1).expect("open until both are in")
        });
        let consumers = [(); 2].map(|()| {
            let queue = queue.clone();
            thread::spawn(move || queue.pop())
        });
        // The second producer is this thread: loom has room for four.
        queue.push(2).expect("open until both are in");
        producer.join().expect("no panic");
        let mut seen = consumers.map(|consumer| consumer.join().expect("no panic"));
        seen.sort();
        assert_eq!(seen, [Some(1), Some(2)]);
        queue.close();
        assert_eq!(queue.pop(), None);
    });
}

#[test]
fn close_wakes_every_consumer_after_the_last_item() {
    every_interleaving(|| {
        let queue = queue_of(2);
        let consumers = [(); 2].map(|()| {
            let queue = queue.clone();
            thread::spawn(move || std::iter::from_fn(|| queue.pop()).collect::<Vec<i32>>())
        });
        queue.push(1).expect("open");
        queue.close();
        let seen: Vec<i32> =
            consumers.into_iter().flat_map(|consumer| consumer.join().expect("no panic")).collect();
        assert_eq!(seen, [1]);
    });
}

#[test]
fn two_quick_items_wake_two_consumers() {
    every_interleaving(|| {
        let queue = queue_of(2);
        let consumers = [(); 2].map(|()| {
            let queue = queue.clone();
            thread::spawn(move || queue.pop())
        });
        queue.push(1).expect("open");
        queue.push(2).expect("open");
        let mut seen = consumers.map(|consumer| consumer.join().expect("no panic"));
        seen.sort();
        assert_eq!(seen, [Some(1), Some(2)]);
    });
}

#[test]
fn close_wakes_every_producer_and_each_item_is_delivered_or_handed_back() {
    every_interleaving(|| {
        let queue = queue_of(1);
        queue.push(0).expect("open");
        let producers = [1, 2].map(|item| {
            let queue = queue.clone();
            thread::spawn(move || queue.push(item))
        });
        queue.close();
        let mut seen: Vec<i32> = producers
            .into_iter()
            .filter_map(|producer| producer.join().expect("no panic").err())
            .map(|Closed(item)| item)
            .collect();
        seen.extend(std::iter::from_fn(|| queue.pop()));
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2]);
    });
}

#[test]
fn two_producers_that_wait_for_one_place_never_overfill_it() {
    every_interleaving(|| {
        let queue = queue_of(1);
        queue.push(0).expect("open");
        let producers = [1, 2].map(|item| {
            let queue = queue.clone();
            thread::spawn(move || queue.push(item).expect("open"))
        });
        let mut seen = [(); 3].map(|()| {
            let item = queue.pop();
            assert!(queue.len() <= queue.capacity());
            item
        });
        seen.sort();
        assert_eq!(seen, [Some(0), Some(1), Some(2)]);
        for producer in producers {
            producer.join().expect("no panic");
        }
    });
}

#[test]
fn a_producer_that_found_the_queue_full_is_woken_by_a_pop() {
    every_interleaving(|| {
        let queue = queue_of(1);
        let producer = thread::spawn({
            let queue = queue.clone();
            move || {
                for item in 0..3 {
                    queue.push(item).expect("open");
                }
            }
        });
        assert_eq!([queue.pop(), queue.pop(), queue.pop()], [Some(0), Some(1), Some(2)]);
        producer.join().expect("no panic");
    });
}

#[test]
fn try_push_wakes_a_sleeping_consumer() {
    every_interleaving(|| {
        let queue = queue_of(1);
        let consumer = thread::spawn({
            let queue = queue.clone();
            move || queue.pop()
        });
        assert_eq!(queue.try_push(1), Ok(()));
        match queue.try_push(2) {
            Ok(()) => assert_eq!(queue.pop(), Some(2)),
            Err(refused) => assert_eq!(refused, TryPushError::Full(2)),
        }
        assert_eq!(consumer.join().expect("no panic"), Some(1));
    });
}
