//! A connection for a thread or process that has time for one client: every call waits until it is done.
//!
//! What wakes a read that would wait for ever: the stop, which shuts down the receiving half of every connection in
//! service. What wakes a read or a write now and then, so that the client's time is judged: the timeouts that the listening
//! socket hands down to every connection. What wakes a reader for pushed bytes: an eventfd beside the socket, and only when the
//! service pushes at all, so that no other connection pays for the extra call.

use std::io::{self, ErrorKind, Read};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::send::{send, stalled};
use crate::core::conversation::{Conversation, Next};
use crate::core::limits::TICK;
use crate::core::server::Server;
use crate::core::service::Peer;
use crate::core::stop::{InService, STALL_AT_STOP};
use crate::core::trace::Event;
use crate::core::wakeup::{Connected, Wakeup};

/// Read at once: small, because a server with a thread per client has one of these per client.
const CHUNK: usize = 16 * 1024;

/// Serves one client to its end, and logs how that came.
pub fn converse(server: &Server, connected: Connected) {
    let peer = connected.peer;
    server.trace.record(Event::Hold, Some(&peer));
    let end = Blocking::open(server, connected).and_then(|mut connection| {
        while connection.next_request()? {
            connection.handle();
        }
        Ok(())
    });
    server.trace.record(Event::Release, Some(&peer));
    server.log_disconnect(&peer, end);
}

/// One connection, blocking.
pub struct Blocking {
    // Declared first, dropped first: it must be out of service before its descriptor is closed and used anew.
    _in_service: InService,
    stream: TcpStream,
    conversation: Conversation,
    chunk: Box<[u8]>,
    server: Server,
    wakeup: Wakeup,
}

/// What came of a wait for the client.
enum Received {
    Bytes(usize),
    End,
    /// Nothing yet: the driver was woken, or a tick is over.
    Nothing,
    /// The stop has come.
    Stopped,
}

impl Blocking {
    /// Puts the connection in service.
    ///
    /// # Errors
    /// `ConnectionAborted` when the stop has come.
    pub fn open(server: &Server, connected: Connected) -> io::Result<Blocking> {
        let Connected { stream, peer, wakeup } = connected;
        let in_service = server.stop.enter(&stream).ok_or(ErrorKind::ConnectionAborted)?;
        let conversation = server.open(peer);
        if let Some(outbox) = conversation.outbox() {
            wakeup.listen_to(outbox);
        }
        let chunk = vec![0; CHUNK].into_boxed_slice();
        Ok(Blocking { _in_service: in_service, stream, conversation, chunk, server: server.clone(), wakeup })
    }

    /// Whom it is with.
    #[must_use]
    pub fn peer(&self) -> Peer {
        *self.conversation.peer()
    }

    /// The conversation, for a model that has the pending request handled elsewhere.
    pub fn conversation(&mut self) -> &mut Conversation {
        &mut self.conversation
    }

    /// Sends what is due and reads until the next request is whole: then it is pending. `false`: the conversation is over.
    ///
    /// # Errors
    /// What the socket says: `ConnectionReset`, `BrokenPipe`, or `TimedOut` for a client that does not read.
    pub fn next_request(&mut self) -> io::Result<bool> {
        let mut now = Instant::now();
        loop {
            if self.conversation.poll_request(now) {
                return Ok(true);
            }
            match self.conversation.next(now) {
                Next::Send => now = self.send_some(now)?,
                Next::Receive => {
                    let received = self.receive()?;
                    now = Instant::now();
                    match received {
                        Received::Bytes(count) => {
                            self.conversation.handle_bytes(&self.chunk[..count], now);
                        }
                        Received::End => self.conversation.handle_end(),
                        Received::Nothing => self.conversation.handle_timeout(now),
                        Received::Stopped => return self.say_last_words(),
                    }
                }
                Next::HalfClose => {
                    self.stream.shutdown(Shutdown::Write)?;
                    self.conversation.handle_half_close();
                }
                Next::Poll => {}
                Next::WaitUntil(then) if self.server.stop.is_overdue() => {
                    tracing::debug!("an answer is cut short: it would go on for {:?}", then - now);
                    return Ok(false);
                }
                Next::Wait if self.server.stop.requested() => return self.say_last_words(),
                next @ (Next::Wait | Next::WaitUntil(_)) => {
                    self.rest(match next {
                        Next::WaitUntil(then) => then.saturating_duration_since(now),
                        _ => TICK,
                    });
                    now = Instant::now();
                }
                Next::Close => return self.conversation.outcome().map(|()| false),
            }
        }
    }

