//! From one node to one other: every message arrives, once and in order, over a link that loses, doubles and reorders; sans-I/O.
//!
//! ```text
//!   message 1 ──► no acknowledgement in time ──► message 1 again ──► acknowledged ──► message 2 …
//! ```
//!
//! One message is out at a time (*stop and wait*): slow, and enough, because a node has seldom two messages for another.

use std::collections::VecDeque;
use std::time::Duration;

use super::agreement::Message;

/// Our end of the channel.
#[derive(Debug)]
pub struct Channel {
    timeout: Duration,
    /// Not acknowledged; the first is out.
    out: VecDeque<Message>,
    /// So many are acknowledged.
    acknowledged: u64,
    /// When the first is sent again, or at all.
    due: Duration,
    /// So many have come from the other.
    received: u64,
    /// The other is to be told how many.
    owes: bool,
}

impl Channel {
    /// With nothing to send. What is not acknowledged within `timeout` is sent again.
    pub fn new(timeout: Duration) -> Channel {
        let due = Duration::ZERO;
        Channel { timeout, out: VecDeque::new(), acknowledged: 0, due, received: 0, owes: false }
    }

    /// Sends a message, when its turn comes.
    pub fn send(&mut self, now: Duration, message: Message) {
        if self.out.is_empty() {
            self.due = now;
        }
        self.out.push_back(message);
    }

    /// What the other has got, and what it says: the message, when it is new.
    pub fn handle(
        &mut self,
        now: Duration,
        acknowledged: u64,
        message: Option<(u64, Message)>,
    ) -> Option<Message> {
        if acknowledged == self.acknowledged + 1 && self.out.pop_front().is_some() {
            self.acknowledged = acknowledged;
            self.due = now;
        }
        let (number, message) = message?;
        self.owes = true;
        if number != self.received + 1 {
            return None; // it has come already
        }
        self.received = number;
        Some(message)
    }

    /// When there is something to be sent.
    pub fn deadline(&self) -> Option<Duration> {
        if self.owes { Some(Duration::ZERO) } else { (!self.out.is_empty()).then_some(self.due) }
    }

    /// How many have come, and a message with its number if one is due; `None` when there is nothing to say.
    pub fn poll_transmit(&mut self, now: Duration) -> Option<(u64, Option<(u64, Message)>)> {
        let message =
            self.out.front().filter(|_| self.due <= now).map(|&first| (self.acknowledged + 1, first));
        if message.is_some() {
            self.due = now + self.timeout;
        }
        (std::mem::take(&mut self.owes) || message.is_some()).then_some((self.received, message))
    }

    /// How many have come.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Whether all is acknowledged.
    pub fn is_idle(&self) -> bool {
        self.out.is_empty()
    }

    /// The other is taken for dead.
    pub fn forget(&mut self) {
        self.out.clear();
        self.owes = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agree::agreement::Stamp;

    #[test]
    fn what_is_lost_is_sent_again_and_what_comes_twice_counts_once() {
        let ms = Duration::from_millis;
        let message = |time| Message::Request(Stamp { time, node: 0 });
        let (mut one, mut other) = (Channel::new(ms(50)), Channel::new(ms(50)));
        one.send(ms(0), message(1));
        one.send(ms(0), message(2));
        assert_eq!(one.poll_transmit(ms(0)), Some((0, Some((1, message(1)))))); // and lost
        assert_eq!((one.poll_transmit(ms(49)), one.deadline()), (None, Some(ms(50))));
        let (received, again) = one.poll_transmit(ms(50)).unwrap();
        assert_eq!(other.handle(ms(55), received, again), Some(message(1)));
        assert_eq!(other.handle(ms(55), received, again), None);
        let (acknowledged, none) = other.poll_transmit(ms(55)).unwrap();
        assert_eq!((acknowledged, none, other.poll_transmit(ms(55))), (1, None, None));
        for _ in 0..2 {
            assert_eq!(one.handle(ms(60), acknowledged, None), None); // an acknowledgement may come twice, too
        }
        assert_eq!(one.poll_transmit(ms(60)), Some((0, Some((2, message(2))))));
        assert!(!one.is_idle());
    }
}
