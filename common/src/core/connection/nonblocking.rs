//! A connection for a loop that has many: no call waits, each says what the connection waits for.
//!
//! ```text
//!   ready ──► advance ──┬─► Request ──► handled here or elsewhere ──► answer ──► advance …
//!                       ├─► Blocked(interest)   wait for readiness, then wake() and advance again
//!                       └─► Done                drop it
//! ```
//!
//! One read per wake-up: it keeps one fast client from starving the others, and saves the read that would say
//! `EAGAIN`, which at one request per wake-up is a third of all calls. The loops are level-triggered, so what is left
//! unread wakes them again.

use std::io::{self, ErrorKind, Read};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::Arc;
use std::time::Instant;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::send::{send, stalled};
use super::waker::Waker;
use crate::core::conversation::{Conversation, Next};
use crate::core::limits::TICK;
use crate::core::server::Server;
use crate::core::service::{Answer, Peer};
use crate::core::stop::STALL_AT_STOP;
use crate::core::work::Work;

/// One connection, non-blocking.
pub struct NonBlocking {
    stream: TcpStream,
    conversation: Conversation,
    may_read: bool,
    wake_at: Option<Instant>,
}

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Bytes from the client.
    Read,
    /// Room for bytes to the client.
    Write,
    /// Nothing from the socket: an answer, a push, or the time of [`NonBlocking::wake_at`].
    Nothing,
}

/// How far a connection could go without waiting.
#[derive(Debug)]
pub enum Step {
    /// To a request: have it handled, [`NonBlocking::answer`], go on.
    Request,
    /// To where it must wait.
    Blocked(Interest),
    /// To its end.
    Done,
}

impl NonBlocking {
    /// A connection whose socket is non-blocking already.
    #[must_use]
    pub fn open(server: &Server, stream: TcpStream, peer: Peer) -> NonBlocking {
        NonBlocking {
            stream,
            conversation: server.open(peer),
            may_read: false, // what it has sent already will wake us; to try now would mostly be EAGAIN
            wake_at: None,
        }
    }

    /// Whom it is with.
    #[must_use]
    pub fn peer(&self) -> Peer {
        *self.conversation.peer()
    }

    /// The socket is ready: one read may be made.
    pub fn ready(&mut self) {
        self.may_read = true;
    }

    /// From now on `waker` is woken, with this connection's descriptor, when the service pushes bytes to it.
    pub fn wake_with(&self, waker: &Arc<Waker>) {
        if let Some(outbox) = self.conversation.outbox() {
            let (waker, fd) = (Arc::clone(waker), self.as_raw_fd());
            outbox.wake_with(move || waker.wake(fd));
        }
    }

    /// When to look at it although its socket is not ready; for [`Timers`](super::Timers).
    #[must_use]
    pub fn wake_at(&self) -> Option<Instant> {
        self.wake_at
    }

    /// Whether its client had its time: then [`serve`](NonBlocking::serve) it, which ends it.
    #[must_use]
    pub fn is_overdue(&self, now: Instant) -> bool {
        self.conversation.deadline().is_some_and(|deadline| now >= deadline)
    }

    /// Goes as far as it can go without waiting. `scratch` is where bytes are read to; one serves all connections.
    ///
    /// # Errors
    /// What the socket says; the connection is then over.
    pub fn advance(&mut self, scratch: &mut [u8], now: Instant) -> io::Result<Step> {
        self.wake_at = None;
        loop {
            if self.conversation.poll_request(now) {
                return Ok(Step::Request);
            }
            match self.conversation.next(now) {
                Next::Send => match send(&self.stream, &self.conversation) {
                    Ok(count) => self.conversation.handle_sent(count),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        if !self.judge(now) {
                            return Ok(Step::Blocked(Interest::Write));
                        }
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                },
                Next::Receive => match self.read(scratch)? {
                    Some(0) => self.conversation.handle_end(),
                    Some(count) => self.conversation.handle_bytes(&scratch[..count], now),
                    None => {
                        if !self.judge(now) {
                            return Ok(Step::Blocked(Interest::Read));
                        }
                    }
                },
                Next::HalfClose => {
                    self.stream.shutdown(Shutdown::Write)?;
                    self.conversation.handle_half_close();
                }
                Next::Poll => {}
                Next::Wait => return Ok(Step::Blocked(Interest::Nothing)),
                Next::WaitUntil(then) => {
                    self.wake_at = Some(then);
                    return Ok(Step::Blocked(Interest::Nothing));
                }
                Next::Close => return self.conversation.outcome().map(|()| Step::Done),
            }
        }
    }