    /// Handles the pending request where it stands. Its answer is sent by [`flush`](Blocking::flush), or before the next request
    /// is waited for: answers to requests that came together leave together.
    pub fn handle(&mut self) {
        self.server.handle(&mut self.conversation);
    }

    /// The stop has come: sends what the service has to say to it.
    fn say_last_words(&mut self) -> io::Result<bool> {
        self.server.tell_stop();
        self.conversation.pull_pushes();
        self.flush().map(|()| false)
    }

    /// Sends all that is there to be sent.
    ///
    /// # Errors
    /// As [`next_request`](Blocking::next_request).
    pub fn flush(&mut self) -> io::Result<()> {
        // The time to send begins with `next`. Without it the client would be judged by the time that it had to ask.
        let mut now = Instant::now();
        while self.conversation.next(now) == Next::Send {
            now = self.send_some(now)?;
        }
        Ok(())
    }

    /// One `send`, begun `now`; returns when some bytes were taken. The time then, as exact as the limits are: the clock is read again
    /// only when a tick is over.
    fn send_some(&mut self, mut now: Instant) -> io::Result<Instant> {
        let began = now;
        loop {
            match send(&self.stream, &self.conversation) {
                Ok(count) => {
                    self.conversation.handle_sent(count);
                    let drips = self.conversation.unsent() > 0 && self.server.stop.is_overdue();
                    return if drips { Err(stalled()) } else { Ok(now) };
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    now = Instant::now();
                    self.conversation.handle_timeout(now);
                    let stops = self.server.stop.requested() && now - began >= STALL_AT_STOP;
                    if stops || self.conversation.next(now) == Next::Close {
                        self.conversation.outcome()?;
                        return Err(stalled());
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// One `recv`.
    fn receive(&mut self) -> io::Result<Received> {
        if let Some(wakeup) = self.wakeup.fd() {
            let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
            let mut fds = [readable(self.stream.as_fd()), readable(wakeup)];
            let timeout = PollTimeout::try_from(TICK).expect("a tick fits into poll's milliseconds");
            let ready = poll(&mut fds, timeout);
            if fds[1].any() == Some(true) {
                self.wakeup.reset();
                return Ok(Received::Nothing);
            }
            if matches!(ready, Ok(0) | Err(Errno::EINTR)) && !self.server.stop.requested() {
                return Ok(Received::Nothing);
            }
        }
        let read = self.stream.read(&mut self.chunk);
        // The stop shuts down our receiving half, which reads like the client's end but is not: half a request must not be
        // taken for a whole one.
        if self.server.stop.requested() {
            return Ok(Received::Stopped);
        }
        match read {
            Ok(0) => Ok(Received::End),
            Ok(count) => Ok(Received::Bytes(count)),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                Ok(Received::Nothing)
            }
            Err(error) => Err(error),
        }
    }

    /// Waits for this long, or until it is woken.
    fn rest(&mut self, time: Duration) {
        let stopping = self.server.stop.requested();
        let mut fds: Vec<PollFd> =
            self.wakeup.fd().map(|fd| PollFd::new(fd, PollFlags::POLLIN)).into_iter().collect();
        if !stopping {
            fds.push(PollFd::new(self.server.stop.fd(), PollFlags::POLLIN));
        }
        // A tick at most: the stop may become overdue meanwhile. And a millisecond at least, or poll would not wait.
        let timeout =
            PollTimeout::try_from(time.clamp(Duration::from_millis(1), TICK)).unwrap_or(PollTimeout::ZERO);
        let _ = poll(&mut fds, timeout); // EINTR is the stop, or nothing of ours: the caller looks again
        drop(fds);
        self.wakeup.reset();
    }
}
