//! Bytes that a service pushes to a client on its own account: bounded, and with a stated policy when the bound is hit.
//!
//! ```text
//!   any thread ──► Outbox::push ──► [ bounded queue ] ──► the connection's own driver sends
//!                        └───────► waker: tells that driver, in the way it can be told
//! ```
//!
//! How a driver is told differs from model to model, and is written in their files: a blocking one waits in `poll(2)`
//! on its socket and an eventfd, a readiness loop has one eventfd and a list of tokens, tokio has a `Notify`.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};

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
    /// The bytes, as they are sent. They are shared, not copied, so that what goes to a thousand clients is in memory once.
    pub bytes: Arc<[u8]>,
    /// What they are to the client.
    pub kind: Kind,
}

/// What a push is to the client, and with that how much of it may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It must be read: it counts for the bound.
    Message,
    /// One of those that all say the same, "there is news": one is as good as ten, because whoever reads it asks for all the
    /// news. So no more than one waits, and while it does all others are left out.
    ///
    /// Nothing is missed when the news is made, and the push too, under the one lock that the asking takes: a reminder is left
    /// out only while another is still to be sent, and so the client will ask after this news was made.
    Reminder,
    /// The client has asked for it, and it is in the outbox for its place among the others. It always fits: whoever makes
    /// it must not be asked for ever ([`Outbox::answers`] tells how many bytes of them wait).
    Answer,
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

/// A push that waits. One that is held back holds those behind it.
struct Waiting {
    push: Push,
    held: bool,
}

type Waker = Arc<dyn Fn() + Send + Sync>;

struct Shared {
    limit: OutboxLimit,
    /// Whether something waits: to be seen without the lock by the driver, which looks before every request.
    is_waiting: AtomicBool,
    /// Whether a reminder does: to be seen without the lock by those who remind thousands.
    is_reminding: AtomicBool,
    queue: Mutex<Queue>,
}

struct Queue {
    waiting: VecDeque<Waiting>,
    /// How many bytes of each [`Kind`] wait.
    bytes: [usize; 3],
    overrun: bool,
    last: Option<Arc<[u8]>>,
    ended: bool,
    waker: Option<Waker>,
}

impl Push {
    /// One that counts for the bound.
    #[must_use]
    pub fn message(bytes: Arc<[u8]>) -> Push {
        Push { bytes, kind: Kind::Message }
    }

    /// One that is left out while another waits.
    #[must_use]
    pub fn reminder(bytes: Arc<[u8]>) -> Push {
        Push { bytes, kind: Kind::Reminder }
    }

    /// One that was asked for.
    #[must_use]
    pub fn answer(bytes: Arc<[u8]>) -> Push {
        Push { bytes, kind: Kind::Answer }
    }
}

