//! The layers of one member, one upon the other.
//!
//! ```text
//!   cast ──►┌───────────────┐──► Deliver, View, Excluded
//!           │ order         │
//!           │ partition     │        each turn: every layer's outputs go to its neighbour,
//!           │ membership    │        until no layer has any
//!           │ reliable      │
//!  datagram►└───────────────┘──► datagram
//! ```
//!
//! While a view ends, what the program casts waits here: it belongs to the next view.

use std::collections::VecDeque;
use std::time::Duration;

use super::causal::Causal;
use super::fifo::Fifo;
use super::membership::Membership;
use super::partition::{Partition, Policy};
use super::reliable::Reliable;
use super::total_agreed::TotalAgreed;
use super::total_sequencer::TotalSequencer;
use super::{Down, Layer, MemberId, Output, Time, Up, View};

/// Most messages that wait for the next view.
const MOST_WAITING: usize = 1024;

/// In which order messages are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Order {
    /// As they come.
    None,
    /// Those of one sender as it sent them.
    Fifo,
    /// None before its cause.
    Causal,
    /// All in one order, given by one member.
    TotalSequencer,
    /// All in one order, agreed upon.
    TotalAgreed,
}

impl Order {
    /// All of them.
    pub const ALL: [Order; 5] =
        [Order::None, Order::Fifo, Order::Causal, Order::TotalSequencer, Order::TotalAgreed];
}

/// What all members of a group have alike, and whether this one may begin it.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// In which order messages are delivered.
    pub order: Order,
    /// What the smaller side of a cut network does.
    pub policy: Policy,
    /// Who is not heard of for so long is suspected.
    pub suspect_after: Duration,
    /// Whether this member founds a group when it hears of none.
    pub can_found: bool,
}

/// What the program of a member is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A message of the group, in its turn.
    Deliver {
        /// Who sent it.
        from: MemberId,
        /// What.
        bytes: Vec<u8>,
    },
    /// A view has begun.
    View(View),
    /// This member is out; it may come back with a new name, and another stack.
    Excluded,
}

/// Too much waits for the next view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{MOST_WAITING} messages wait for the next view already")]
pub struct TooMany;

/// One member.
pub struct Stack {
    layers: Vec<Box<dyn Layer + Send>>,
    is_blocked: bool,
    waiting: VecDeque<Vec<u8>>,
    datagrams: VecDeque<Vec<u8>>,
    events: VecDeque<Event>,
}

impl Stack {
    /// A member that is in no group yet, and may found one or waits for one. Call [`handle_timeout`](Stack::handle_timeout) to begin.
    #[must_use]
    pub fn new(me: MemberId, settings: Settings) -> Stack {
        let Settings { order, policy, suspect_after, can_found } = settings;
        let mut layers: Vec<Box<dyn Layer + Send>> = vec![
            Box::new(Reliable::new(me)),
            Box::new(Membership::new(me, can_found, suspect_after)),
            Box::new(Partition::new(policy)),
        ];
        match order {
            Order::None => {}
            Order::Fifo => layers.push(Box::new(Fifo::default())),
            Order::Causal => layers.push(Box::new(Causal::new(me))),
            Order::TotalSequencer => layers.push(Box::new(TotalSequencer::new(me))),
            Order::TotalAgreed => layers.push(Box::new(TotalAgreed::new(me))),
        }
        let (waiting, datagrams, events) = (VecDeque::new(), VecDeque::new(), VecDeque::new());
        Stack { layers, is_blocked: true, waiting, datagrams, events }
    }

    /// Sends a message to the group: now, or when the next view has begun.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn cast(&mut self, bytes: Vec<u8>, now: Time) -> Result<(), TooMany> {
        if self.is_blocked {
            if self.waiting.len() >= MOST_WAITING {
                return Err(TooMany);
            }
            self.waiting.push_back(bytes);
        } else if let Some(top) = self.layers.last_mut() {
            top.handle_down(Down::Cast(bytes), now);
            self.turn(now);
        }
        Ok(())
    }

    /// A datagram has come.
    pub fn handle_datagram(&mut self, bytes: Vec<u8>, now: Time) {
        // The layer above knows the sender by what is written in it.
        self.layers[0].handle_up(Up::Shout { from: MemberId(0), bytes }, now);
        self.turn(now);
    }

    /// When [`handle_timeout`](Stack::handle_timeout) is to be called next.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.layers.iter().filter_map(|layer| layer.deadline()).min()
    }

    /// The deadline has come.
    pub fn handle_timeout(&mut self, now: Time) {
        for layer in &mut self.layers {
            if layer.deadline().is_some_and(|deadline| now >= deadline) {
                layer.handle_timeout(now);
            }
        }
        self.turn(now);
    }

    /// The next datagram to be sent to the group.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.datagrams.pop_front()
    }

    /// The next thing that the program is told.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Passes outputs on until there are none. Then what waited for the view is cast, one after the other: each is delivered here before
    /// the next, as it would have been.
    fn turn(&mut self, now: Time) {
        loop {
            self.pass_on(now);
            if self.is_blocked {
                return;
            }
            let Some(bytes) = self.waiting.pop_front() else { return };
            if let Some(top) = self.layers.last_mut() {
                top.handle_down(Down::Cast(bytes), now);
            }
        }
    }

    fn pass_on(&mut self, now: Time) {
        while let Some((place, output)) = self.next_output() {
            match output {
                Output::Down(down) => match place.checked_sub(1) {
                    Some(below) => self.layers[below].handle_down(down, now),
                    None => {
                        if let Down::Shout(bytes) = down {
                            self.datagrams.push_back(bytes);
                        }
                    }
                },
                Output::Up(up) => match self.layers.get_mut(place + 1) {
                    Some(above) => above.handle_up(up, now),
                    None => self.tell(up),
                },
            }
        }
    }

    fn next_output(&mut self) -> Option<(usize, Output)> {
        self.layers.iter_mut().enumerate().find_map(|(place, layer)| Some((place, layer.poll_output()?)))
    }

    /// What has come out at the top.
    fn tell(&mut self, up: Up) {
        match up {
            Up::Cast { from, bytes } => self.events.push_back(Event::Deliver { from, bytes }),
            Up::Block => self.is_blocked = true,
            Up::Excluded => {
                self.is_blocked = true;
                self.events.push_back(Event::Excluded);
            }
            Up::View(view) => {
                self.is_blocked = false;
                self.events.push_back(Event::View(view));
            }
            Up::Send { .. } | Up::Shout { .. } | Up::Have(_) | Up::Reached => {}
        }
    }
}
