//! Layer 4: the network is cut, and each side takes the other for dead. Both are right about what they hear, and if both went on, the
//! group would have two histories. So only the **primary** side goes on: the one with more than half of the last primary view.
//!
//! ```text
//!   m1 m2 m3 m4 m5   ──── cut ────►   m1 m2 m3   3 of 5: goes on          ──── healed ────►   m1 m2 m3 m4' m5'
//!                                        m4 m5   2 of 5: waits, or goes on marked             (m4, m5 come back with new names)
//! ```
//!
//! Of five members two can be on the side that waits, and so can all: cut into 2, 2 and 1, nobody has more than half. That is the
//! price of one history (consistency before availability).

use std::collections::VecDeque;

use super::{Down, Layer, MemberId, Output, Time, Up, View};

/// Whether a view of these members, after this one, is on the primary side.
#[must_use]
pub fn is_primary(before: &View, members: &[MemberId]) -> bool {
    let stay = before.members.iter().filter(|member| members.contains(member)).count();
    before.is_primary && 2 * stay > before.members.len()
}

/// What a side does that is not primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Policy {
    /// It waits: nothing is cast before it is back.
    Wait,
    /// It goes on, and its views say that they are not primary.
    GoOn,
}

/// The layer.
#[derive(Debug)]
pub struct Partition {
    policy: Policy,
    outputs: VecDeque<Output>,
}

impl Partition {
    /// The layer with this policy.
    #[must_use]
    pub fn new(policy: Policy) -> Partition {
        Partition { policy, outputs: VecDeque::new() }
    }
}

impl Layer for Partition {
    fn handle_down(&mut self, down: Down, _now: Time) {
        self.outputs.push_back(Output::Down(down));
    }

    fn handle_up(&mut self, up: Up, _now: Time) {
        let waits = matches!(&up, Up::View(view) if !view.is_primary && self.policy == Policy::Wait);
        self.outputs.push_back(Output::Up(up));
        if waits {
            self.outputs.push_back(Output::Up(Up::Block)); // as before a new view; only a primary one ends it
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}
