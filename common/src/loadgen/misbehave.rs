//! The state machine of a faulty client: connect, misbehave until the server or the kind says it is over, come again.

use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use nix::sys::epoll::EpollFlags;
use socket2::SockRef;

use super::decisions;
use super::desk::{Client, Desk};
use super::faulty::FaultyKind;
use super::poll::NEVER;
use super::sockets::{Moved, established, read, write};
use crate::core::trace::monotonic_ns;

/// Pause before a faulty client comes again.
const AGAIN_NS: u64 = 20_000_000;
/// Pause of the slow reader between two bytes.
const SLOW_NS: u64 = 10_000_000;
/// How long a garbage client waits for the server to hang up.
const GARBAGE_NS: u64 = 1_000_000_000;
/// What one connection may ask for at most: enough to fill every buffer, and no endless work for a server that
/// throws all of it away.
const FLOOD: u64 = 16 << 20;
const SMALL_BUFFER: usize = 2048;
/// What a garbage client reads at once.
const CHEW: usize = 4096;

pub(super) struct FaultyClient {
    token: u32,
    number: u64,
    kind: FaultyKind,
    stream: Option<TcpStream>,
    connected: bool,
    /// Connections begun.
    turn: u64,
    sent: u64,
    /// What a garbage client sends on this connection.
    garbage: Vec<u8>,
}

impl FaultyClient {
    pub(super) fn new(token: u32, number: u64, kind: FaultyKind) -> FaultyClient {
        FaultyClient {
            token,
            number,
            kind,
            stream: None,
            connected: false,
            turn: 0,
            sent: 0,
            garbage: Vec::new(),
        }
    }

    /// Ends this connection and comes again.
    fn again(&mut self, desk: &mut Desk<'_>) {
        self.stream = None;
        desk.poll.set_deadline(self.token, monotonic_ns() + AGAIN_NS);
    }

    /// One step; `None` when the connection is over.
    fn step(&mut self, flags: EpollFlags, desk: &mut Desk<'_>) -> Option<()> {
        let stream = self.stream.as_ref()?;
        if !self.connected {
            established(stream).ok()?;
            self.connected = true;
            desk.run.faulty.connections += 1;
            let interest = match self.kind {
                FaultyKind::SlowReader | FaultyKind::NeverReader => EpollFlags::EPOLLOUT,
                FaultyKind::HalfOpen | FaultyKind::Rst => EpollFlags::EPOLLRDHUP,
                FaultyKind::Garbage => EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT,
            };
            desk.poll.change(stream, self.token, interest).ok()?;
            return self.misbehave(desk);
        }
        if flags.intersects(EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR | EpollFlags::EPOLLRDHUP) {
            desk.run.faulty.hung_up_on += 1;
            return None;
        }
        if flags.contains(EpollFlags::EPOLLIN) {
            self.read(CHEW, desk)?;
        }
        if flags.contains(EpollFlags::EPOLLOUT) {
            self.flood(desk)?;
        }
        Some(())
    }

    /// The first deed on a new connection.
    fn misbehave(&mut self, desk: &mut Desk<'_>) -> Option<()> {
        let now_ns = monotonic_ns();
        let whole = desk.script.ask_length;
        match self.kind {
            FaultyKind::SlowReader => desk.poll.set_deadline(self.token, now_ns + SLOW_NS),
            FaultyKind::NeverReader => {}
            FaultyKind::HalfOpen => self.write_pattern(whole.div_ceil(2), desk)?,
            FaultyKind::Rst => {
                self.write_pattern(whole, desk)?;
                // Closing with a linger time of zero throws away what was not sent and sends RST (socket(7)).
                let _ = SockRef::from(self.stream.as_ref()?).set_linger(Some(Duration::ZERO));
                desk.run.faulty.resets += 1;
                return None;
            }
            FaultyKind::Garbage => {
                self.garbage = decisions::garbage(desk.plan.seed, self.number, self.turn);
                desk.poll.set_deadline(self.token, now_ns + GARBAGE_NS);
            }
        }
        Some(())
    }

    /// Writes on as long as there is something to write; then it stops asking whether it may.
    fn flood(&mut self, desk: &mut Desk<'_>) -> Option<()> {
        let stream = self.stream.as_ref()?;
        if self.kind == FaultyKind::Garbage {
            if let Moved::Bytes(bytes) = write(stream, &self.garbage) {
                desk.run.faulty.bytes_sent += bytes as u64;
                self.garbage.drain(..bytes);
            }
            if self.garbage.is_empty() {
                let _ = stream.shutdown(Shutdown::Write);
                desk.poll.change(stream, self.token, EpollFlags::EPOLLIN).ok()?;
            }
            return Some(());
        }
        self.write_pattern(u64::MAX, desk)?;
        if self.sent >= FLOOD {
            desk.poll.change(self.stream.as_ref()?, self.token, EpollFlags::EPOLLRDHUP).ok()?;
        }
        Some(())
    }

    fn write_pattern(&mut self, most: u64, desk: &mut Desk<'_>) -> Option<()> {
        match write(self.stream.as_ref()?, desk.script.to_send(self.sent, most)) {
            Moved::Bytes(bytes) => {
                self.sent += bytes as u64;
                desk.run.faulty.bytes_sent += bytes as u64;
                Some(())
            }
            Moved::NotYet => Some(()),
            Moved::End | Moved::Broken(_) => {
                desk.run.faulty.hung_up_on += 1;
                None
            }
        }
    }

    fn read(&mut self, most: usize, desk: &mut Desk<'_>) -> Option<()> {
        match read(self.stream.as_ref()?, &mut desk.buffer[..most]) {
            Moved::Bytes(bytes) => {
                desk.run.faulty.bytes_received += bytes as u64;
                Some(())
            }
            Moved::NotYet => Some(()),
            Moved::End | Moved::Broken(_) => {
                desk.run.faulty.hung_up_on += 1;
                None
            }
        }
    }
}

impl Client for FaultyClient {
    fn set_out(&mut self, desk: &mut Desk<'_>) {
        (self.connected, self.sent) = (false, 0);
        self.turn += 1;
        let small = (self.kind == FaultyKind::SlowReader).then_some(SMALL_BUFFER);
        let begun = desk.connector.connect(small).and_then(|stream| {
            desk.poll.watch(&stream, self.token, EpollFlags::EPOLLOUT)?;
            Ok(stream)
        });
        match begun {
            Ok(stream) => self.stream = Some(stream),
            Err(_) => self.again(desk),
        }
    }

    fn ready(&mut self, flags: EpollFlags, desk: &mut Desk<'_>) {
        if self.step(flags, desk).is_none() {
            self.again(desk);
        }
    }

    fn expired(&mut self, desk: &mut Desk<'_>) {
        if self.stream.is_none() {
            self.set_out(desk);
        } else if self.kind == FaultyKind::SlowReader {
            match self.read(1, desk) {
                Some(()) => desk.poll.set_deadline(self.token, monotonic_ns() + SLOW_NS),
                None => self.again(desk),
            }
        } else {
            self.again(desk);
        }
    }

    fn interrupt(&mut self, desk: &mut Desk<'_>) {
        self.stream = None;
        desk.poll.set_deadline(self.token, NEVER);
    }
}
