//! One direction of one flow, in virtual time: datagrams go in at one time and come out at another, or never.
//!
//! ```text
//! send(now) ──▶ cut? ──▶ queue full? ──▶ rate ──▶ fate ──▶ [ in flight, by arrival ] ──▶ arrive(now)
//! ```
//!
//! No clock and no socket: the relay calls it with the time since its start, a test with whatever time it likes. Times given to
//! [`send`](Wire::send) must not go backwards.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use super::counts::Counts;
use super::events::Events;
use super::fate::{fate, link};
use super::profile::{Direction, Profile};
use super::recording::{Arrival, Carrier, LabelDecoder, LinkEvent, Outcome};

/// One direction of one flow.
///
/// ```
/// use std::time::Duration;
/// use common::netem::{Direction, Profile, Wire};
///
/// let ms = Duration::from_millis;
/// let mut wire = Wire::new(Profile { delay: ms(20), ..Profile::default() }, 1, 0, Direction::Up);
/// wire.send(ms(5), b"hello".to_vec());
/// assert_eq!(wire.next_arrival(), Some(ms(25)));
/// assert_eq!(wire.arrive(ms(24)), None);
/// assert_eq!(wire.arrive(ms(25)), Some(b"hello".to_vec()));
/// ```
#[derive(Debug)]
pub struct Wire {
    profile: Arc<Profile>,
    seed: u64,
    flow: u64,
    direction: Direction,
    /// Number of the next datagram.
    index: u64,
    /// When the link has sent all that waits for its rate.
    busy_until: Duration,
    /// When the last datagram that keeps its place arrives.
    in_order: Duration,
    in_flight: BinaryHeap<Reverse<InFlight>>,
    bytes_in_flight: usize,
    /// Number of the next copy: those that arrive at the same time arrive in the order of sending.
    copies: u64,
    counts: Counts,
    events: Events,
}

impl Wire {
    /// A wire with nothing in flight. Two wires with the same seed, flow and direction treat their datagrams alike.
    pub fn new(profile: impl Into<Arc<Profile>>, seed: u64, flow: u64, direction: Direction) -> Wire {
        Wire {
            profile: profile.into(),
            seed,
            flow,
            direction,
            index: 0,
            busy_until: Duration::ZERO,
            in_order: Duration::ZERO,
            in_flight: BinaryHeap::new(),
            bytes_in_flight: 0,
            copies: 0,
            counts: Counts::default(),
            events: Events::new(Carrier::Udp, flow, direction),
        }
    }

    /// Keeps an event of every datagram from now on, for [`take_events`](Wire::take_events).
    #[must_use]
    pub fn recorded(mut self) -> Wire {
        self.events.keep();
        self
    }

    /// Events say what `decoder` reads from their bytes.
    #[must_use]
    pub fn labelled(mut self, decoder: LabelDecoder) -> Wire {
        self.events.label_by(decoder);
        self
    }

    /// A datagram enters at `now`, the time since the link's start.
    pub fn send(&mut self, now: Duration, datagram: Vec<u8>) -> Outcome {
        let index = self.index;
        self.index += 1;
        self.counts.datagrams += 1;
        self.counts.bytes += datagram.len() as u64;
        let event = self.events.begin(now, index, &datagram);
        let (outcome, arrivals) = self.pass(now, index, datagram);
        self.events.end(event, outcome, arrivals.into_iter().flatten());
        outcome
    }

    /// Counts a datagram that the caller cannot buffer as dropped by a full queue.
    pub fn turn_away(&mut self, now: Duration, datagram: &[u8]) {
        let index = self.index;
        self.index += 1;
        self.counts.datagrams += 1;
        self.counts.bytes += datagram.len() as u64;
        self.counts.queue_full += 1;
        let event = self.events.begin(now, index, datagram);
        self.events.end(event, Outcome::QueueFull, []);
    }

    /// When the next datagram arrives; `None` while nothing is in flight.
    #[must_use]
    pub fn next_arrival(&self) -> Option<Duration> {
        self.in_flight.peek().map(|Reverse(next)| next.at)
    }

    /// The next datagram that has arrived by `now`. Call it until it says `None`.
    pub fn arrive(&mut self, now: Duration) -> Option<Vec<u8>> {
        if self.next_arrival()? > now {
            return None;
        }
        let Reverse(next) = self.in_flight.pop()?;
        self.bytes_in_flight -= next.datagram.len();
        self.counts.delivered += 1;
        self.counts.delivered_bytes += next.datagram.len() as u64;
        Some(next.datagram)
    }

    /// Bytes in flight. The wire itself sets no limit to them: its caller does.
    #[must_use]
    pub fn bytes_in_flight(&self) -> usize {
        self.bytes_in_flight
    }

    /// What has happened so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The events since the last call, in the order of sending; none unless [recorded](Wire::recorded).
    pub fn take_events(&mut self) -> Vec<LinkEvent> {
        self.events.take()
    }

    fn pass(&mut self, now: Duration, index: u64, datagram: Vec<u8>) -> (Outcome, [Option<Arrival>; 2]) {
        const NONE: [Option<Arrival>; 2] = [None, None];
        if self.profile.is_cut(self.direction, now, index) {
            self.counts.cut += 1;
            return (Outcome::Cut, NONE);
        }
        // A link at rest takes any datagram, or a small queue would never let a big one through.
        let backlog = self.profile.backlog(now, self.busy_until);
        if backlog > 0 && backlog + datagram.len() > self.profile.queue {
            self.counts.queue_full += 1;
            return (Outcome::QueueFull, NONE);
        }
        let sent = self.busy_until.max(now) + self.profile.serialisation(datagram.len());
        self.busy_until = sent;
        let fate = fate(&self.profile, self.seed, link(self.flow, self.direction), index);
        let Some(first) = fate.copies[0] else {
            self.counts.lost += 1;
            return (Outcome::Lost, NONE);
        };
        // The second copy is made on the far side of the rate: a duplicate is a fault of the network, not more traffic of ours.
        let twin = fate.copies[1].map(|passage| (passage, datagram.clone()));
        self.counts.duplicated += u64::from(twin.is_some());
        let mut fly = |passage: super::fate::Passage, mut datagram: Vec<u8>| {
            let mut at = sent + self.profile.travel(self.direction) + passage.extra_delay;
            if !passage.reordered {
                at = at.max(self.in_order);
                self.in_order = at;
            }
            passage.apply(&mut datagram);
            self.counts.reordered += u64::from(passage.reordered);
            self.counts.corrupted += u64::from(passage.corrupt.is_some());
            self.bytes_in_flight += datagram.len();
            self.in_flight.push(Reverse(InFlight { at, copy: self.copies, datagram }));
            self.copies += 1;
            Arrival { at, reordered: passage.reordered, corrupted: passage.corrupt.is_some() }
        };
        let first = fly(first, datagram);
        let second = twin.map(|(passage, datagram)| fly(passage, datagram));
        (Outcome::Passed, [Some(first), second])
    }
}

/// A datagram on its way, ordered by its arrival.
#[derive(Debug)]
struct InFlight {
    at: Duration,
    copy: u64,
    datagram: Vec<u8>,
}

impl Ord for InFlight {
    fn cmp(&self, other: &InFlight) -> std::cmp::Ordering {
        (self.at, self.copy).cmp(&(other.at, other.copy))
    }
}

impl PartialOrd for InFlight {
    fn partial_cmp(&self, other: &InFlight) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for InFlight {
    fn eq(&self, other: &InFlight) -> bool {
        self.copy == other.copy
    }
}

impl Eq for InFlight {}

#[cfg(test)]
mod tests;
