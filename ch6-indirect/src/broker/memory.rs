//! How many bytes of messages are in memory, and the alarm.
//!
//! A message is counted once, however many queues hold it: a table counts the holders of those that have more than one.
//!
//! Beyond the limit the server holds publishers back. What they had sent already still comes; at twice the limit the broker refuses:
//! `basic.nack` to those that wait for confirms, 506 to the others. So it stays bounded even if nobody holds them back.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::message::{Message, MessageId};

/// What a message costs besides its bytes: the message itself, two names, its place in a queue.
const OVERHEAD: u64 = 256;
/// What each further place in a queue costs.
const PLACE: u64 = 64;

/// A hash of our own numbers: nobody else chooses them, and it is asked for on each delivery of a fan-out.
#[derive(Debug, Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64((*byte).into()));
    }

    fn write_u64(&mut self, number: u64) {
        // The odd number that spreads neighbours over all bits (2^64 divided by the golden ratio).
        self.0 = (self.0 ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32);
    }
}

/// Counts messages.
#[derive(Debug)]
pub struct Memory {
    used: u64,
    limit: u64,
    holders: HashMap<MessageId, usize, BuildHasherDefault<IdHasher>>,
    is_disk_full: bool,
    is_over: bool,
}

impl Memory {
    pub fn new(limit: u64) -> Memory {
        Memory { used: 0, limit, holders: HashMap::default(), is_disk_full: false, is_over: false }
    }

    pub fn used(&self) -> u64 {
        self.used
    }

    pub fn limit(&self) -> u64 {
        self.limit
    }

    pub fn is_disk_full(&self) -> bool {
        self.is_disk_full
    }

    pub fn set_disk_full(&mut self, is_full: bool) {
        self.is_disk_full = is_full;
    }

    /// So many places of queues hold this message from now on.
    pub fn hold(&mut self, message: &Message, holders: usize) {
        if holders == 0 {
            return;
        }
        self.used += cost(message) + PLACE * (holders as u64 - 1);
        if holders > 1 {
            self.holders.insert(message.id, holders);
        }
    }

    /// One holder less.
    pub fn release(&mut self, message: &Message) {
        let is_last = match self.holders.get_mut(&message.id) {
            None => true,
            Some(left) => {
                *left -= 1;
                if *left == 1 {
                    self.holders.remove(&message.id);
                }
                false
            }
        };
        self.used -= if is_last { cost(message) } else { PLACE };
    }

    /// Whether no more is taken, even from a publisher that nobody held back.
    pub fn is_exhausted(&self) -> bool {
        self.used > self.limit.saturating_mul(2)
    }

    /// Why publishers are to be held back, if they are. The alarm ends somewhat below the limit, so that it does not flutter.
    pub fn alarm(&mut self) -> Option<&'static str> {
        let limit = if self.is_over { self.limit / 8 * 7 } else { self.limit };
        self.is_over = self.used > limit;
        match (self.is_over, self.is_disk_full) {
            (true, _) => Some("low on memory"),
            (_, true) => Some("low on disk"),
            _ => None,
        }
    }
}

fn cost(message: &Message) -> u64 {
    OVERHEAD + (message.content.bytes().len() + message.routing_key.len() + message.exchange.len()) as u64
}
