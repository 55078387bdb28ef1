//! The calls that have been executed, by their ids: what makes a repeated `publish` harmless.
//!
//! The table is bounded: the oldest entry goes for a new one, and a restart empties it. A call that is repeated later than that is
//! executed again. (Row 5.6 shows which tables close these holes, and at what price.)

use std::collections::{BTreeMap, VecDeque};

use crate::rpc::interface::CallId;

/// The results of the last calls.
#[derive(Debug)]
pub struct Remembered {
    limit: usize,
    results: BTreeMap<CallId, u64>,
    order: VecDeque<CallId>,
}

impl Remembered {
    /// Room for so many.
    pub fn new(limit: usize) -> Remembered {
        Remembered { limit, results: BTreeMap::new(), order: VecDeque::new() }
    }

    /// The result of this call, if it has been executed.
    pub fn result(&self, call: CallId) -> Option<u64> {
        self.results.get(&call).copied()
    }

    /// Remembers the result of a call that was not remembered yet.
    pub fn remember(&mut self, call: CallId, result: u64) {
        if self.order.len() >= self.limit
            && let Some(oldest) = self.order.pop_front()
        {
            self.results.remove(&oldest);
        }
        if self.limit > 0 {
            self.order.push_back(call);
            self.results.insert(call, result);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_so_many_are_remembered() {
        let mut remembered = Remembered::new(2);
        let call = |sequence| CallId { client: 1, sequence };
        for sequence in 0..5 {
            assert_eq!(remembered.result(call(sequence)), None);
            remembered.remember(call(sequence), sequence * 10);
        }
        let results = [2, 3, 4].map(|sequence| remembered.result(call(sequence)));
        assert_eq!(results, [None, Some(30), Some(40)]);
        assert_eq!((remembered.order.len(), remembered.results.len()), (2, 2));
        let mut none = Remembered::new(0);
        none.remember(call(0), 0);
        assert_eq!(none.result(call(0)), None);
    }
}
