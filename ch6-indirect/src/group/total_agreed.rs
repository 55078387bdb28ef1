//! Layer 5, a fourth way: all members deliver all messages in one order, on which they agree (Skeen; ISIS). No member is special.
//!
//! ```text
//!   m1   a ─────────────────╮ largest: 4 ──── commit a at (4, m3) ──►
//!   m2   ╰─ propose (2, m2) ┤                 deliver in the order of the places, while the first is committed
//!   m3   ╰─ propose (4, m3) ╯
//! ```
//!
//! Each receiver proposes a place behind all places it knows of; the sender takes the largest, and says so. Equal numbers are told apart by
//! the member that proposed them. A message waits for those before it that have only a proposed place: that can still become a later
//! one, never an earlier. Three steps for each message, and no bottleneck.
//!
//! When the view ends, all that go on hold the same messages and the same commits, and finish alone. Not so on the side of a cut network
//! that is not primary: what has no place there may have one on the other side, so it is dropped.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::{Down, Layer, MemberId, Output, Time, Up, unwrap, wrap};

/// Names a message in its view.
type Name = (MemberId, u64);

/// A place in the order: a number, and who proposed it.
type Place = (u64, MemberId);

#[derive(Debug, Serialize, Deserialize)]
enum Header {
    /// A message, the so-manyth of its sender.
    Data(u64),
    /// To the sender: this place would do for your message.
    Propose { number: u64, place: Place },
    /// From the sender: this is the place of my message.
    Commit { number: u64, place: Place },
}

#[derive(Debug)]
struct Waiting {
    place: Place,
    is_committed: bool,
    /// `None` while the place has come and the message has not.
    bytes: Option<Vec<u8>>,
}

/// The layer.
#[derive(Debug)]
pub struct TotalAgreed {
    me: MemberId,
    members: Vec<MemberId>,
    is_blocked: bool,
    sent: u64,
    /// The largest number that is known.
    largest: u64,
    waiting: BTreeMap<Name, Waiting>,
    /// The same, in the order of their places.
    order: BTreeSet<(Place, Name)>,
    /// Of this member's messages: what is proposed.
    proposals: BTreeMap<u64, BTreeMap<MemberId, Place>>,
    outputs: VecDeque<Output>,
}

impl TotalAgreed {
    /// The layer of this member.
    #[must_use]
    pub fn new(me: MemberId) -> TotalAgreed {
        TotalAgreed {
            me,
            members: Vec::new(),
            is_blocked: true,
            sent: 0,
            largest: 0,
            waiting: BTreeMap::new(),
            order: BTreeSet::new(),
            proposals: BTreeMap::new(),
            outputs: VecDeque::new(),
        }
    }

    /// A message has come, or its place.
    fn put(&mut self, name: Name, place: Place, is_committed: bool, bytes: Option<Vec<u8>>) {
        self.largest = self.largest.max(place.0);
        let mut waiting = Waiting { place, is_committed, bytes };
        if let Some(before) = self.waiting.remove(&name) {
            self.order.remove(&(before.place, name));
            waiting.bytes = waiting.bytes.or(before.bytes);
            if before.is_committed {
                (waiting.place, waiting.is_committed) = (before.place, true);
            }
        }
        self.order.insert((waiting.place, name));
        self.waiting.insert(name, waiting);
    }

    fn handle_data(&mut self, name: Name, bytes: Vec<u8>) {
        let place = (self.largest + 1, self.me);
        self.put(name, place, false, Some(bytes));
        if !self.is_blocked {
            let (from, number) = name;
            self.outputs
                .push_back(Output::Down(Down::Send(from, wrap(&Header::Propose { number, place }, &[]))));
        }
    }

    fn handle_proposal(&mut self, from: MemberId, number: u64, place: Place) {
        let proposals = self.proposals.entry(number).or_default();
        proposals.insert(from, place);
        let is_whole = self.members.iter().all(|member| proposals.contains_key(member));
        if let Some(&place) = proposals.values().max().filter(|_| is_whole && !self.is_blocked) {
            self.proposals.remove(&number);
            self.outputs.push_back(Output::Down(Down::Cast(wrap(&Header::Commit { number, place }, &[]))));
        }
    }

    fn deliver_what_is_next(&mut self) {
        while let Some(&(place, name)) = self.order.first()
            && self.waiting.get(&name).is_some_and(|waiting| waiting.is_committed && waiting.bytes.is_some())
        {
            self.order.remove(&(place, name));
            self.deliver(name);
        }
    }

    fn deliver(&mut self, name: Name) {
        if let Some(bytes) = self.waiting.remove(&name).and_then(|waiting| waiting.bytes) {
            self.outputs.push_back(Output::Up(Up::Cast { from: name.0, bytes }));
        }
    }

    /// The view ends. First what has its place, then the rest by name.
    fn finish(&mut self, is_primary: bool) {
        for (_, name) in std::mem::take(&mut self.order) {
            if self.waiting.get(&name).is_some_and(|waiting| waiting.is_committed) {
                self.deliver(name);
            }
        }
        if !is_primary {
            self.waiting.clear();
        }
        while let Some((&name, _)) = self.waiting.first_key_value() {
            self.deliver(name);
        }
        self.proposals.clear();
        (self.sent, self.largest) = (0, 0);
    }
}

impl Layer for TotalAgreed {
    fn handle_down(&mut self, down: Down, _now: Time) {
        let down = match down {
            Down::Cast(bytes) => {
                self.sent += 1;
                Down::Cast(wrap(&Header::Data(self.sent), &bytes))
            }
            down => down,
        };
        self.outputs.push_back(Output::Down(down));
    }

    fn handle_up(&mut self, up: Up, _now: Time) {
        match up {
            Up::Cast { from, bytes } => match unwrap::<Header>(&bytes) {
                Some((Header::Data(number), bytes)) => {
                    self.handle_data((from, number), bytes);
                    self.deliver_what_is_next(); // its place may have come before it
                }
                Some((Header::Commit { number, place }, _)) => {
                    self.put((from, number), place, true, None);
                    self.deliver_what_is_next();
                }
                Some((Header::Propose { .. }, _)) | None => {}
            },
            Up::Send { from, bytes } => {
                if let Some((Header::Propose { number, place }, _)) = unwrap(&bytes) {
                    self.handle_proposal(from, number, place);
                }
            }
            Up::Block => {
                self.is_blocked = true;
                self.outputs.push_back(Output::Up(Up::Block));
            }
            Up::View(view) => {
                self.finish(view.is_primary);
                self.is_blocked = false;
                self.members.clone_from(&view.members);
                self.outputs.push_back(Output::Up(Up::View(view)));
            }
            up => self.outputs.push_back(Output::Up(up)),
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}
