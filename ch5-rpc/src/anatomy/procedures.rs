//! The procedures that are called: a board of texts, as small as it can be. They know nothing of calls over a network.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::record::{Recorder, What};

/// There is no message with this id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error("there is no message {0}")]
pub struct NoMessage(pub u64);

/// The texts, and when each procedure ran.
#[derive(Debug)]
pub struct Procedures {
    texts: Mutex<BTreeMap<u64, String>>,
    recorder: Recorder,
}

impl Procedures {
    /// An empty board.
    pub fn new(recorder: &Recorder) -> Procedures {
        Procedures { texts: Mutex::default(), recorder: recorder.clone() }
    }

    /// Puts a text on the board and returns its id.
    pub fn publish(&self, text: String) -> u64 {
        self.run(|texts| {
            let id = texts.last_key_value().map_or(0, |(last, _)| last + 1);
            texts.insert(id, text);
            id
        })
    }

    /// Takes a text from the board; whether it was there.
    pub fn remove(&self, id: u64) -> bool {
        self.run(|texts| texts.remove(&id).is_some())
    }

    /// The ids of the last `count` texts, oldest first.
    pub fn last(&self, count: u64) -> Vec<u64> {
        self.run(|texts| {
            let before = texts.len().saturating_sub(usize::try_from(count).unwrap_or(usize::MAX));
            texts.keys().copied().skip(before).collect()
        })
    }

    /// One text.
    ///
    /// # Errors
    /// There is none with this id.
    pub fn get(&self, id: u64) -> Result<String, NoMessage> {
        self.run(|texts| texts.get(&id).cloned().ok_or(NoMessage(id)))
    }

    fn run<T>(&self, procedure: impl FnOnce(&mut BTreeMap<u64, String>) -> T) -> T {
        let mut texts: MutexGuard<'_, _> = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        self.recorder.span(What::Ran, || procedure(&mut texts))
    }
}
