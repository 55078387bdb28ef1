//! The board itself: no lock in it.

use std::collections::VecDeque;

use super::shared_board::Text;

/// How many messages a board keeps. A bound, so that a measurement does not become one of memory.
pub const KEPT: usize = 1024;

/// The newest messages.
#[derive(Debug, Clone, Default)]
pub struct Recent {
    texts: VecDeque<Text>,
    /// The id of the oldest.
    first: u64,
}

impl Recent {
    pub fn publish(&mut self, text: Text) -> u64 {
        if self.texts.len() == KEPT {
            self.texts.pop_front();
            self.first += 1;
        }
        self.texts.push_back(text);
        self.first + self.texts.len() as u64 - 1
    }

    pub fn message(&self, id: u64) -> Option<Text> {
        let index = usize::try_from(id.checked_sub(self.first)?).ok()?;
        self.texts.get(index).cloned()
    }

    pub fn last(&self, count: usize) -> Vec<Text> {
        self.texts.range(self.texts.len().saturating_sub(count)..).cloned().collect()
    }

    pub fn search(&self, needle: &str) -> usize {
        self.texts.iter().filter(|text| text.contains(needle)).count()
    }
}
