//! What a server counts, in memory shared across `fork`, so that no count is lost whichever process makes it.

#![expect(unsafe_code, reason = "Shareable is an unsafe trait")]

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::core::shared_memory::{Shareable, shared};

/// Workers that are counted one by one; higher numbers share the last place.
pub const COUNTED_WORKERS: usize = 256;

/// A counter that any thread of any process may raise.
#[derive(Debug)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn count(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// The count so far.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

// SAFETY: it is one atomic.
unsafe impl Shareable for Counter {}

/// All counters of one server.
#[derive(Debug)]
pub struct Counters {
    /// Connections taken from the listening socket.
    pub accepted: Counter,
    /// Connections closed at once because the model has no place for them.
    pub refused: Counter,
    /// Requests handled.
    pub requests: Counter,
    /// Connections that an error ended: a reset, a stalled client.
    pub failed: Counter,
    /// Times the descriptor table was found full.
    pub full: Counter,
    /// Workers, threads or processes, that died and were replaced.
    pub replaced: Counter,
    /// Connections accepted by each worker.
    by_worker: [Counter; COUNTED_WORKERS],
}

// SAFETY: it is made of atomics.
unsafe impl Shareable for Counters {}

impl Counters {
    /// All zero, shared with every process forked from now on.
    ///
    /// # Errors
    /// `ENOMEM` when there is no room.
    pub fn shared() -> io::Result<&'static Counters> {
        shared()
    }

    /// The count of connections that worker `number` accepted.
    #[must_use]
    pub fn worker(&self, number: usize) -> &Counter {
        &self.by_worker[number.min(COUNTED_WORKERS - 1)]
    }
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counters { accepted, refused, requests, failed, full, replaced, .. } = self;
        let count = |counter: &Counter, noun: &str| match counter.value() {
            1 => format!("1 {noun}"),
            number => format!("{number} {noun}s"),
        };
        write!(f, "{}, {}", count(accepted, "connection"), count(requests, "request"))?;
        for (counter, text) in [
            (refused, format!("{} refused", refused.value())),
            (failed, format!("{} ended by an error", failed.value())),
            (full, format!("{} no descriptor left", count(full, "time"))),
            (replaced, format!("{} replaced", count(replaced, "worker"))),
        ] {
            if counter.value() > 0 {
                write!(f, ", {text}")?;
            }
        }
        Ok(())
    }
}
