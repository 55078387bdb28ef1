//! What happened when, on one side of a call: moments on the monotonic clock, with the bytes that passed.
//!
//! Both sides run on one machine, so their clocks are one clock (CLOCK_MONOTONIC), and a moment of the client can be compared with one
//! of the server. Two machines have two clocks: there a call can be timed only as a whole.
//!
//! To record takes time as well: some 50 ns a moment, and a copy of the bytes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// What took the time from the begin to the end of a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The caller calls the stub.
    Called,
    /// Values became bytes.
    Marshalled,
    /// A send(2) gave bytes to the kernel.
    Written,
    /// A recv(2) took bytes from the kernel. It begins when there is something to take.
    Read,
    /// Bytes became values.
    Unmarshalled,
    /// The procedure ran.
    Ran,
    /// The stub returned to the caller.
    Returned,
    /// The caller has used the result.
    Continued,
}

/// Something that happened.
#[derive(Debug, Clone)]
pub struct Moment {
    /// What.
    pub what: What,
    /// From when.
    pub begin: Instant,
    /// Until when.
    pub end: Instant,
    /// The bytes that passed, where some did.
    pub bytes: Vec<u8>,
}

/// What has been recorded on one side. Copies record into one list.
#[derive(Debug, Clone, Default)]
pub struct Recorder(Arc<Mutex<Vec<Moment>>>);

impl Recorder {
    /// It happens now.
    pub fn now(&self, what: What) {
        let now = Instant::now();
        self.push(Moment { what, begin: now, end: now, bytes: Vec::new() });
    }

    /// It has taken until now.
    pub fn since(&self, what: What, begin: Instant) {
        self.push(Moment { what, begin, end: Instant::now(), bytes: Vec::new() });
    }

    /// These bytes have passed until now.
    pub fn passed(&self, what: What, begin: Instant, bytes: &[u8]) {
        let end = Instant::now();
        self.push(Moment { what, begin, end, bytes: bytes.to_vec() });
    }

    /// It takes as long as `work` does.
    pub fn span<T>(&self, what: What, work: impl FnOnce() -> T) -> T {
        let begin = Instant::now();
        let result = work();
        self.since(what, begin);
        result
    }

    /// Forgets the calls before the one that counts.
    pub fn forget(&self) {
        self.moments().clear();
    }

    /// How often this has happened.
    pub fn count(&self, what: What) -> usize {
        self.moments().iter().filter(|moment| moment.what == what).count()
    }

    /// All moments, since it has forgotten the others.
    pub fn all(&self) -> Vec<Moment> {
        self.moments().clone()
    }

    /// The moments of the last call. On the server a call begins with the first read after a write.
    pub fn last_call(&self) -> Vec<Moment> {
        let moments = self.moments();
        let begins = |index: &usize| {
            let is = |at: usize, what| moments.get(at).is_some_and(|moment| moment.what == what);
            is(*index, What::Written) && is(*index + 1, What::Read)
        };
        let from = (0..moments.len()).rfind(begins).map_or(0, |index| index + 1);
        moments[from..].to_vec()
    }

    fn push(&self, moment: Moment) {
        self.moments().push(moment);
    }

    fn moments(&self) -> MutexGuard<'_, Vec<Moment>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All bytes that have passed in one direction.
pub fn bytes_of(moments: &[Moment], what: What) -> Vec<u8> {
    let passed = moments.iter().filter(|moment| moment.what == what);
    passed.flat_map(|moment| moment.bytes.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_call_begins_with_the_first_read_after_a_write() {
        let recorder = Recorder::default();
        let record = |what, bytes: &[u8]| recorder.passed(what, Instant::now(), bytes);
        for call in [b"a", b"b", b"c"] {
            record(What::Read, call);
            record(What::Read, call);
            recorder.now(What::Unmarshalled);
            record(What::Written, b"x");
            record(What::Written, b"y");
        }
        let last = recorder.last_call();
        assert_eq!((last.len(), bytes_of(&last, What::Read)), (5, b"cc".to_vec()));
        assert_eq!(bytes_of(&last, What::Written), b"xy");
    }
}
