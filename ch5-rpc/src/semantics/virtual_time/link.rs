//! The link of virtual time: seeded as the relay's, or written out, so that a bad schedule can be made smaller.

use std::collections::BTreeMap;
use std::time::Duration;

use common::netem::{Direction, LinkEvent, Profile, Wire};

use super::super::label::label;

/// What is between the client and the server.
#[derive(Debug)]
pub enum Link {
    /// The wires of [`netem`](common::netem), up and down.
    Seeded([Box<Wire>; 2]),
    /// A fate for each datagram.
    Scripted(Scripted),
}

/// Fates that are written out: for each datagram, in the order of sending, when its copies arrive. None: it is lost.
#[derive(Debug, Default)]
pub struct Scripted {
    fates: Vec<Vec<Duration>>,
    sent: usize,
    in_flight: BTreeMap<(Duration, usize), (Direction, Vec<u8>)>,
    copies: usize,
}

/// How long a datagram takes that no fate is written for.
const USUAL: Duration = Duration::from_millis(5);

impl Link {
    /// A link whose faults follow from a seed.
    #[must_use]
    pub fn seeded(profile: &Profile, seed: u64) -> Link {
        let wire = |direction| Wire::new(profile.clone(), seed, 0, direction).recorded().labelled(label);
        Link::Seeded(Direction::BOTH.map(|direction| Box::new(wire(direction))))
    }

    /// A link that does what is written.
    #[must_use]
    pub fn scripted(fates: Vec<Vec<Duration>>) -> Link {
        Link::Scripted(Scripted { fates, ..Scripted::default() })
    }

    pub(super) fn send(&mut self, now: Duration, direction: Direction, datagram: Vec<u8>) {
        match self {
            Link::Seeded(wires) => drop(wires[direction as usize].send(now, datagram)),
            Link::Scripted(script) => script.send(now, direction, &datagram),
        }
    }

    /// What happened on it, by the time of sending. Of a scripted one nothing is kept.
    pub(super) fn take_events(&mut self) -> Vec<LinkEvent> {
        let Link::Seeded(wires) = self else { return Vec::new() };
        let mut events: Vec<LinkEvent> = wires.iter_mut().flat_map(|wire| wire.take_events()).collect();
        events.sort_by_key(|event| event.at);
        events
    }

    pub(super) fn next_arrival(&self) -> Option<Duration> {
        match self {
            Link::Seeded(wires) => wires.iter().filter_map(|wire| wire.next_arrival()).min(),
            Link::Scripted(script) => script.in_flight.first_key_value().map(|((at, _), _)| *at),
        }
    }

    pub(super) fn arrive(&mut self, now: Duration) -> Option<(Direction, Vec<u8>)> {
        match self {
            Link::Seeded(wires) => Direction::BOTH.into_iter().find_map(|direction| {
                wires[direction as usize].arrive(now).map(|datagram| (direction, datagram))
            }),
            Link::Scripted(script) => {
                let next = script.in_flight.first_entry().filter(|next| next.key().0 <= now)?;
                Some(next.remove())
            }
        }
    }
}

impl Scripted {
    fn send(&mut self, now: Duration, direction: Direction, datagram: &[u8]) {
        let usual = vec![USUAL];
        let fate = self.fates.get(self.sent).unwrap_or(&usual);
        self.sent += 1;
        for delay in fate {
            self.copies += 1;
            self.in_flight.insert((now + *delay, self.copies), (direction, datagram.to_vec()));
        }
    }
}
