//! A message of the original protocol as it arrives; its memory is reserved in the budget.
//!
//! ```text
//! front  ┌─────┬─────┬─────┐   later   ┌─────┐   ┌─────┐
//!        │  0  │  1  │  2  │           │  4  │   │  7  │       block 3 is missing
//!        └─────┴─────┴─────┘           └─────┘   └─────┘
//! ```
//!
//! The original sends one block at a time, so nearly always each goes straight to the end of `front`, and the message is whole
//! without another copy. How many blocks are announced costs nothing.

use std::collections::BTreeMap;

use super::super::budget::{Account, Budget, NoRoom, Reserved};

/// What a block out of order costs besides its bytes.
const BLOCK_OVERHEAD: usize = 96;

/// A message as it arrives.
#[derive(Debug)]
pub struct Reassembly {
    account: Account,
    count: u64,
    front: Vec<u8>,
    /// Blocks in `front`.
    in_order: u64,
    /// Blocks behind a gap.
    later: BTreeMap<u64, Vec<u8>>,
    later_bytes: usize,
    reserved: usize,
}

impl Reassembly {
    /// A message of so many blocks, none of them here.
    pub fn new(account: Account, count: u64) -> Reassembly {
        Reassembly {
            account,
            count,
            front: Vec::new(),
            in_order: 0,
            later: BTreeMap::new(),
            later_bytes: 0,
            reserved: 0,
        }
    }

    /// How many blocks the message has.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether all blocks are here.
    pub fn is_complete(&self) -> bool {
        self.in_order == self.count
    }

    /// The blocks in order, and the bytes reserved for them.
    pub fn into_message(self) -> Reserved {
        Reserved { message: self.front, bytes: self.reserved }
    }

    /// Drops the blocks.
    pub fn abandon(self, budget: &mut Budget) {
        budget.release(self.account, self.reserved);
    }

    /// Stores a block; how many distinct ones there are now. One that is here already stays as it is.
    ///
    /// # Errors
    /// [`NoRoom`]: the message is longer than a request may be, or the budget has no room.
    pub fn store(&mut self, index: u64, data: &[u8], budget: &mut Budget) -> Result<u64, NoRoom> {
        if index < self.in_order || self.later.contains_key(&index) {
            return Ok(self.distinct());
        }
        if self.front.len() + self.later_bytes + data.len() > budget.limits().request {
            return Err(NoRoom);
        }
        if index > self.in_order {
            self.reserve(data.len() + BLOCK_OVERHEAD, budget)?;
            self.later.insert(index, data.to_vec());
            self.later_bytes += data.len();
            return Ok(self.distinct());
        }
        self.append(data, budget)?;
        while let Some(entry) = self.later.first_entry().filter(|entry| *entry.key() == self.in_order) {
            let block = entry.remove();
            self.later_bytes -= block.len();
            self.release(block.len() + BLOCK_OVERHEAD, budget);
            self.append(&block, budget)?;
        }
        Ok(self.distinct())
    }

    fn append(&mut self, data: &[u8], budget: &mut Budget) -> Result<(), NoRoom> {
        let (length, capacity) = (self.front.len() + data.len(), self.front.capacity());
        if length > capacity {
            let wanted = length.max(2 * capacity).min(budget.limits().request.max(length));
            self.reserve(wanted - capacity, budget)?;
            self.front.reserve_exact(wanted - self.front.len());
        }
        self.front.extend_from_slice(data);
        self.in_order += 1;
        Ok(())
    }

    fn distinct(&self) -> u64 {
        self.in_order + self.later.len() as u64
    }

    fn reserve(&mut self, bytes: usize, budget: &mut Budget) -> Result<(), NoRoom> {
        budget.reserve(self.account, bytes)?;
        self.reserved += bytes;
        Ok(())
    }

    fn release(&mut self, bytes: usize, budget: &mut Budget) {
        budget.release(self.account, bytes);
        self.reserved -= bytes;
    }
}
