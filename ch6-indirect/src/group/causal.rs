//! Layer 5, another way: what may have caused a message is delivered before it. An answer never comes before its question.
//!
//! ```text
//!   m1   question [1,0,0] ─────────────────────╮ slow
//!   m2      ╰──► answer [1,1,0] ──╮            │
//!   m3                            ╰─ hold back ╰─► question, answer
//! ```
//!
//! A **vector clock** counts the messages of each member that were delivered before this one was sent. A message of m2 is delivered when
//! it is the next of m2, and all that m2 had delivered is delivered here. Messages of which neither knew of the other (*concurrent*
//! ones) come in any order. What is held back when the view ends is dropped: its cause died with its sender.

use std::collections::VecDeque;

use super::{Down, Layer, MemberId, Output, Time, Up, View, unwrap, wrap};

/// The layer.
#[derive(Debug)]
pub struct Causal {
    me: MemberId,
    members: Vec<MemberId>,
    /// How many messages of each member are delivered here, in the order of `members`; of this member: sent.
    clock: Vec<u64>,
    held_back: Vec<(MemberId, Vec<u64>, Vec<u8>)>,
    outputs: VecDeque<Output>,
}

impl Causal {
    /// The layer of this member.
    #[must_use]
    pub fn new(me: MemberId) -> Causal {
        Causal { me, members: Vec::new(), clock: Vec::new(), held_back: Vec::new(), outputs: VecDeque::new() }
    }

    fn place(&self, member: MemberId) -> Option<usize> {
        self.members.iter().position(|&one| one == member)
    }

    /// Whether all that may have caused it is delivered, and it is the next of its sender.
    fn is_next(&self, from: MemberId, stamp: &[u64]) -> bool {
        let Some(sender) = self.place(from).filter(|_| stamp.len() == self.clock.len()) else { return false };
        stamp.iter().zip(&self.clock).enumerate().all(|(member, (&stamp, &clock))| {
            if member == sender { stamp == clock + 1 } else { stamp <= clock }
        })
    }

    fn begin(&mut self, view: &View) {
        self.members.clone_from(&view.members);
        self.clock = vec![0; self.members.len()];
        self.held_back.clear();
    }
}

impl Layer for Causal {
    fn handle_down(&mut self, down: Down, _now: Time) {
        let down = match down {
            Down::Cast(bytes) => {
                let Some(me) = self.place(self.me) else { return };
                let mut stamp = self.clock.clone();
                stamp[me] += 1;
                Down::Cast(wrap(&stamp, &bytes)) // it comes back at once from below, and is counted then
            }
            down => down,
        };
        self.outputs.push_back(Output::Down(down));
    }

    fn handle_up(&mut self, up: Up, _now: Time) {
        match up {
            Up::Cast { from, bytes } => {
                let Some((stamp, bytes)) = unwrap::<Vec<u64>>(&bytes) else { return };
                self.held_back.push((from, stamp, bytes));
                while let Some(next) =
                    self.held_back.iter().position(|(from, stamp, _)| self.is_next(*from, stamp))
                {
                    let (from, stamp, bytes) = self.held_back.remove(next);
                    if let Some(sender) = self.place(from) {
                        self.clock[sender] = stamp[sender];
                    }
                    self.outputs.push_back(Output::Up(Up::Cast { from, bytes }));
                }
            }
            Up::View(view) => {
                self.begin(&view);
                self.outputs.push_back(Output::Up(Up::View(view)));
            }
            up => self.outputs.push_back(Output::Up(up)),
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}
