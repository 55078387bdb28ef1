//! Layer 5, a third way: all members deliver all messages in one order, because one of them, the **sequencer**, numbers them.
//!
//! ```text
//!   m1 sequencer   order: b, a ───────────────►
//!   m2   a ──────────╯        deliver b, a
//!   m3   b ────────╯          deliver b, a
//! ```
//!
//! One message more for each message (or for several that come together), and the sequencer does twice the work of the others. It is
//! the first member of the view. When it dies, the view ends; as all members have the same messages and orders then, each can finish
//! alone: first what was numbered, then the rest by sender and number. Not so on the side of a cut network that is not primary: the other
//! side may hold more, and number it otherwise. There, what has no number yet is dropped.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::{Down, Layer, MemberId, Output, Time, Up, unwrap, wrap};

/// Names a message in its view.
type Name = (MemberId, u64);

#[derive(Debug, Serialize, Deserialize)]
enum Header {
    /// A message, the so-manyth of its sender.
    Data(u64),
    /// These are the next, from this place on.
    Order { first: u64, names: Vec<Name> },
}

/// The layer.
#[derive(Debug)]
pub struct TotalSequencer {
    me: MemberId,
    is_sequencer: bool,
    is_blocked: bool,
    sent: u64,
    /// Places given, by the sequencer.
    numbered: u64,
    /// Messages that are not delivered.
    messages: BTreeMap<Name, Vec<u8>>,
    /// The order beyond what is delivered.
    order: BTreeMap<u64, Name>,
    delivered: u64,
    outputs: VecDeque<Output>,
}

impl TotalSequencer {
    /// The layer of this member.
    #[must_use]
    pub fn new(me: MemberId) -> TotalSequencer {
        TotalSequencer {
            me,
            is_sequencer: false,
            is_blocked: true,
            sent: 0,
            numbered: 0,
            messages: BTreeMap::new(),
            order: BTreeMap::new(),
            delivered: 0,
            outputs: VecDeque::new(),
        }
    }

    fn deliver(&mut self, name: Name) -> bool {
        let Some(bytes) = self.messages.remove(&name) else { return false };
        self.outputs.push_back(Output::Up(Up::Cast { from: name.0, bytes }));
        true
    }

    fn deliver_what_is_next(&mut self) {
        while let Some(&name) = self.order.get(&(self.delivered + 1)) {
            if !self.deliver(name) {
                return; // the number came before the message
            }
            self.order.remove(&(self.delivered + 1));
            self.delivered += 1;
        }
    }

    /// The view ends: all that go on with this member hold the same messages and the same numbers.
    fn finish(&mut self, is_primary: bool) {
        if !is_primary {
            self.order.clear();
            self.messages.clear();
        }
        for (_, name) in std::mem::take(&mut self.order) {
            self.deliver(name);
        }
        while let Some((&name, _)) = self.messages.first_key_value() {
            self.deliver(name);
        }
        (self.sent, self.numbered, self.delivered) = (0, 0, 0);
    }
}

impl Layer for TotalSequencer {
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
                    let name = (from, number);
                    self.messages.insert(name, bytes);
                    if self.is_sequencer && !self.is_blocked {
                        let order = Header::Order { first: self.numbered + 1, names: vec![name] };
                        self.numbered += 1;
                        self.outputs.push_back(Output::Down(Down::Cast(wrap(&order, &[]))));
                    }
                    self.deliver_what_is_next();
                }
                Some((Header::Order { first, names }, _)) => {
                    self.order.extend((first..).zip(names));
                    self.deliver_what_is_next();
                }
                None => {}
            },
            Up::Block => {
                self.is_blocked = true;
                self.outputs.push_back(Output::Up(Up::Block));
            }
            Up::View(view) => {
                self.finish(view.is_primary);
                self.is_blocked = false;
                self.is_sequencer = view.members.first() == Some(&self.me);
                self.outputs.push_back(Output::Up(Up::View(view)));
            }
            up => self.outputs.push_back(Output::Up(up)),
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}
