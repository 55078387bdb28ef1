//! Bytes that a service pushes to a client on its own account: bounded, and with a stated policy when the bound is hit.
//!
//! ```text
//!   any thread ──► Outbox::push ──► [ bounded queue ] ──► the connection's own driver sends
//!                        └───────► waker: tells that driver, in the way it can be told
//! ```
//!
//! How a driver is told differs from model to model, and is written in their files: a blocking one waits in `poll(2)`
//! on its socket and an eventfd, a readiness loop has one eventfd and a list of tokens, tokio has a `Notify`. A driver that handles a
//! request of this client is not told: it looks when the request is answered.
//!
//! A service pushes in one of two ways. Whole messages, shared by all who get them: [`Outbox::push`], [`Outbox::put`]. Or a stream
//! of small ones of its own: a [`writer::Writer`] appends them to one buffer, which the driver takes whole.

pub mod writer;

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::{Arc, PoisonError};

use bytes::Bytes;

#[cfg(loom)]
use loom::sync::atomic::{AtomicBool, Ordering};
#[cfg(loom)]
use loom::sync::{Mutex, MutexGuard};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(not(loom))]
use std::sync::{Mutex, MutexGuard};

/// How much may wait for one client, and what happens when it would be more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxLimit {
    /// Most bytes that may wait.
    pub bytes: usize,
    /// What happens to a push that would exceed them.
    pub when_full: WhenFull,
}

/// The policy for a client that does not keep up. The others never wait for it under either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// The connection is closed: the client must come again and catch up.
    Disconnect,
    /// The push is dropped.
    Skip,
}

/// What is pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// The bytes, as they are sent.
    pub bytes: Pushed,
    /// One of those that all say the same, "there is news": one is as good as ten, because a client that reads it asks for all
    /// the news. So no more than one waits, and while it does all others are left out. It always fits.
    ///
    /// Nothing is missed when the news is made, and the push too, under the one lock that the asking takes: a reminder is left
    /// out only while another is still to be sent, and so the client will ask after this news was made.
    pub is_reminder: bool,
}

/// Bytes that are pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// A message. It is shared, not copied, so that what goes to a thousand clients is in memory once.
    Message(Arc<[u8]>),
    /// What a [`writer::Writer`] has collected for this client.
    Written(Vec<u8>),
    /// A long part of what it writes, which others are sent too.
    Shared(Bytes),
}

impl Deref for Pushed {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Pushed::Message(bytes) => bytes,
            Pushed::Written(bytes) => bytes,
            Pushed::Shared(bytes) => bytes,
        }
    }
}

/// A push did not go in: the client does not keep up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the client does not read what is pushed to it")]
pub struct QueueFull;

/// The bytes that wait for one client. Clones are handles on the same queue.
#[derive(Clone)]
pub struct Outbox {
    shared: Arc<Shared>,
}

struct Shared {
    limit: OutboxLimit,
    /// Whether something waits: to be seen without the lock by the driver, which looks before every request.
    is_waiting: AtomicBool,
    /// Whether a reminder does: to be seen without the lock by those who remind thousands.
    is_reminding: AtomicBool,
    /// Whether nothing is to be read from the client.
    is_paused: AtomicBool,
    /// The bound was hit under [`WhenFull::Disconnect`].
    is_full: AtomicBool,
    /// Its driver handles a request of this client and looks here afterwards: it needs no wake-up.
    is_attended: AtomicBool,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Push>,
    /// How many bytes of messages wait; a reminder is not counted.
    bytes: usize,
    /// A message did not fit, and the service has not been told that there is room again.
    lacked_room: bool,
    last: Option<Arc<[u8]>>,
    ended: bool,
    wake: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl Push {
    /// One that counts for the bound.
    #[must_use]
    pub fn message(bytes: Arc<[u8]>) -> Push {
        Push { bytes: Pushed::Message(bytes), is_reminder: false }
    }

    /// One that is left out while another waits.
    #[must_use]
    pub fn reminder(bytes: Arc<[u8]>) -> Push {
        Push { bytes: Pushed::Message(bytes), is_reminder: true }
    }
}

impl Outbox {
    /// An empty one.
    #[must_use]
    pub fn new(limit: OutboxLimit) -> Outbox {
        let flag = || AtomicBool::new(false);
        let shared = Shared {
            limit,
            is_waiting: flag(),
            is_reminding: flag(),
            is_paused: flag(),
            is_full: flag(),
            is_attended: flag(),
            queue: Mutex::new(Queue::default()),
        };
        Outbox { shared: Arc::new(shared) }
    }

    /// Its bound and its policy.
    #[must_use]
    pub fn limit(&self) -> OutboxLimit {
        self.shared.limit
    }

    /// Leaves a message for the client. Never blocks.
    ///
    /// # Errors
    /// [`QueueFull`] when it did not fit; under [`WhenFull::Disconnect`] the connection is then about to end.
    pub fn push(&self, bytes: Arc<[u8]>) -> Result<(), QueueFull> {
        self.put(Push::message(bytes)).map(drop)
    }

