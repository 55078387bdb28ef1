//! What is known of each block that was sent: on its way, lost, acknowledged. RFC 6675 and RFC 8985 (RACK) in spirit.
//!
//! ```text
//! blocks            0   1   2   3   4   5   6   7            transmissions (a ring, oldest first)
//!                   ─────── acknowledged ──────              sequence  12  13  14  15  16
//!                   A   A   L   A   F   F   ·   ·            block      2   3   4   5   2
//!                           │       └───┴ in flight                     ▲ front leaves when it is old
//!                           └ lost: sent again next
//! ```
//!
//! Every transmission has a sequence of its own. Once one has been acknowledged, those sent a certain distance or more
//! before it that have not are lost: the network may change the order a little, not more. A block that was given up and turns out
//! to have arrived shows that the network changes the order more than thought, and the distance grows (RFC 4653 in spirit).
//!
//! Everything is O(1) per block: a transmission enters the ring once and leaves it once.

use std::collections::VecDeque;
use std::time::Duration;

use super::datagram::{Ack, Ranges};

/// The distance at which a transmission is lost, to begin with: DupThresh of RFC 5681.
pub const REORDERING: u32 = 3;
/// What the distance can grow to.
const REORDERING_LIMIT: u32 = 256;

/// One message's blocks, as the sender knows them.
#[derive(Debug)]
pub struct Scoreboard {
    blocks: Vec<Block>,
    /// All blocks before this one are acknowledged.
    cumulative: u32,
    /// The first block that was never sent.
    unsent: u32,
    in_flight: u32,
    transmissions: VecDeque<Transmission>,
    /// Sequence of the ring's front.
    front: u32,
    largest_acknowledged: Option<u32>,
    /// Blocks to be sent again. One that is acknowledged meanwhile stays here until its turn, and is passed over.
    lost: VecDeque<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Block {
    /// Its latest transmission.
    sequence: u32,
    state: BlockState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BlockState {
    Unsent,
    InFlight,
    Lost,
    Acknowledged,
}

#[derive(Debug, Clone, Copy)]
struct Transmission {
    block: u32,
    sent: Duration,
}

/// What an ack said that was not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct News {
    /// Blocks acknowledged for the first time.
    pub acknowledged: u32,
    /// Transmissions now known to be lost.
    pub lost: u32,
    /// The sequence of the last of these.
    pub last_lost: u32,
    /// A round trip, without the receiver's delay.
    pub round_trip: Option<Duration>,
    /// Blocks that were given up and have arrived after all.
    pub spurious: u32,
}

impl Scoreboard {
    /// For a message of so many blocks, at least 1.
    pub fn new(blocks: u32) -> Scoreboard {
        Scoreboard {
            blocks: vec![Block { sequence: 0, state: BlockState::Unsent }; blocks as usize],
            cumulative: 0,
            unsent: 0,
            in_flight: 0,
            transmissions: VecDeque::new(),
            front: 0,
            largest_acknowledged: None,
            lost: VecDeque::new(),
        }
    }

    /// Bytes of memory that a scoreboard of so many blocks takes at most, roughly.
    pub const fn memory(blocks: u32) -> usize {
        blocks as usize * size_of::<Block>()
    }

    /// How many blocks are on their way, as far as known.
    pub fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// All blocks before this one are acknowledged.
    pub fn cumulative(&self) -> u32 {
        self.cumulative
    }

    /// Blocks of the message.
    pub fn count(&self) -> u32 {
        self.blocks.len() as u32
    }

    /// Whether not one block has been acknowledged.
    pub fn is_untouched(&self) -> bool {
        self.largest_acknowledged.is_none()
    }

    /// Whether the receiver has everything.
    pub fn is_complete(&self) -> bool {
        self.cumulative == self.count()
    }

    /// Sequence of the next transmission.
    pub fn next_sequence(&self) -> u32 {
        self.front + self.transmissions.len() as u32
    }

    /// The block to send next and whether it was sent before: first what was lost, then what is new, if it is below `end`.
    #[inline]
    pub fn next_block(&mut self, end: u32) -> Option<(u32, bool)> {
        while let Some(block) = self.lost.pop_front() {
            if self.blocks[block as usize].state == BlockState::Lost {
                return Some((block, true));
            }
        }
        (self.unsent < end.min(self.count())).then_some((self.unsent, false))
    }

    /// Notes that `block`, as [`Scoreboard::next_block`] gave it, leaves now; its sequence.
    #[inline]
    pub fn sent(&mut self, block: u32, now: Duration) -> u32 {
        let sequence = self.next_sequence();
        self.transmissions.push_back(Transmission { block, sent: now });
        self.blocks[block as usize] = Block { sequence, state: BlockState::InFlight };
        self.in_flight += 1;
        self.unsent = self.unsent.max(block + 1);
        sequence
    }

