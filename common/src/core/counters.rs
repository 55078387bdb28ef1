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
pub struct Meter(AtomicU64);

impl Meter {
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
unsafe impl Shareable for Meter {}

/// All counters of one server.
#[derive(Debug)]
pub struct Meters {
    /// Connections taken from the listening socket.
    pub accepted: Meter,
    /// Connections closed at once because the model has no place for them.
    pub refused: Meter,
    /// Requests handled.
    pub requests: Meter,
    /// Connections that an error ended: a reset, a stalled client.
    pub failed: Meter,
    /// Times the descriptor table was found full.
    pub full: Meter,
    /// Workers, threads or processes, that died and were replaced.
    pub replaced: Meter,
    /// Connections accepted by each worker.
    by_worker: [Meter; COUNTED_WORKERS],
}

// SAFETY: it is made of atomics.
unsafe impl Shareable for Meters {}

impl Meters {
    /// All zero, shared with every process forked from now on.
    ///
    /// # Errors
    /// `ENOMEM` when there is no room.
    pub fn shared() -> io::Result<&'static Meters> {
        shared()
    }

    /// The count of connections that worker `number` accepted.
    #[must_use]
    pub fn worker(&self, number: usize) -> &Meter {
        &self.by_worker[number.min(COUNTED_WORKERS - 1)]
    }
}

impl fmt::Display for Meters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Meters { accepted, refused, requests, failed, full, replaced, .. } = self;
        write!(f, "{} connections, {} requests", accepted.value(), requests.value())?;
        for (meter, what) in [
            (refused, "refused"),
            (failed, "ended by an error"),
            (full, "times no descriptor left"),
            (replaced, "workers replaced"),
        ] {
            if meter.value() > 0 {
                write!(f, ", {} {what}", meter.value())?;
            }
        }
        Ok(())
    }
}