    /// Leaves a push of any kind for the client, and tells whether it went in: a reminder does not while another waits.
    ///
    /// # Errors
    /// As [`push`](Outbox::push). A reminder fits, except behind the end.
    pub fn put(&self, push: Push) -> Result<bool, QueueFull> {
        if push.is_reminder && self.shared.is_reminding.load(Ordering::Acquire) {
            return Ok(false);
        }
        let OutboxLimit { bytes: limit, when_full } = self.shared.limit;
        let mut queue = self.lock();
        if push.is_reminder && self.shared.is_reminding.load(Ordering::Acquire) {
            return Ok(false); // it came while we waited for the lock
        }
        let has_room = push.is_reminder || queue.bytes + push.bytes.len() <= limit;
        let fits = has_room && !queue.ended && !self.is_full();
        if fits {
            if push.is_reminder {
                self.shared.is_reminding.store(true, Ordering::Release);
            } else {
                queue.bytes += push.bytes.len();
            }
            queue.waiting.push_back(push);
            self.shared.is_waiting.store(true, Ordering::Release);
        } else if when_full == WhenFull::Disconnect {
            self.shared.is_full.store(true, Ordering::Release);
        } else {
            queue.lacked_room = true;
            return Err(QueueFull);
        }
        self.wake_unlocked(queue);
        if fits { Ok(true) } else { Err(QueueFull) }
    }

    /// Wakes the client's driver, which then looks for what has changed.
    pub fn wake(&self) {
        self.wake_unlocked(self.lock());
    }

    /// Without the lock, because what is woken may want to look.
    fn wake_unlocked(&self, queue: MutexGuard<'_, Queue>) {
        let wake = self.waker(&queue);
        drop(queue);
        if let Some(wake) = wake {
            wake();
        }
    }

    /// What wakes the driver, if it has to be woken.
    fn waker(&self, queue: &Queue) -> Option<Arc<dyn Fn() + Send + Sync>> {
        // A read that also writes: it and the driver's own in `unattend` come one after the other, and the later one sees the
        // other's side. Two plain loads could both be too early.
        let is_attended = self.shared.is_attended.fetch_or(false, Ordering::AcqRel);
        if is_attended { None } else { queue.wake.clone() }
    }

    /// The driver is about to handle a request of this client: until [`unattend`](Outbox::unattend) it is not woken.
    pub fn attend(&self) {
        self.shared.is_attended.store(true, Ordering::Release);
    }

    /// The request is answered, and the driver looks here next.
    pub fn unattend(&self) {
        self.shared.is_attended.swap(false, Ordering::AcqRel);
    }

    /// From now on nothing is read from the client, and no request of it is handled, until [`resume`](Outbox::resume). It is still
    /// sent what waits for it. What it sends meanwhile fills the kernel's buffers, and then it is slowed down.
    pub fn pause(&self) {
        self.shared.is_paused.store(true, Ordering::Release);
    }

    /// Reads from the client again.
    pub fn resume(&self) {
        if self.shared.is_paused.swap(false, Ordering::AcqRel) {
            self.wake();
        }
    }

    /// Whether reading is paused.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.shared.is_paused.load(Ordering::Acquire)
    }

    /// Ends the conversation from the service's side: what still waits is dropped, `last` is sent in its place, after what
    /// the driver has taken already, and nothing after it. So a client can be told why it is hung up on, however full its
    /// outbox is. Only the first call counts.
    pub fn end(&self, last: Arc<[u8]>) {
        let mut queue = self.lock();
        if queue.ended {
            return;
        }
        queue.ended = true;
        queue.last = Some(last);
        queue.waiting.clear();
        queue.bytes = 0;
        self.shared.is_reminding.store(false, Ordering::Release);
        self.shared.is_waiting.store(true, Ordering::Release);
        self.wake_unlocked(queue);
    }

    /// The last words of [`end`](Outbox::end), once.
    #[must_use]
    pub fn take_last(&self) -> Option<Arc<[u8]>> {
        if !self.shared.is_waiting.load(Ordering::Acquire) {
            return None;
        }
        let mut queue = self.lock();
        let last = queue.last.take();
        self.note_waiting(&queue);
        last
    }

    /// Takes the oldest waiting push.
    #[must_use]
    pub fn pop(&self) -> Option<Push> {
        if !self.shared.is_waiting.load(Ordering::Acquire) {
            return None; // its driver asks before every request
        }
        let mut queue = self.lock();
        let push = queue.waiting.pop_front()?;
        if push.is_reminder {
            self.shared.is_reminding.store(false, Ordering::Release);
        } else {
            queue.bytes -= push.bytes.len();
        }
        self.note_waiting(&queue);
        Some(push)
    }

    /// Notes whether the driver has something to look for: something to send, or a service to be told that there is room.
    fn note_waiting(&self, queue: &Queue) {
        let is_waiting = !queue.waiting.is_empty() || queue.last.is_some() || queue.lacked_room;
        self.shared.is_waiting.store(is_waiting, Ordering::Release);
    }

    /// Whether there is room again after a message did not fit: half of the bound at least. Told once.
    #[must_use]
    pub fn take_room(&self) -> bool {
        if !self.shared.is_waiting.load(Ordering::Acquire) {
            return false;
        }
        let mut queue = self.lock();
        let has_room = queue.lacked_room && !queue.ended && queue.bytes <= self.shared.limit.bytes / 2;
        if has_room {
            queue.lacked_room = false;
            self.note_waiting(&queue);
        }
        has_room
    }

    /// Whether the bound was hit under [`WhenFull::Disconnect`].
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.shared.is_full.load(Ordering::Acquire)
    }

    /// Whether there is something to do: bytes to send, or a connection to end.
    #[must_use]
    pub fn is_due(&self) -> bool {
        let queue = self.lock();
        self.is_full() || queue.last.is_some() || !queue.waiting.is_empty()
    }

    /// From now on `wake` is called after every push; at once, if something is waiting already.
    pub fn wake_with(&self, wake: impl Fn() + Send + Sync + 'static) {
        let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(wake);
        self.lock().wake = Some(Arc::clone(&wake));
        if self.is_due() {
            wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // A panic while it was held leaves a queue that is whole: each step above is a single one.
        self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests;
