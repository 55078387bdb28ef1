//! A connection for those who have time for one client: every call waits until it is done.
//!
//! What wakes a read that would wait for ever: the stop, which shuts down the receiving half of every connection in
//! service. What wakes a write: the send timeout that the listening socket sets on every connection, after which the client's
//! stall is judged. What wakes a reader for pushed bytes: an eventfd beside the socket, and only when the service
//! pushes at all, so that nobody else pays for the extra call.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};

use super::{LINGER, LINGER_BYTES, stalled};
use crate::core::conversation::{Conversation, Next};
use crate::core::server::Server;
use crate::core::service::{Answer, Peer, Request};
use crate::core::stop::{InService, STALL_AT_STOP};
use crate::core::trace::Event;

/// Read at once: small, because a server with a thread per client has one of these per client.
const CHUNK: usize = 16 * 1024;

/// Serves one client to its end, and logs how that came.
pub fn converse(server: &Server, stream: TcpStream, client: Peer) {
    server.trace.record(Event::Hold, Some(&client));
    let end = Blocking::open(server, stream, client).and_then(|mut connection| {
        while let Some(request) = connection.next_request()? {
            connection.answer(server.handle(&client, request));
        }
        Ok(())
    });
    server.trace.record(Event::Release, Some(&client));
    server.log_disconnect(&client, end);
}

/// One connection, blocking.
pub struct Blocking {
    // Declared first, dropped first: it must be out of service before its descriptor is closed and used anew.
    _in_service: InService,
    stream: TcpStream,
    conversation: Conversation,
    chunk: Box<[u8]>,
    server: Server,
    pushes: Option<Arc<EventFd>>,
}

impl Blocking {
    /// Puts the connection in service.
    ///
    /// # Errors
    /// `ConnectionAborted` when the stop has come, `EMFILE` when a pushing service finds no descriptor left.
    pub fn open(server: &Server, stream: TcpStream, client: Peer) -> io::Result<Blocking> {
        let in_service = server.stop.enter(&stream).ok_or(ErrorKind::ConnectionAborted)?;
        let conversation = Conversation::open(&server.service, client);
        let pushes = conversation.outbox().map(|outbox| {
            let eventfd = Arc::new(EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?);
            let waker = Arc::clone(&eventfd);
            // It can fail only when the counter is at its maximum: then the reader is about to be woken anyway.
            outbox.wake_with(move || {
                let _ = waker.write(1);
            });
            io::Result::Ok(eventfd)
        });
        let pushes = pushes.transpose()?;
        let chunk = vec![0; CHUNK].into_boxed_slice();
        Ok(Blocking { _in_service: in_service, stream, conversation, chunk, server: server.clone(), pushes })
    }

    /// Whom it is with.
    #[must_use]
    pub fn client(&self) -> Peer {
        *self.conversation.client()
    }

    /// Sends what is due and reads until the next request is whole. `None`: the conversation is over.
    ///
    /// # Errors
    /// What the socket says: `ConnectionReset`, `BrokenPipe`, or `TimedOut` for a client that does not read.
    pub fn next_request(&mut self) -> io::Result<Option<Request>> {
        loop {
            if let Some(request) = self.conversation.poll_request() {
                return Ok(Some(request));
            }
            match self.conversation.next() {
                Next::Send => self.send_some()?,
                Next::Receive => {
                    match self.read()? {
                        // The stop shuts down our receiving half, which reads like the client's end but is not:
                        // half a request must not be taken for a whole one.
                        _ if self.server.stop.requested() => return Ok(None),
                        Some(0) => self.conversation.finish(),
                        Some(count) => self.conversation.receive(&self.chunk[..count]),
                        None => {} // woken for pushed bytes
                    }
                }
                Next::HalfClose => {
                    self.stream.shutdown(Shutdown::Write)?;
                    self.conversation.half_closed();
                }
                Next::Discard { brief } => return self.discard(brief).map(|()| None),
                Next::Poll => {}
                Next::Wait => {
                    unreachable!("a blocking driver is asked for the next request after its answer")
                }
                Next::Close => return Ok(None),
            }
        }
    }

    /// The answer to the request that is out. It is sent by [`flush`](Blocking::flush), or before the next request is
    /// waited for: answers to requests that came together leave together.
    pub fn answer(&mut self, answer: Answer) {
        self.conversation.answer(answer);
    }

    /// Sends all that is due.
    ///
    /// # Errors
    /// As [`next_request`](Blocking::next_request).
    pub fn flush(&mut self) -> io::Result<()> {
        while !self.conversation.transmit().is_empty() {
            self.send_some()?;
        }
        Ok(())
    }

    /// One `send`; returns when some bytes were taken.
    fn send_some(&mut self) -> io::Result<()> {
        let began = Instant::now();
        loop {
            match self.stream.write(self.conversation.transmit()) {
                Ok(count) => {
                    self.conversation.transmitted(count);
                    let drips = !self.conversation.transmit().is_empty() && self.server.stop.is_overdue();
                    return if drips { Err(stalled()) } else { Ok(()) };
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let limit =
                        if self.server.stop.requested() { STALL_AT_STOP } else { self.server.limits.stall };
                    if began.elapsed() >= limit || self.conversation.is_queue_full() {
                        return Err(stalled());
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// One `recv`; `None` when pushed bytes came first.
    fn read(&mut self) -> io::Result<Option<usize>> {
        if let Some(pushes) = &self.pushes {
            let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
            let mut fds = [readable(self.stream.as_fd()), readable(pushes.as_fd())];
            while let Err(Errno::EINTR) = poll(&mut fds, PollTimeout::NONE) {}
            if fds[1].any() == Some(true) {
                let _ = pushes.read(); // back to zero
                return Ok(None);
            }
        }
        loop {
            match self.stream.read(&mut self.chunk) {
                Err(error) if error.kind() == ErrorKind::Interrupted && !self.server.stop.requested() => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(Some(0)),
                read => return read.map(Some),
            }
        }
    }

    /// Reads and drops until the client's end; no longer than [`LINGER`] when `brief`.
    fn discard(&mut self, brief: bool) -> io::Result<()> {
        if brief {
            self.stream.set_read_timeout(Some(LINGER))?;
        }
        let (began, mut dropped) = (Instant::now(), 0);
        while !self.server.stop.requested() {
            match self.stream.read(&mut self.chunk) {
                Ok(0) => break,
                Ok(count) => dropped += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
            if brief && (dropped > LINGER_BYTES || began.elapsed() >= LINGER) {
                break;
            }
        }
        Ok(())
    }
}
