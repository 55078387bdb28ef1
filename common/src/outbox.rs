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
    /// It never gets full: one push waits, and while it does all others are dropped. For pushes that all say the same,
    /// "there is news", of which one is as good as ten, because whoever reads it asks for all the news.
    ///
    /// Nothing is missed when the news is made, and the push too, under the one lock that the asking takes: a push is dropped
    /// only while another is still to be sent, and so the client will ask after this news was made.
    Coalesce,
}

/// A push did not go in: the client does not keep up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the client does not read what is pushed to it")]
pub struct Overrun;

/// The bytes that wait for one client. Clones are handles on the same queue.
#[derive(Clone)]
pub struct Outbox {
    shared: Arc<Shared>,
}

/// A push that waits. One that is held back holds those behind it.
struct Waiting {
    bytes: Arc<[u8]>,
    held: bool,
}

type Waker = Arc<dyn Fn() + Send + Sync>;

struct Shared {
    limit: OutboxLimit,
    /// Whether something waits: to be seen without the lock by those who push to thousands.
    is_waiting: AtomicBool,
    queue: Mutex<Queue>,
}

struct Queue {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    overrun: bool,
    last: Option<Arc<[u8]>>,
    ended: bool,
    waker: Option<Waker>,
}

impl Outbox {
    /// An empty one.
    #[must_use]
    pub fn new(limit: OutboxLimit) -> Outbox {
        let waiting = VecDeque::new();
        let queue = Queue { waiting, bytes: 0, overrun: false, last: None, ended: false, waker: None };
        let shared = Shared { limit, is_waiting: AtomicBool::new(false), queue: Mutex::new(queue) };
        Outbox { shared: Arc::new(shared) }
    }

    /// Its bound and its policy.
    #[must_use]
    pub fn limit(&self) -> OutboxLimit {
        self.shared.limit
    }

    /// Leaves bytes for the client. Never blocks; the bytes are shared, not copied, so that what goes to a thousand
    /// clients is in memory once.
    ///
    /// # Errors
    /// [`Overrun`] when they did not fit; under [`WhenFull::Disconnect`] the connection is then about to end.
    pub fn push(&self, bytes: Arc<[u8]>) -> Result<(), Overrun> {
        self.put(Waiting { bytes, held: false })
    }

    /// The same, but the bytes leave, and those pushed after them, only after a [`release`](Outbox::release): for clients that
    /// lose a message which comes too close behind another.
    ///
    /// # Errors
    /// As [`push`](Outbox::push).
    pub fn push_held(&self, bytes: Arc<[u8]>) -> Result<(), Overrun> {
        self.put(Waiting { bytes, held: true })
    }

    /// Lets the first push go that is held back, if there is one.
    pub fn release(&self) {
        let mut queue = self.lock();
        if let Some(waiting) = queue.waiting.iter_mut().find(|waiting| waiting.held) {
            waiting.held = false;
        }
        let waker = queue.waker.clone();
        drop(queue);
        if let Some(wake) = waker {
            wake();
        }
    }

    /// Lets everything go, and wakes nobody: for the driver itself, when the client has ended and only listens.
    pub(crate) fn release_all(&self) {
        self.lock().waiting.iter_mut().for_each(|waiting| waiting.held = false);
    }

