//! The calls of one connection that are in flight: how many there are, and whether another may begin.
//!
//! ```text
//!   0 ──────────────── limit ──────────────── limit + REFUSED_AT_ONCE
//!     procedures run     calls are refused: busy    nothing is read any more: the peer's sends wait (backpressure)
//! ```
//!
//! A refusal is an answer, too, and waits for its turn to be sent. A peer that asks and never reads would gather answers without end; so
//! its requests stay in the kernel while it does not take what is there for it, and from some number of calls on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;

use super::refusal::NotBegun;

/// So many refusals may wait to be sent.
const REFUSED_AT_ONCE: usize = 64;

/// The calls in flight of one connection.
#[derive(Debug)]
pub struct Flight {
    /// Calls that have been read and not answered, refused ones too.
    calls: AtomicUsize,
    limit: usize,
    /// No call of this connection is begun any more, and why.
    closed: Option<NotBegun>,
    stopping: AtomicBool,
    /// The peer has ended its side.
    gone: AtomicBool,
    /// The transport, when it waits for room.
    reader: AtomicWaker,
}

impl Flight {
    /// Nothing in flight; `limit` procedures may run at once. With `closed` none may.
    #[must_use]
    pub fn new(limit: usize, closed: Option<NotBegun>) -> Arc<Flight> {
        Arc::new(Flight {
            calls: AtomicUsize::new(0),
            limit,
            closed,
            stopping: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            reader: AtomicWaker::new(),
        })
    }

    /// A call has been read: whether its procedure may be called. The place is counted until the entry is dropped.
    #[must_use]
    pub fn enter(self: &Arc<Flight>) -> Entry {
        let before = self.calls.fetch_add(1, Ordering::Relaxed);
        let refused = if self.closed.is_some() {
            self.closed.clone()
        } else if self.stopping.load(Ordering::Relaxed) {
            Some(NotBegun::Stopping)
        } else {
            (before >= self.limit).then_some(NotBegun::Busy(self.limit as u64))
        };
        Entry { flight: Arc::clone(self), refused }
    }

    /// How many calls there are.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// No procedure is called at all on this connection.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed.is_some()
    }

    /// Calls that come from now on are refused.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// The peer has ended its side: nobody waits for the answers.
    pub fn leave(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }

    /// Whether the peer has ended its side.
    #[must_use]
    pub fn has_left(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    /// Whether nothing is read for now.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.calls() >= self.limit + REFUSED_AT_ONCE
    }

    /// Ready when another request may be read. While the peer does not take its answers, that is not before [`wake_reader`].
    ///
    /// [`wake_reader`]: Flight::wake_reader
    pub fn poll_room(&self, context: &mut Context<'_>, is_stalled: bool) -> Poll<()> {
        if !is_stalled && !self.is_full() {
            return Poll::Ready(());
        }
        self.reader.register(context.waker());
        if is_stalled || self.is_full() { Poll::Pending } else { Poll::Ready(()) }
    }

    /// The peer takes its answers again.
    pub fn wake_reader(&self) {
        self.reader.wake();
    }
}

/// A call in flight.
#[derive(Debug)]
pub struct Entry {
    flight: Arc<Flight>,
    refused: Option<NotBegun>,
}

impl Entry {
    /// Why its procedure must not be called.
    #[must_use]
    pub fn refused(&self) -> Option<NotBegun> {
        self.refused.clone()
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.flight.calls.fetch_sub(1, Ordering::Relaxed);
        self.flight.reader.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_limit_calls_are_refused_and_then_nothing_is_read() {
        let flight = Flight::new(2, None);
        let mut context = Context::from_waker(std::task::Waker::noop());
        let mut entries: Vec<Entry> = (0..2 + REFUSED_AT_ONCE).map(|_| flight.enter()).collect();
        let refused = entries.iter().filter(|entry| entry.refused() == Some(NotBegun::Busy(2))).count();
        assert_eq!((refused, flight.poll_room(&mut context, false)), (REFUSED_AT_ONCE, Poll::Pending));
        entries.pop();
        assert_eq!(flight.poll_room(&mut context, false), Poll::Ready(()));
        assert_eq!(flight.poll_room(&mut context, true), Poll::Pending);
        entries.clear();
        assert_eq!(flight.calls(), 0);
        assert_eq!(flight.enter().refused(), None);
        flight.stop();
        assert_eq!(flight.enter().refused(), Some(NotBegun::Stopping));
    }
}
