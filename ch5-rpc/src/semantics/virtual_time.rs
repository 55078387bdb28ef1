//! A client, a server and the link between them, without a socket and without a clock: a minute of network in a millisecond.
//!
//! ```text
//! caller ══ link: seeded, or written out datagram by datagram ══ host ── store
//!                                                                │        outlives it
//!                                                        crash: it is gone for DOWN, then another one begins
//! ```
//!
//! The time jumps to the next arrival or timer. The same seed gives the same run to the last byte: that is [`World::trace`].

mod link;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use common::netem::{Direction, LinkEvent};

use super::caller::Caller;
use super::client::{ClientConfig, Counted};
use super::host::{Host, HostConfig, Surroundings};
use super::memory::Memory;
use super::outcome::Outcome;
use super::server::Seen;

pub use link::{Link, Scripted};

/// How long a server that has crashed is away.
const DOWN: Duration = Duration::from_millis(70);

/// What the caller sees as the server.
const CLIENT: &str = "192.0.2.1:1000";

/// A call that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// What was published.
    pub text: Vec<u8>,
    /// What the caller was told.
    pub outcome: Outcome<u64>,
}

/// A client, a link, a server.
#[derive(Debug)]
pub struct World {
    now: Duration,
    config: HostConfig,
    /// Ends again each time that it is reached; else once.
    crashes_again: bool,
    caller: Caller,
    link: Link,
    host: Option<Host<Memory>>,
    /// The disk of a server that is away, and when another one begins.
    away: Option<(Memory, Duration)>,
    letters: Letters,
    incarnations: u64,
    seen: Seen,
    /// Every datagram that was sent, in order.
    trace: Vec<(Duration, Direction, Vec<u8>)>,
}

/// What happens outside the store, and outlives everything.
#[derive(Debug, Default)]
struct Letters(BTreeMap<Vec<u8>, u64>);

impl Surroundings for Letters {
    fn effect(&mut self, text: &[u8]) {
        *self.0.entry(text.to_vec()).or_default() += 1;
    }

    fn crash(&mut self) {}
}

impl World {
    /// A world with an empty board.
    #[must_use]
    pub fn new(client: ClientConfig, config: HostConfig, link: Link) -> World {
        let mut world = World {
            now: Duration::ZERO,
            config,
            crashes_again: false,
            caller: Caller::new(client, 1),
            link,
            host: None,
            away: Some((Memory::default(), Duration::ZERO)),
            letters: Letters::default(),
            incarnations: 0,
            seen: Seen::default(),
            trace: Vec::new(),
        };
        world.start_again();
        world
    }

    /// The server crashes each time that it reaches its failpoint, not only the first.
    #[must_use]
    pub fn crashing_again(self) -> World {
        World { crashes_again: true, ..self }
    }

    /// The client is gone, with all that it knew, and another one takes its place.
    pub fn replace_client(&mut self, client: ClientConfig) {
        self.caller = Caller::new(client, 2);
    }

    /// Publishes a text and waits for its end.
    pub fn publish(&mut self, text: &[u8]) -> Ended {
        self.caller.publish(self.now, text);
        loop {
            if let Some(outcome) = self.caller.poll_outcome() {
                return Ended { text: text.to_vec(), outcome };
            }
            assert!(self.step(None), "a call ends by itself");
        }
    }

    /// Publishes a text and waits for nothing but its first datagram: what a client does that is gone then.
    pub fn publish_and_leave(&mut self, text: &[u8]) {
        self.caller.publish(self.now, text);
        self.settle();
    }

    /// Lets everything arrive that is on its way, and every call end that is at work.
    pub fn come_to_rest(&mut self, time: Duration) {
        let until = self.now + time;
        while self.step(Some(until)) {}
        self.now = until;
    }

    /// How often this text was put on the board.
    #[must_use]
    pub fn executions(&self, text: &[u8]) -> u64 {
        let at_rest = self.away.as_ref().map(|(store, _)| store.count(text));
        at_rest.or(self.host.as_ref().map(|host| host.store().count(text))).unwrap_or_default()
    }

    /// How often its effect outside the store has happened.
    #[must_use]
    pub fn letters(&self, text: &[u8]) -> u64 {
        self.letters.0.get(text).copied().unwrap_or_default()
    }

