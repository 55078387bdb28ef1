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

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{LINGER, LINGER_BYTES, Waker, stalled};
use crate::core::conversation::{Conversation, Next};
use crate::core::server::Server;
use crate::core::service::{Answer, Peer, Request};
use crate::core::stop::STALL_AT_STOP;

/// How often a loop looks for connections whose time is over ([`NonBlocking::expired`]).
pub const TICK: Duration = Duration::from_millis(500);

/// One connection, non-blocking.
pub struct NonBlocking {
    stream: TcpStream,
    conversation: Conversation,
    may_read: bool,
    dropped: usize,
    /// Since when it has been waiting for something that a client may not take for ever.
    waiting_since: Option<(Instant, Duration)>,
    stall: Duration,
}

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Bytes from the client.
    Read,
    /// Room for bytes to the client.
    Write,
    /// Nothing from the socket: a request is being handled elsewhere.
    Nothing,
}

/// How far a connection could go without waiting.
#[derive(Debug)]
pub enum Step {
    /// To a request: handle it, [`NonBlocking::answer`], go on.
    Request(Request),
    /// To where it must wait.
    Blocked(Interest),
    /// To its end.
    Done,
}

impl NonBlocking {
    /// A connection whose socket is non-blocking already.
    #[must_use]
    pub fn open(server: &Server, stream: TcpStream, client: Peer) -> NonBlocking {
        NonBlocking {
            stream,
            conversation: Conversation::open(&server.service, client),
            may_read: false, // what it has sent already will wake us; to try now would mostly be EAGAIN
            dropped: 0,
            waiting_since: None,
            stall: server.limits.stall,
        }
    }

    /// Whom it is with.
    #[must_use]
    pub fn client(&self) -> Peer {
        *self.conversation.client()
    }

    /// The socket is ready, or pushed bytes wait: one read may be made.
    pub fn wake(&mut self) {
        self.may_read = true;
    }

    /// From now on `waker` is rung, with this connection's descriptor, when the service pushes bytes to it.
    pub fn ring(&self, waker: &Arc<Waker>) {
        if let Some(outbox) = self.conversation.outbox() {
            let (waker, fd) = (Arc::clone(waker), self.as_raw_fd());
            outbox.wake_with(move || waker.ring(fd));
        }
    }

    /// Goes as far as it can go without waiting. `scratch` is where bytes are read to; one serves all connections.
    ///
    /// # Errors
    /// What the socket says; the connection is then over.
    pub fn advance(&mut self, scratch: &mut [u8]) -> io::Result<Step> {
        loop {
            if let Some(request) = self.conversation.poll_request() {
                return Ok(Step::Request(request));
            }
            match self.conversation.next() {
                Next::Send => match self.stream.write(self.conversation.transmit()) {
                    Ok(count) => {
                        self.waiting_since = None;
                        self.conversation.transmitted(count);
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        self.waiting_since.get_or_insert_with(|| (Instant::now(), self.stall));
                        return Ok(Step::Blocked(Interest::Write));
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                },
                Next::Receive => match self.read(scratch)? {
                    Some(0) => self.conversation.finish(),
                    Some(count) => self.conversation.receive(&scratch[..count]),
                    None => return Ok(Step::Blocked(Interest::Read)),
                },
                Next::HalfClose => {
                    self.stream.shutdown(Shutdown::Write)?;
                    self.conversation.half_closed();
                }
                Next::Discard { brief } => match self.read(scratch)? {
                    Some(0) => self.conversation.finish(),
                    Some(count) => {
                        self.dropped += count;
                        if brief && self.dropped > LINGER_BYTES {
                            return Ok(Step::Done);
                        }
                    }
                    None => {
                        if brief {
                            self.waiting_since.get_or_insert_with(|| (Instant::now(), LINGER));
                        }
                        return Ok(Step::Blocked(Interest::Read));
                    }
                },
                Next::Poll => {}
                Next::Wait => return Ok(Step::Blocked(Interest::Nothing)),
                Next::Close => return Ok(Step::Done),
            }
        }
    }

    /// Goes as far as it can, handling every request on the way; `None` when the connection is over, and its end has
    /// been logged.
    pub fn serve(&mut self, server: &Server, scratch: &mut [u8]) -> Option<Interest> {
        let client = self.client();
        let end = loop {
            match self.advance(scratch) {
                Ok(Step::Request(request)) => self.conversation.answer(server.handle(&client, request)),
                Ok(Step::Blocked(interest)) => return Some(interest),
                Ok(Step::Done) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        server.log_disconnect(&client, end);
        None
    }

    /// The answer to the request that is out.
    pub fn answer(&mut self, answer: Answer) {
        self.conversation.answer(answer);
    }

    /// Whether its client had its time: it took nothing of its answer, or did not end after we did.
    #[must_use]
    pub fn expired(&self) -> bool {
        self.waiting_since.is_some_and(|(since, limit)| since.elapsed() >= limit)
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

/// The end of a loop: sends what is due to every client, to all of them at once, and hangs up on whoever takes none of
/// it for [`STALL_AT_STOP`]. Nothing more is read.
pub fn drain(server: &Server, connections: impl IntoIterator<Item = NonBlocking>) {
    let mut left: Vec<NonBlocking> = connections.into_iter().collect();
    let mut last_progress = Instant::now();
    loop {
        left.retain_mut(|connection| {
            let before = connection.conversation.transmit().len();
            let end = match connection.send_rest(server) {
                Ok(false) => return true,
                Ok(true) => Ok(()),
                Err(error) => Err(error),
            };
            if connection.conversation.transmit().len() != before {
                last_progress = Instant::now();
            }
            server.log_disconnect(connection.conversation.client(), end);
            false
        });
        if left.is_empty() {
            return;
        }
        if server.stop.is_overdue() {
            break;
        }
        let patience = STALL_AT_STOP.saturating_sub(last_progress.elapsed());
        let mut fds: Vec<PollFd> =
            left.iter().map(|connection| PollFd::new(connection.as_fd(), PollFlags::POLLOUT)).collect();
        let timeout = PollTimeout::try_from(patience).unwrap_or(PollTimeout::ZERO);
        match poll(&mut fds, timeout) {
            Ok(0) => break,
            Ok(_) => last_progress = Instant::now(),
            Err(_) => {}
        }
    }
    for connection in left {
        server.log_disconnect(connection.conversation.client(), Err(stalled()));
    }
}

impl NonBlocking {
    /// Handles the requests that have come whole and sends what is due; `true` when all of it is sent.
    fn send_rest(&mut self, server: &Server) -> io::Result<bool> {
        self.may_read = false;
        let client = self.client();
        loop {
            match self.advance(&mut [])? {
                Step::Request(request) => self.conversation.answer(server.handle(&client, request)),
                Step::Blocked(Interest::Write) => return Ok(false),
                Step::Blocked(Interest::Read | Interest::Nothing) | Step::Done => return Ok(true),
            }
        }
    }
}
