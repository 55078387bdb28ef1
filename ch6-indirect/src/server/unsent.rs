//! What is written for a client while the lock is held, and goes to its outbox in one piece before the lock is free.
//!
//! ```text
//!   deliveries of a batch ──► unsent: one buffer, without a lock of its own ──flush──► the client's outbox, locked once
//!                              └─ a long part of a body goes to the outbox at once: it is shared, and not copied
//! ```

use bytes::Bytes;
use common::core::outbox::Outbox;
use common::core::outbox::writer::{Wake, Writer};

use crate::amqp::AMQPClass;
use crate::amqp::frame::{self, Sink};

/// A shared part of at least this length is not copied.
const WORTH_SHARING: usize = 8 * 1024;

/// What is not in the outbox of a client yet.
pub struct Unsent {
    outbox: Outbox,
    buffer: Vec<u8>,
    /// How much waited in the outbox when something was last put there.
    waiting: usize,
    /// The broker was told that too much waits.
    is_full: bool,
    /// Whether something was written since the lock was taken.
    is_listed: bool,
    /// Wakes the driver, when the lock is free.
    wake: Option<Wake>,
    frames_out: u64,
    bytes_out: u64,
}

/// What is to be done after something was written to a client.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// More waits now than the limit, for the first time since there was room.
    pub is_full: bool,
    /// It is the first that was written since the lock was taken: it is to be [sent](Unsent::flush) before the lock is free.
    pub is_first: bool,
}

impl Unsent {
    pub fn new(outbox: Outbox) -> Unsent {
        Unsent {
            outbox,
            buffer: Vec::new(),
            waiting: 0,
            is_full: false,
            is_listed: false,
            wake: None,
            frames_out: 0,
            bytes_out: 0,
        }
    }

    /// Frames and bytes that were written so far.
    pub fn written(&self) -> (u64, u64) {
        (self.frames_out, self.bytes_out)
    }

    /// The broker knows that there is room again.
    pub fn has_room(&mut self) {
        self.is_full = false;
        self.waiting = self.outbox.waiting();
    }

    /// Writes to it. What is written is put into the outbox by [`flush`](Unsent::flush): so a batch of deliveries costs one lock.
    pub fn write(&mut self, write: impl FnOnce(&mut Frames<'_>)) -> Written {
        let before = self.buffer.len();
        let mut frames = Frames { unsent: self, frames: 0, shared: 0 };
        write(&mut frames);
        let (count, shared) = (frames.frames, frames.shared);
        self.frames_out += count;
        self.bytes_out += (self.buffer.len() + shared).saturating_sub(before) as u64;
        let is_over = self.waiting + self.buffer.len() > self.outbox.limit().bytes;
        let is_full = is_over && !self.is_full;
        self.is_full |= is_over;
        Written { is_full, is_first: !std::mem::replace(&mut self.is_listed, true) }
    }

    /// Puts what was written into the outbox. Whether there is room again that the outbox will not tell of: it was thought to be full
    /// of what its driver has taken meanwhile.
    pub fn flush(&mut self) -> bool {
        self.is_listed = false;
        let buffer = std::mem::take(&mut self.buffer);
        self.put(|writer| writer.append(buffer));
        self.is_full && self.waiting <= self.outbox.limit().bytes
    }

    /// What wakes the driver, if it has to be woken.
    pub fn take_wake(&mut self) -> Option<Wake> {
        self.wake.take()
    }

    fn put(&mut self, write: impl FnOnce(&mut Writer<'_>)) {
        let Some(mut writer) = self.outbox.writer() else { return }; // it is at its end
        write(&mut writer);
        let (waiting, wake) = writer.finish();
        self.waiting = waiting;
        self.wake = self.wake.take().or(wake);
    }
}

/// Frames on their way to a client.
pub struct Frames<'a> {
    unsent: &'a mut Unsent,
    frames: u64,
    /// Bytes that are in the outbox already.
    shared: usize,
}

impl Frames<'_> {
    pub fn method(&mut self, channel: u16, method: &AMQPClass) {
        self.frames += 1;
        frame::write_method(self.buffer(), channel, method);
    }

    pub fn heartbeat(&mut self) {
        self.frames += 1;
        frame::write_heartbeat(self.buffer());
    }

    pub fn count(&mut self, frames: u64) {
        self.frames += frames;
    }
}

impl Sink for Frames<'_> {
    fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.unsent.buffer
    }

    fn share(&mut self, body: &Bytes) {
        if body.len() < WORTH_SHARING {
            return self.unsent.buffer.extend_from_slice(body);
        }
        let buffer = std::mem::take(&mut self.unsent.buffer);
        self.shared += buffer.len() + body.len();
        self.unsent.put(|writer| {
            writer.append(buffer);
            writer.share(body);
        });
    }
}