impl Outbox {
    /// An empty one.
    #[must_use]
    pub fn new(limit: OutboxLimit) -> Outbox {
        let waiting = VecDeque::new();
        let queue = Queue { waiting, bytes: [0; 3], overrun: false, last: None, ended: false, waker: None };
        let flag = || AtomicBool::new(false);
        let shared = Shared { limit, is_waiting: flag(), is_reminding: flag(), queue: Mutex::new(queue) };
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
    /// As [`push`](Outbox::push). Reminders and answers fit, except behind the end.
    pub fn put(&self, push: Push) -> Result<bool, QueueFull> {
        self.append(push, false)
    }

    /// The same, but it leaves, and with it those put behind it, only after a [`release`](Outbox::release): for clients that
    /// lose a message which comes too close behind another. One release is needed for each that went in.
    ///
    /// # Errors
    /// As [`put`](Outbox::put).
    pub fn put_held(&self, push: Push) -> Result<bool, QueueFull> {
        self.append(push, true)
    }

    /// Lets the first push go that is held back, if there is one.
    pub fn release(&self) {
        self.let_go(1);
    }

    /// Lets everything go.
    pub fn release_all(&self) {
        self.let_go(usize::MAX);
    }

    /// How many bytes of answers wait.
    #[must_use]
    pub fn answers(&self) -> usize {
        self.lock().bytes[Kind::Answer as usize]
    }

    fn let_go(&self, most: usize) {
        let mut queue = self.lock();
        let mut count = 0;
        for waiting in queue.waiting.iter_mut().filter(|waiting| waiting.held).take(most) {
            waiting.held = false;
            count += 1;
        }
        let waker = queue.waker.clone().filter(|_| count > 0);
        drop(queue);
        if let Some(wake) = waker {
            wake();
        }
    }

    fn append(&self, push: Push, held: bool) -> Result<bool, QueueFull> {
        let reminds = push.kind == Kind::Reminder;
        if reminds && self.shared.is_reminding.load(Ordering::Acquire) {
            return Ok(false);
        }
        let OutboxLimit { bytes: limit, when_full } = self.shared.limit;
        let mut queue = self.lock();
        if reminds && self.shared.is_reminding.load(Ordering::Acquire) {
            return Ok(false); // it came while we waited for the lock
        }
        let room =
            push.kind != Kind::Message || queue.bytes[Kind::Message as usize] + push.bytes.len() <= limit;
        let fits = room && !queue.overrun && !queue.ended;
        let nothing_to_do = fits && held;
        if fits {
            queue.bytes[push.kind as usize] += push.bytes.len();
            queue.waiting.push_back(Waiting { push, held });
            self.shared.is_waiting.store(true, Ordering::Release);
            if reminds {
                self.shared.is_reminding.store(true, Ordering::Release);
            }
        } else if when_full == WhenFull::Disconnect {
            queue.overrun = true;
        } else {
            return Err(QueueFull);
        }
        // Called without the lock: what wakes may want to look.
        let waker = queue.waker.clone().filter(|_| !nothing_to_do);
        drop(queue);
        if let Some(wake) = waker {
            wake();
        }
        if fits { Ok(true) } else { Err(QueueFull) }
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
        queue.bytes = [0; 3];
        self.shared.is_reminding.store(false, Ordering::Release);
        self.shared.is_waiting.store(true, Ordering::Release);
        let waker = queue.waker.clone();
        drop(queue);
        if let Some(wake) = waker {
            wake();
        }
    }

    /// The last words of [`end`](Outbox::end), once.
    #[must_use]
    pub fn take_last(&self) -> Option<Arc<[u8]>> {
        if !self.shared.is_waiting.load(Ordering::Acquire) {
            return None;
        }
        let mut queue = self.lock();
        let last = queue.last.take();
        self.shared.is_waiting.store(!queue.waiting.is_empty(), Ordering::Release);
        last
    }

    /// Takes the oldest waiting push, unless it is held back.
    #[must_use]
    pub fn pop(&self) -> Option<Push> {
        if !self.shared.is_waiting.load(Ordering::Acquire) {
            return None; // its driver asks before every request
        }
        let mut queue = self.lock();
        if queue.waiting.front()?.held {
            return None;
        }
        let push = queue.waiting.pop_front()?.push;
        queue.bytes[push.kind as usize] -= push.bytes.len();
        if push.kind == Kind::Reminder {
            self.shared.is_reminding.store(false, Ordering::Release);
        }
        self.shared.is_waiting.store(!queue.waiting.is_empty(), Ordering::Release);
        Some(push)
    }

    /// Whether the bound was hit under [`WhenFull::Disconnect`].
    #[must_use]
    pub fn overrun(&self) -> bool {
        self.lock().overrun
    }

    /// Whether there is something to do: bytes to send, or a connection to end.
    #[must_use]
    pub fn is_due(&self) -> bool {
        let queue = self.lock();
        queue.overrun || queue.last.is_some() || queue.waiting.front().is_some_and(|waiting| !waiting.held)
    }

    /// From now on `wake` is called after every push; at once, if something is waiting already.
    pub fn wake_with(&self, wake: impl Fn() + Send + Sync + 'static) {
        let wake: Waker = Arc::new(wake);
        self.lock().waker = Some(Arc::clone(&wake));
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
