//! Which blocks have arrived beyond the first gap: a bit each, in a ring as long as the window.
//!
//! ```text
//! cumulative = 4:  blocks 0–3 are here, 4 is the gap
//! window           4 5 6 7 8 9 …            6 → bit 6 mod the ring's length
//! bits             0 0 1 1 0 1              ranges to report: 6–8, 9–10
//! ```
//!
//! Without gaps no bit is ever touched. The ring is as long as the window, not as the message: a message of 200 MiB takes 100
//! bytes of it.

/// The set of blocks beyond the gap.
#[derive(Debug, Default)]
pub struct BlockSet {
    /// A power of two of words, or none before the first block out of order.
    words: Vec<u64>,
    count: u32,
    /// Behind the highest block in the set.
    end: u32,
}

impl BlockSet {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds a block; `false` if it was there. All blocks in the set must be within `window` of each other.
    pub fn insert(&mut self, block: u32, window: u32) -> bool {
        if self.words.is_empty() {
            self.words = vec![0; (window as usize).div_ceil(64).next_power_of_two()];
        }
        let (word, bit) = self.place(block);
        if self.words[word] & bit != 0 {
            return false;
        }
        self.words[word] |= bit;
        self.count += 1;
        self.end = self.end.max(block + 1);
        true
    }

    /// Takes the blocks from `first` on out, as many as stand there without a gap; the next one behind them.
    pub fn take_run(&mut self, first: u32) -> u32 {
        let mut block = first;
        while self.count > 0 {
            let (word, bit) = self.place(block);
            if self.words[word] & bit == 0 {
                break;
            }
            self.words[word] &= !bit;
            self.count -= 1;
            block += 1;
        }
        block
    }

    /// The ranges of blocks, beginning behind the gap `cumulative`: first and end of each, ascending.
    pub fn ranges(&self, cumulative: u32) -> impl Iterator<Item = (u32, u32)> {
        let mut from = cumulative;
        std::iter::from_fn(move || {
            let first = self.find(from, true)?;
            from = self.find(first, false).unwrap_or(self.end);
            Some((first, from))
        })
    }

    /// The first block from `from` on, below the end, that is in the set, or is not.
    fn find(&self, from: u32, present: bool) -> Option<u32> {
        let mut block = from;
        while self.count > 0 && block < self.end {
            let (word, _) = self.place(block);
            let bits = if present { self.words[word] } else { !self.words[word] };
            let ahead = bits >> (block % 64);
            if ahead != 0 {
                block += ahead.trailing_zeros();
                return (block < self.end).then_some(block);
            }
            block = (block / 64 + 1) * 64;
        }
        None
    }

    fn place(&self, block: u32) -> (usize, u64) {
        ((block as usize / 64) & self.words.len().wrapping_sub(1), 1 << (block % 64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// The ranges of a set, the slow way.
    fn expected(blocks: &BTreeSet<u32>) -> Vec<(u32, u32)> {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for &block in blocks {
            match ranges.last_mut() {
                Some((_, end)) if *end == block => *end += 1,
                _ => ranges.push((block, block + 1)),
            }
        }
        ranges
    }

    proptest! {
        #[test]
        fn it_is_a_set(start in 0u32..1000, blocks in prop::collection::vec(1u32..300, 1..200)) {
            let (mut block_set, mut set) = (BlockSet::default(), BTreeSet::new());
            for block in blocks {
                prop_assert_eq!(block_set.insert(start + block, 300), set.insert(start + block));
            }
            prop_assert_eq!(block_set.ranges(start).collect::<Vec<_>>(), expected(&set));
            // The gaps fill from the front, and the ring comes round.
            let mut cumulative = start;
            while !set.is_empty() {
                if !set.remove(&cumulative) {
                    block_set.insert(cumulative, 300);
                }
                let next = block_set.take_run(cumulative);
                set.retain(|&block| block >= next);
                cumulative = next;
                prop_assert_eq!(block_set.ranges(cumulative).collect::<Vec<_>>(), expected(&set));
            }
            prop_assert!(block_set.is_empty());
        }
    }
}