    fn put(&self, waiting: Waiting) -> Result<(), Overrun> {
        let OutboxLimit { bytes: limit, when_full } = self.shared.limit;
        let coalesces = when_full == WhenFull::Coalesce;
        if coalesces && self.shared.is_waiting.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut queue = self.lock();
        let room = coalesces || queue.bytes + waiting.bytes.len() <= limit;
        let fits = room && !queue.overrun && !queue.ended;
        let nothing_to_do = fits && waiting.held;
        if fits {
            queue.bytes += waiting.bytes.len();
            queue.waiting.push_back(waiting);
            self.shared.is_waiting.store(true, Ordering::Release);
        } else if when_full == WhenFull::Disconnect {
            queue.overrun = true;
        } else {
            return Err(Overrun);
        }
        // Called without the lock: what wakes may want to look.
        let waker = queue.waker.clone().filter(|_| !nothing_to_do);
        drop(queue);
        if let Some(wake) = waker {
            wake();
        }
        if fits { Ok(()) } else { Err(Overrun) }
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
    pub fn pop(&self) -> Option<Arc<[u8]>> {
        if !self.shared.is_waiting.load(Ordering::Acquire) {
            return None; // its driver asks before every request
        }
        let mut queue = self.lock();
        if queue.waiting.front()?.held {
            return None;
        }
        let bytes = queue.waiting.pop_front()?.bytes;
        queue.bytes -= bytes.len();
        self.shared.is_waiting.store(!queue.waiting.is_empty(), Ordering::Release);
        Some(bytes)
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
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn outbox(when_full: WhenFull) -> Outbox {
        Outbox::new(OutboxLimit { bytes: 4, when_full })
    }

    #[test]
    fn keeps_order_and_wakes_after_every_push() {
        let outbox = outbox(WhenFull::Disconnect);
        let woken = Arc::new(AtomicU32::new(0));
        outbox.push(Arc::from(*b"a")).unwrap();
        let count = Arc::clone(&woken);
        outbox.wake_with(move || {
            count.fetch_add(1, Ordering::Relaxed);
        });
        outbox.push(Arc::from(*b"b")).unwrap();
        assert_eq!(woken.load(Ordering::Relaxed), 2);
        assert_eq!((outbox.pop().as_deref(), outbox.pop().as_deref()), (Some(&b"a"[..]), Some(&b"b"[..])));
        assert!(outbox.pop().is_none() && !outbox.is_due());
    }

    #[test]
    fn disconnects_who_does_not_keep_up() {
        let outbox = outbox(WhenFull::Disconnect);
        outbox.push(Arc::from(*b"abcd")).unwrap();
        assert_eq!(outbox.push(Arc::from(*b"e")), Err(Overrun));
        assert!(outbox.overrun());
    }

    #[test]
    fn what_is_held_back_holds_what_comes_behind_it() {
        let outbox = outbox(WhenFull::Disconnect);
        outbox.push(Arc::from(*b"a")).unwrap();
        outbox.push_held(Arc::from(*b"b")).unwrap();
        outbox.push(Arc::from(*b"c")).unwrap();
        outbox.push_held(Arc::from(*b"d")).unwrap();
        let all =
            || -> Vec<u8> { std::iter::from_fn(|| outbox.pop()).flat_map(|bytes| bytes.to_vec()).collect() };
        assert_eq!((all(), outbox.is_due()), (b"a".to_vec(), false));
        outbox.release();
        assert_eq!((outbox.is_due(), all()), (true, b"bc".to_vec()));
        outbox.release_all();
        assert_eq!(all(), b"d");
    }

    #[test]
    fn last_words_take_the_place_of_what_waits_and_nothing_follows_them() {
        let outbox = outbox(WhenFull::Skip);
        outbox.push(Arc::from(*b"abcd")).unwrap();
        outbox.end(Arc::from(*b"too slow"));
        outbox.end(Arc::from(*b"again"));
        assert_eq!(outbox.push(Arc::from(*b"e")), Err(Overrun));
        assert!(outbox.pop().is_none() && outbox.is_due());
        assert_eq!(outbox.take_last().as_deref(), Some(&b"too slow"[..]));
        assert!(outbox.take_last().is_none() && !outbox.is_due());
    }

    #[test]
    fn one_that_waits_stands_for_all() {
        let outbox = outbox(WhenFull::Coalesce);
        let woken = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&woken);
        outbox.wake_with(move || {
            count.fetch_add(1, Ordering::Relaxed);
        });
        for _ in 0..2 {
            for _ in 0..9 {
                outbox.push(Arc::from(*b"news;")).unwrap();
            }
            assert_eq!(outbox.pop().as_deref(), Some(&b"news;"[..]));
            assert!(outbox.pop().is_none());
        }
        assert_eq!(woken.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn skips_what_does_not_fit_and_takes_more_when_there_is_room() {
        let outbox = outbox(WhenFull::Skip);
        outbox.push(Arc::from(*b"abcd")).unwrap();
        assert_eq!(outbox.push(Arc::from(*b"e")), Err(Overrun));
        assert!(!outbox.overrun());
        let _ = outbox.pop();
        outbox.push(Arc::from(*b"f")).unwrap();
    }
}
