//! Small messages in a stream: appended to one buffer, which the driver takes whole.
//!
//! ```text
//!   waiting: [ written ███████ ]  [ shared ████████████████ ]  [ written ██ ◄── the next small one ]
//! ```
//!
//! A queue of messages costs an allocation and a wake-up for each. A broker delivers a million a second, each of a hundred bytes:
//! here it costs a copy, and a wake-up only when nothing waited before. What is written always fits, because half a message could
//! not be taken back. The writer is told how much waits, and where it is more than the limit, the service is told when there is room
//! again.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;

#[cfg(loom)]
use loom::sync::MutexGuard;
#[cfg(not(loom))]
use std::sync::MutexGuard;

use super::{Outbox, Push, Pushed, Queue};

/// A shared part of at least this length is not copied: a call of its own costs less.
const WORTH_SHARING: usize = 8 * 1024;

/// Appends to an outbox; it is locked meanwhile. What was written is there for the driver when the writer is dropped or
/// [finished](Writer::finish).
pub struct Writer<'a> {
    outbox: &'a Outbox,
    queue: MutexGuard<'a, Queue>,
    was_empty: bool,
    /// How much waited before.
    before: usize,
    /// Of what was written, what is not in the last buffer.
    length: usize,
    /// How long the last buffer was before.
    start: usize,
    is_settled: bool,
}

/// Wakes the driver of a client: to be done without the service's own lock, where it can be.
#[must_use = "the driver sleeps until it is woken"]
pub struct Wake(Arc<dyn Fn() + Send + Sync>);

impl Wake {
    /// Wakes it.
    pub fn wake(self) {
        (self.0)();
    }
}

impl Outbox {
    /// A writer; `None` behind the end.
    #[must_use]
    pub fn writer(&self) -> Option<Writer<'_>> {
        let queue = self.lock();
        if queue.ended || self.is_full() {
            return None;
        }
        let was_empty = queue.waiting.is_empty();
        let before = queue.bytes;
        let mut writer =
            Writer { outbox: self, queue, was_empty, before, length: 0, start: 0, is_settled: false };
        writer.begin();
        Some(writer)
    }

    /// How many bytes of messages wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.lock().bytes
    }
}

impl Writer<'_> {
    /// The buffer to append to. What is in it already is not to be changed.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        match self.queue.waiting.back_mut() {
            Some(Push { bytes: Pushed::Written(buffer), .. }) => buffer,
            _ => unreachable!("begin has put it there"),
        }
    }

    /// Appends bytes that were written elsewhere: without a copy, if nothing waits that they could be appended to.
    pub fn append(&mut self, bytes: Vec<u8>) {
        let buffer = self.buffer();
        if buffer.is_empty() {
            *buffer = bytes;
        } else {
            buffer.extend_from_slice(&bytes);
        }
    }

    /// Appends bytes that are held elsewhere too: long ones without a copy.
    pub fn share(&mut self, bytes: &Bytes) {
        if bytes.len() < WORTH_SHARING {
            return self.buffer().extend_from_slice(bytes);
        }
        self.length += self.buffer().len() - self.start + bytes.len();
        if self.buffer().is_empty() {
            self.queue.waiting.pop_back();
        }
        let bytes = Pushed::Shared(bytes.clone());
        self.queue.waiting.push_back(Push { bytes, is_reminder: false });
        self.begin();
    }

    /// How many bytes it has written.
    #[must_use]
    pub fn written(&mut self) -> usize {
        self.length + self.buffer().len() - self.start
    }

    /// Ends the writing: how many bytes wait now, and what wakes the driver, if it has to be woken.
    pub fn finish(mut self) -> (usize, Option<Wake>) {
        let wake = self.settle();
        (self.queue.bytes, wake)
    }

    /// A buffer at the end of the queue.
    fn begin(&mut self) {
        let last = self.queue.waiting.back();
        if !matches!(last, Some(Push { bytes: Pushed::Written(_), is_reminder: false })) {
            let bytes = Pushed::Written(Vec::new());
            self.queue.waiting.push_back(Push { bytes, is_reminder: false });
        }
        self.start = self.buffer().len();
    }

    fn settle(&mut self) -> Option<Wake> {
        if std::mem::replace(&mut self.is_settled, true) {
            return None;
        }
        let written = self.written();
        if self.buffer().is_empty() {
            self.queue.waiting.pop_back();
        }
        if written == 0 {
            return None;
        }
        self.queue.bytes = self.before + written;
        self.queue.lacked_room |= self.queue.bytes > self.outbox.limit().bytes;
        self.outbox.shared.is_waiting.store(true, Ordering::Release);
        if !self.was_empty {
            return None; // the one who wrote first has woken the driver, and it has not taken that yet
        }
        self.outbox.waker(&self.queue).map(Wake)
    }
}

impl Drop for Writer<'_> {
    /// Wakes the driver itself: it is woken while the queue is locked, and has to wait for that.
    fn drop(&mut self) {
        if let Some(wake) = self.settle() {
            wake.wake();
        }
    }
}