    /// Notes that an acknowledged block leaves once more; its sequence.
    pub fn repeated(&mut self, block: u32, now: Duration) -> u32 {
        let sequence = self.next_sequence();
        self.transmissions.push_back(Transmission { block, sent: now });
        sequence
    }

    /// Takes an ack in. One that speaks of what was never sent changes nothing.
    ///
    /// `reordering`: see the top of the file; at most half a flight, or short messages would wait for the timer.
    pub fn handle_ack(&mut self, now: Duration, ack: &Ack, ranges: Ranges<'_>, reordering: u32) -> News {
        let mut news = News::default();
        if ack.cumulative > self.unsent
            || ack.largest >= self.next_sequence()
            || !self.fit(ack, ranges.clone())
        {
            return news;
        }
        if self.largest_acknowledged.is_none_or(|largest| ack.largest > largest) {
            self.largest_acknowledged = Some(ack.largest);
            let transmission =
                ack.largest.checked_sub(self.front).and_then(|at| self.transmissions.get(at as usize));
            news.round_trip = transmission.map(|transmission| {
                let measured = now.saturating_sub(transmission.sent);
                // A delay longer than the whole round trip is a lie or an error: then it is not taken off.
                measured.checked_sub(Duration::from_micros(ack.delay.into())).unwrap_or(measured)
            });
        }
        let reordering = reordering.min(self.in_flight / 2).max(REORDERING);
        while self.cumulative < ack.cumulative {
            self.mark(self.cumulative, ack.largest, &mut news);
            self.cumulative += 1;
        }
        for (first, end) in ranges {
            for block in first.max(self.cumulative)..end {
                self.mark(block, ack.largest, &mut news);
            }
        }
        self.find_lost(reordering, &mut news);
        news
    }

    /// Whether there is nothing to send, neither new nor again, until acks or the timer tell of losses.
    pub fn is_all_sent(&self) -> bool {
        self.unsent == self.count()
            && self.lost.iter().all(|&block| self.blocks[block as usize].state != BlockState::Lost)
    }

    /// The timer has fired: the first blocks in flight count as lost, at most so many.
    pub fn give_up(&mut self, count: u32) {
        let mut left = count;
        for block in self.cumulative..self.unsent {
            if left == 0 || self.in_flight == 0 {
                return;
            }
            if self.blocks[block as usize].state == BlockState::InFlight {
                self.lose(block);
                left -= 1;
            }
        }
    }

    /// Whether ranges can be of this message: of what was sent, and no block twice. Ranges that overlap a hundredfold would be a
    /// hundredfold work for one datagram.
    fn fit(&self, ack: &Ack, ranges: Ranges<'_>) -> bool {
        let mut room = u64::from(self.unsent - ack.cumulative);
        ranges.into_iter().all(|(first, end)| {
            let length = u64::from(end - first);
            let fits = end <= self.unsent && length <= room;
            room = room.saturating_sub(length);
            fits
        })
    }

    fn mark(&mut self, block: u32, largest: u32, news: &mut News) {
        let entry = &mut self.blocks[block as usize];
        match entry.state {
            BlockState::Acknowledged | BlockState::Unsent => return,
            BlockState::InFlight => {
                self.in_flight -= 1;
                // The receiver has not seen this transmission, so an earlier one has arrived, and was given up too early.
                news.spurious += u32::from(entry.sequence > largest);
            }
            BlockState::Lost => news.spurious += 1,
        }
        entry.state = BlockState::Acknowledged;
        news.acknowledged += 1;
    }

    fn find_lost(&mut self, reordering: u32, news: &mut News) {
        let Some(largest) = self.largest_acknowledged else { return };
        while let Some(&Transmission { block, .. }) = self.transmissions.front() {
            if self.front + reordering > largest {
                return;
            }
            let entry = self.blocks[block as usize];
            if entry.state == BlockState::InFlight && entry.sequence == self.front {
                self.lose(block);
                news.lost += 1;
                news.last_lost = self.front;
            }
            self.transmissions.pop_front();
            self.front += 1;
        }
    }

    fn lose(&mut self, block: u32) {
        self.blocks[block as usize].state = BlockState::Lost;
        self.in_flight -= 1;
        self.lost.push_back(block);
    }
}

/// The distance after a block that was given up has arrived after all.
pub fn more_reordering(reordering: u32) -> u32 {
    (reordering * 2).min(REORDERING_LIMIT)
}

#[cfg(test)]
mod tests;