    /// Whether its time is over; then there is something else to do for it than to wait.
    fn judge(&mut self, now: Instant) -> bool {
        let is_overdue = self.is_overdue(now);
        if is_overdue {
            self.conversation.handle_timeout(now);
        }
        is_overdue
    }

    /// Goes as far as it can, handling every request on the way; `None` when the connection is over, and its end has
    /// been logged.
    pub fn serve(&mut self, server: &Server, scratch: &mut [u8], mut now: Instant) -> Option<Interest> {
        let end = loop {
            match self.advance(scratch, now) {
                Ok(Step::Request) => {
                    server.handle(&mut self.conversation);
                    if self.conversation.is_slow() {
                        now = Instant::now();
                    }
                }
                Ok(Step::Blocked(interest)) => return Some(interest),
                Ok(Step::Done) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        server.log_disconnect(&self.peer(), end);
        None
    }

    /// The pending request, to be handled elsewhere.
    #[must_use]
    pub fn take_work(&mut self) -> Work {
        self.conversation.take_work()
    }

    /// The answer to the request that is handled elsewhere.
    pub fn answer(&mut self, answer: Answer) {
        self.conversation.answer(answer);
    }

    /// One read per wake-up; `None` when there is nothing to read (or no more in this turn).
    fn read(&mut self, scratch: &mut [u8]) -> io::Result<Option<usize>> {
        while self.may_read {
            match self.stream.read(scratch) {
                Ok(count) => {
                    // The client's end is read by a call of its own, so look again after it only.
                    self.may_read = false;
                    return Ok(Some(count));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.may_read = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

impl AsFd for NonBlocking {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

impl AsRawFd for NonBlocking {
    fn as_raw_fd(&self) -> RawFd {
        self.stream.as_raw_fd()
    }
}

/// The end of a loop: tells the service, sends what is due to every client, to all of them at once, and disconnects those that
/// take none of it for [`STALL_AT_STOP`]. Nothing more is read.
pub fn drain(server: &Server, connections: impl IntoIterator<Item = NonBlocking>) {
    server.tell_stop();
    let mut left: Vec<NonBlocking> = connections.into_iter().collect();
    let mut last_progress = Instant::now();
    loop {
        left.retain_mut(|connection| {
            let before = connection.conversation.unsent();
            let end = match connection.send_rest(server) {
                Ok(false) => {
                    if connection.conversation.unsent() != before {
                        last_progress = Instant::now();
                    }
                    return true;
                }
                Ok(true) => Ok(()),
                Err(error) => Err(error),
            };
            server.log_disconnect(connection.conversation.peer(), end);
            false
        });
        if left.is_empty() {
            return;
        }
        if server.stop.is_overdue() || last_progress.elapsed() >= STALL_AT_STOP {
            break;
        }
        let now = Instant::now();
        let wakes = left.iter().filter_map(|connection| connection.wake_at);
        let first = wakes.map(|then| then.saturating_duration_since(now)).min().unwrap_or(TICK);
        let rest = STALL_AT_STOP.saturating_sub(last_progress.elapsed()).min(first).min(TICK);
        let mut fds: Vec<PollFd> = left
            .iter()
            .filter(|connection| connection.wake_at.is_none())
            .map(|connection| PollFd::new(connection.as_fd(), PollFlags::POLLOUT))
            .collect();
        let timeout =
            PollTimeout::try_from(rest + std::time::Duration::from_millis(1)).unwrap_or(PollTimeout::ZERO);
        if poll(&mut fds, timeout).is_ok_and(|ready| ready > 0) {
            last_progress = Instant::now();
        }
    }
    for connection in left {
        server.log_disconnect(connection.conversation.peer(), Err(stalled()));
    }
}

impl NonBlocking {
    /// Handles the requests that have come whole and sends what is due; `true` when all of it is sent.
    fn send_rest(&mut self, server: &Server) -> io::Result<bool> {
        self.may_read = false;
        loop {
            match self.advance(&mut [], Instant::now())? {
                Step::Request => server.handle(&mut self.conversation),
                Step::Blocked(Interest::Write) => return Ok(false),
                Step::Blocked(Interest::Nothing) if self.wake_at.is_some() => return Ok(false),
                Step::Blocked(Interest::Read | Interest::Nothing) | Step::Done => return Ok(true),
            }
        }
    }
}
