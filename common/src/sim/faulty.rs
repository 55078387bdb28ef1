//! Clients that misbehave beside the real ones: a server must serve the others all the same.
//!
//! ```text
//! slow-reader    asks and asks, reads one byte per 10 ms into a tiny buffer
//! never-reader   asks until no more goes in, reads nothing
//! half-open      sends half a request and falls silent
//! rst            sends a request and resets the connection, every 20 ms
//! garbage        sends random bytes, reads until the server hangs up, comes again
//! ```
//!
//! They leave when the last real client has left. What they did is counted apart.

use std::fmt;
use std::net::{Shutdown, TcpStream};
use std::str::FromStr;
use std::time::Duration;

use nix::sys::epoll::EpollFlags;
use socket2::SockRef;

use super::decisions;
use super::engine::{Client, Desk};
use super::poll::{NEVER, monotonic_ns};
use super::sockets::{Moved, established, read, write};

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

/// A way to misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultyKind {
    /// Asks and asks, reads one byte per 10 ms.
    SlowReader,
    /// Asks until no more goes in, reads nothing.
    NeverReader,
    /// Sends half a request and falls silent.
    HalfOpen,
    /// Resets its connection, every 20 ms again.
    Rst,
    /// Sends random bytes.
    Garbage,
}

impl FaultyKind {
    /// Every kind.
    pub const ALL: [FaultyKind; 5] =
        [Self::SlowReader, Self::NeverReader, Self::HalfOpen, Self::Rst, Self::Garbage];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::SlowReader => "slow-reader",
            Self::NeverReader => "never-reader",
            Self::HalfOpen => "half-open",
            Self::Rst => "rst",
            Self::Garbage => "garbage",
        }
    }

    pub(super) fn all_of(faulty: &Faulty) -> impl Iterator<Item = FaultyKind> {
        let faulty = *faulty;
        Self::ALL.into_iter().flat_map(move |kind| std::iter::repeat_n(kind, faulty.count(kind)))
    }
}

/// How many faulty clients of each kind: `slow-reader=2,rst=5` on the command line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faulty {
    counts: [usize; FaultyKind::ALL.len()],
}

impl Faulty {
    /// How many of this kind.
    pub fn count(&self, kind: FaultyKind) -> usize {
        self.counts[kind as usize]
    }

    /// The same with `count` of this kind.
    #[must_use]
    pub fn with(mut self, kind: FaultyKind, count: usize) -> Faulty {
        self.counts[kind as usize] = count;
        self
    }

    /// All together.
    pub fn total(&self) -> usize {
        self.counts.iter().sum()
    }
}

impl FromStr for Faulty {
    type Err = String;

    fn from_str(text: &str) -> Result<Faulty, String> {
        let mut faulty = Faulty::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, count) = part.split_once('=').unwrap_or((part, "1"));
            let kind = FaultyKind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
                let names = FaultyKind::ALL.map(FaultyKind::name).join(", ");
                format!("`{name}` is no kind of faulty client; there are {names}")
            })?;
            let count: usize = count
                .parse()
                .map_err(|_| format!("`{count}` is no number of {name} clients, as in {name}=2"))?;
            if count > 10_000 {
                return Err(format!("{count} {name} clients are too many; at most 10000"));
            }
            faulty = faulty.with(kind, count);
        }
        Ok(faulty)
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let there = FaultyKind::ALL.into_iter().filter(|kind| self.count(*kind) > 0);
        let parts: Vec<String> = there.map(|kind| format!("{}={}", kind.name(), self.count(kind))).collect();
        f.write_str(if parts.is_empty() { "none" } else { "" })?;
        f.write_str(&parts.join(","))
    }
}

/// What the faulty clients did, all together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FaultyDeeds {
    /// Connections that came about.
    pub connections: u64,
    /// Bytes they sent.
    pub bytes_sent: u64,
    /// Bytes they read.
    pub bytes_received: u64,
    /// Connections they reset.
    pub resets: u64,
    /// Connections that the server ended: it defended itself.
    pub hung_up_on: u64,
}

impl FaultyDeeds {
    pub(super) fn add(&mut self, other: &FaultyDeeds) {
        self.connections += other.connections;
        self.bytes_sent += other.bytes_sent;
        self.bytes_received += other.bytes_received;
        self.resets += other.resets;
        self.hung_up_on += other.hung_up_on;
    }
}

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

/// What a garbage client reads at once.
const CHEW: usize = 4096;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mixture_is_read_and_written_alike() {
        let text = "slow-reader=2,never-reader=1,half-open=3,rst=5,garbage=2";
        let faulty: Faulty = text.parse().unwrap();
        assert_eq!(faulty.to_string(), text);
        assert_eq!(faulty.total(), 13);
        assert_eq!(FaultyKind::all_of(&faulty).filter(|kind| *kind == FaultyKind::Rst).count(), 5);
        assert_eq!("rst".parse(), Ok(Faulty::default().with(FaultyKind::Rst, 1)));
        assert_eq!(Faulty::default().to_string(), "none");
    }

    #[test]
    fn mistakes_name_what_would_be_right() {
        let error = "slow=2".parse::<Faulty>().unwrap_err();
        assert!(error.contains("slow-reader, never-reader, half-open, rst, garbage"), "{error}");
        let error = "rst=many".parse::<Faulty>().unwrap_err();
        assert!(error.contains("rst=2"), "{error}");
        assert!("rst=99999999".parse::<Faulty>().is_err());
    }
}
