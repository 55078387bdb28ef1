//! An alarm clock for outboxes: one thread that lets go, at its time, what is held back.
//!
//! A thread of its own, because a service has no clock: a model calls it when a client speaks, and at no other time.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use common::outbox::Outbox;

/// Rings for outboxes. Its thread begins with the first call, and ends when it is dropped.
#[derive(Default)]
pub(super) struct Alarm {
    shared: Arc<Shared>,
    thread: OnceLock<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    calls: Mutex<Calls>,
    earlier: Condvar,
}

/// By time, and of two for the same time the one that was asked for first.
#[derive(Default)]
struct Calls {
    due: BTreeMap<(Instant, u64), Outbox>,
    number: u64,
    ended: bool,
}

impl Alarm {
    /// At this time, [releases](Outbox::release) one push of this outbox.
    pub(super) fn ring_at(&self, time: Instant, outbox: Outbox) {
        let shared = &self.shared;
        let running = self.thread.get_or_init(|| {
            let shared = Arc::clone(shared);
            thread::Builder::new().name("alarm".into()).spawn(move || shared.ring()).ok()
        });
        if running.is_none() {
            return outbox.release(); // no thread to be had: rather too close than never
        }
        let mut calls = shared.lock();
        calls.number += 1;
        let call = (time, calls.number);
        calls.due.insert(call, outbox);
        if calls.due.first_key_value().is_some_and(|(&first, _)| first == call) {
            shared.earlier.notify_one();
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.shared.lock().ended = true;
        self.shared.earlier.notify_one();
        if let Some(Some(thread)) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// The thread: waits for the first call, answers it, and so on.
    fn ring(&self) {
        let mut calls = self.lock();
        while !calls.ended {
            let now = Instant::now();
            calls = match calls.due.first_entry() {
                Some(first) if first.key().0 <= now => {
                    let outbox = first.remove();
                    drop(calls); // the push wakes a driver, and that may take its time
                    outbox.release();
                    self.lock()
                }
                Some(first) => {
                    let patience = first.key().0 - now;
                    self.earlier.wait_timeout(calls, patience).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.earlier.wait(calls).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