    /// Servers that there have been.
    #[must_use]
    pub fn starts(&self) -> u64 {
        self.incarnations
    }

    /// What they have seen, all together.
    #[must_use]
    pub fn seen(&self) -> Seen {
        let now = self.host.as_ref().map(Host::seen).unwrap_or_default();
        sum(self.seen, now)
    }

    /// What the client has sent.
    #[must_use]
    pub fn counted(&self) -> Counted {
        self.caller.counted()
    }

    /// Every datagram that was sent, with its time and its way.
    #[must_use]
    pub fn trace(&self) -> &[(Duration, Direction, Vec<u8>)] {
        &self.trace
    }

    /// What happened on a seeded link since the last call.
    pub fn take_events(&mut self) -> Vec<LinkEvent> {
        self.link.take_events()
    }

    /// Calls that were begun so far: a conditional publish is two.
    #[must_use]
    pub fn last_sequence(&self) -> u64 {
        self.caller.last_sequence()
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.now
    }

    /// A datagram from anywhere, straight to the server.
    pub fn inject(&mut self, datagram: &[u8]) {
        self.deliver_up(datagram);
        self.settle();
    }

    /// Sends what there is to send, then jumps to the next thing that happens before `until`.
    fn step(&mut self, until: Option<Duration>) -> bool {
        self.settle();
        let host = self.host.as_ref().and_then(Host::deadline);
        let restart = self.away.as_ref().map(|(_, at)| *at);
        let next =
            [self.caller.deadline(), self.link.next_arrival(), host, restart].into_iter().flatten().min();
        let Some(next) = next.filter(|next| until.is_none_or(|until| *next <= until)) else { return false };
        self.now = next.max(self.now);
        if restart.is_some_and(|at| at <= self.now) {
            self.start_again();
        }
        while let Some((direction, datagram)) = self.link.arrive(self.now) {
            match direction {
                Direction::Up => self.deliver_up(&datagram),
                Direction::Down => self.caller.handle_datagram(self.now, &datagram),
            }
        }
        self.caller.handle_timeout(self.now);
        if let Some(host) = &mut self.host
            && host.handle_timeout(self.now, &mut self.letters).is_err()
        {
            self.crash();
        }
        true
    }

    fn deliver_up(&mut self, datagram: &[u8]) {
        let from: SocketAddr = CLIENT.parse().expect("an address");
        if let Some(host) = &mut self.host
            && host.handle_datagram(self.now, from, datagram, &mut self.letters).is_err()
        {
            self.crash();
        }
    }

    fn settle(&mut self) {
        while let Some(datagram) = self.caller.poll_transmit(self.now) {
            self.send(Direction::Up, datagram);
        }
        while let Some((_, datagram)) = self.host.as_mut().and_then(Host::poll_transmit) {
            self.send(Direction::Down, datagram);
        }
    }

    fn send(&mut self, direction: Direction, datagram: Vec<u8>) {
        self.trace.push((self.now, direction, datagram.clone()));
        self.link.send(self.now, direction, datagram);
    }

    /// What the server would have sent is lost with it; its store is not.
    fn crash(&mut self) {
        let Some(host) = self.host.take() else { return };
        self.seen = sum(self.seen, host.seen());
        self.away = Some((host.into_store(), self.now + DOWN));
        if !self.crashes_again {
            self.config.failpoint = None;
        }
    }

    fn start_again(&mut self) {
        use super::host::Remembers;
        let Some((store, _)) = self.away.take() else { return };
        self.incarnations += 1;
        // A memory that is kept keeps its name.
        let incarnation = if self.config.remembers == Remembers::Durable { 1 } else { self.incarnations };
        let secret = [self.incarnations as u8; 16];
        self.host = Host::new(self.config, self.now, store, incarnation, secret).ok();
    }
}

fn sum(a: Seen, b: Seen) -> Seen {
    Seen {
        executed: a.executed + b.executed,
        remembered: a.remembered + b.remembered,
        stale: a.stale + b.stale,
        refused: a.refused + b.refused,
        dropped: a.dropped + b.dropped,
    }
}

#[cfg(test)]
mod tests;
