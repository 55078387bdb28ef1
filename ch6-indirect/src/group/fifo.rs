//! Layer 5, one way: messages of one sender are delivered in the order in which it sent them.
//!
//! ```text
//!   m1 sends   1 ───── 2 ───── 3
//!   m2 gets    1 · deliver     3 · hold back     2 · deliver 2, 3
//! ```
//!
//! Messages of different senders come in any order, at each member in another. What is held back when the view ends has lost its
//! predecessor with its sender, at all members alike: it is dropped.

use std::collections::{BTreeMap, VecDeque};

use super::{Down, Layer, MemberId, Output, Time, Up, unwrap, wrap};

/// The layer.
#[derive(Debug, Default)]
pub struct Fifo {
    sent: u64,
    delivered: BTreeMap<MemberId, u64>,
    held_back: BTreeMap<(MemberId, u64), Vec<u8>>,
    outputs: VecDeque<Output>,
}

impl Layer for Fifo {
    fn handle_down(&mut self, down: Down, _now: Time) {
        let down = match down {
            Down::Cast(bytes) => {
                self.sent += 1;
                Down::Cast(wrap(&self.sent, &bytes))
            }
            down => down,
        };
        self.outputs.push_back(Output::Down(down));
    }

    fn handle_up(&mut self, up: Up, _now: Time) {
        match up {
            Up::Cast { from, bytes } => {
                let Some((number, bytes)) = unwrap::<u64>(&bytes) else { return };
                self.held_back.insert((from, number), bytes);
                let delivered = self.delivered.entry(from).or_default();
                while let Some(bytes) = self.held_back.remove(&(from, *delivered + 1)) {
                    *delivered += 1;
                    self.outputs.push_back(Output::Up(Up::Cast { from, bytes }));
                }
            }
            Up::View(view) => {
                self.sent = 0;
                self.delivered.clear();
                self.held_back.clear();
                self.outputs.push_back(Output::Up(Up::View(view)));
            }
            up => self.outputs.push_back(Output::Up(up)),
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}
