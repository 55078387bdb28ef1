//! What a service answers: bytes, and what comes after them.
//!
//! | body | made | held in memory |
//! |---|---|---|
//! | [`Body::Own`] | for this client | once for each client |
//! | [`Body::Shared`] | once for all who ask the same | once |
//! | [`Body::Headed`] | a head for this client before a shared body; both leave in one call | the body once |
//! | [`Body::Stream`] | piece by piece, while it is sent | a few pieces |
//! | [`Body::Late`] | later, by another thread; the answers behind it wait | when it is made |

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Instant;

use crate::core::budget::{Budget, NoRoom, Reservation};
use crate::core::outbox::Outbox;

/// The bytes to send for one request, framed already, and what comes after them.
#[derive(Debug)]
pub struct Answer {
    /// Sent as they are. May be empty: then there is nothing to send for this request.
    pub body: Body,
    /// What the conversation does once they are sent.
    pub then: AfterAnswer,
}

/// The bytes of an answer.
pub enum Body {
    /// Made for this client.
    Own(Vec<u8>),
    /// Made once for several clients that ask the same. They are sent from where they are.
    Shared(SharedBody),
    /// A head of its own before a shared body.
    Headed(Vec<u8>, SharedBody),
    /// Produced while it is sent.
    Stream(Box<dyn BodyStream>),
    /// Made later. Its place among the answers is kept.
    Late(LateAnswer),
}

/// What follows an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterAnswer {
    /// The next request may come.
    Continue,
    /// We have said all we had to say: shut down our sending half, then wait as long as it takes for the client's end.
    AwaitEnd,
    /// The same, but wait only briefly: so that the client reads our last bytes before a reset can destroy them.
    Close,
}

impl Answer {
    /// An answer after which the next request may come.
    #[must_use]
    pub fn new(body: impl Into<Body>) -> Answer {
        Answer { body: body.into(), then: AfterAnswer::Continue }
    }

    /// The last answer of a conversation that the server ends.
    #[must_use]
    pub fn last(body: impl Into<Body>) -> Answer {
        Answer { body: body.into(), then: AfterAnswer::Close }
    }

    /// No answer: the request is done, and there is nothing to send.
    #[must_use]
    pub fn nothing() -> Answer {
        Answer::new(Vec::new())
    }

    /// Whether there is nothing to send, and nothing changes.
    pub(crate) fn is_nothing(&self) -> bool {
        self.then == AfterAnswer::Continue && matches!(&self.body, Body::Own(bytes) if bytes.is_empty())
    }

    /// An answer that is made later, and where to give it. The client's `outbox` wakes its driver then.
    #[must_use]
    pub fn late(outbox: &Outbox) -> (Answer, LateAnswer) {
        let late = LateAnswer { bytes: Arc::default(), outbox: outbox.clone() };
        (Answer::new(Body::Late(late.clone())), late)
    }
}

/// Bytes that several clients are sent, in memory once.
///
/// Those that were made to be sent count in the server's budget, once, from the first time they are queued until the last client
/// has them.
#[derive(Debug, Clone)]
pub struct SharedBody(Arc<SharedBytes>);

#[derive(Debug)]
enum SharedBytes {
    /// As they were made, without a copy.
    Made(Vec<u8>, OnceLock<Reservation>),
    Stored(Arc<[u8]>),
}

impl SharedBody {
    /// Bytes that were made to be sent.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> SharedBody {
        SharedBody(Arc::new(SharedBytes::Made(bytes.into(), OnceLock::new())))
    }

    /// Bytes that the service keeps anyway, within a limit of its own: they do not count in the budget.
    #[must_use]
    pub fn stored(bytes: Arc<[u8]>) -> SharedBody {
        SharedBody(Arc::new(SharedBytes::Stored(bytes)))
    }

    /// A handle that does not keep the bytes.
    #[must_use]
    pub fn downgrade(&self) -> WeakBody {
        WeakBody(Arc::downgrade(&self.0))
    }

    pub(crate) fn charge(&self, budget: Budget) -> Result<(), NoRoom> {
        if let SharedBytes::Made(bytes, charge) = &*self.0
            && charge.get().is_none()
        {
            let mut reservation = budget.reservation();
            reservation.resize(bytes.capacity())?;
            let _ = charge.set(reservation); // another thread was faster: ours is released
        }
        Ok(())
    }
}

/// A shared body that may be gone.
#[derive(Debug, Clone)]
pub struct WeakBody(Weak<SharedBytes>);

impl WeakBody {
    /// The body, if a client is still being sent it.
    #[must_use]
    pub fn upgrade(&self) -> Option<SharedBody> {
        self.0.upgrade().map(SharedBody)
    }
}

impl Deref for SharedBody {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &*self.0 {
            SharedBytes::Made(bytes, _) => bytes,
            SharedBytes::Stored(bytes) => bytes,
        }
    }
}

/// An answer that is produced piece by piece under backpressure: the next piece is asked for when the last is nearly sent.
pub trait BodyStream: Send {
    /// The next piece. Must not block; see [`Piece::NotBefore`].
    fn poll_piece(&mut self, now: Instant) -> Piece;
}

/// What a [`BodyStream`] has next.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// These bytes.
    Bytes(Vec<u8>),
    /// Nothing before this time: ask again then.
    NotBefore(Instant),
    /// The answer is complete.
    End,
    /// It cannot be completed: the connection ends where the answer stands.
    Broken,
}

/// An answer that is not made yet. All clones are one; the first that fulfils it wins.
#[derive(Clone)]
pub struct LateAnswer {
    bytes: Arc<Mutex<Option<Vec<u8>>>>,
    outbox: Outbox,
}

impl LateAnswer {
    /// Gives the answer; the client's driver is woken.
    pub fn fulfil(&self, bytes: Vec<u8>) {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(bytes);
        self.outbox.wake();
    }

    /// The answer, once it is there.
    pub(crate) fn take(&self) -> Option<Vec<u8>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Body {
        Body::Own(bytes)
    }
}

impl From<SharedBody> for Body {
    fn from(bytes: SharedBody) -> Body {
        Body::Shared(bytes)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Body::Own(bytes) => write!(f, "Own({})", bytes.escape_ascii()),
            Body::Shared(bytes) => write!(f, "Shared({})", bytes.escape_ascii()),
            Body::Headed(head, body) => write!(f, "Headed({}, {} bytes)", head.escape_ascii(), body.len()),
            Body::Stream(_) => f.write_str("Stream"),
            Body::Late(_) => f.write_str("Late"),
        }
    }
}

impl Body {
    /// All bytes in one piece, for another process or a test. A stream is produced to its end, whatever time it asks for; a late
    /// answer that is not made yet is empty.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        match self {
            Body::Own(bytes) => bytes,
            Body::Shared(bytes) => bytes.to_vec(),
            Body::Headed(head, body) => [&head[..], &body].concat(),
            Body::Late(late) => late.take().unwrap_or_default(),
            Body::Stream(mut stream) => {
                let (mut bytes, mut now) = (Vec::new(), None);
                loop {
                    match stream.poll_piece(now.unwrap_or_else(Instant::now)) {
                        Piece::Bytes(piece) => bytes.extend_from_slice(&piece),
                        Piece::NotBefore(then) => now = Some(then),
                        Piece::End | Piece::Broken => return bytes,
                    }
                }
            }
        }
    }
}
