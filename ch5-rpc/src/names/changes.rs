//! What has happened to the names, for those that watch them: numbered, and the last thousand are kept.

use std::collections::VecDeque;

use crate::pyro::uri::Uri;

/// Changes that are kept. One that was away for longer reads the whole list again.
const KEPT: usize = 1000;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A reference has the name now.
    Added,
    /// It was taken away, or replaced.
    Removed,
    /// Its lease has ended.
    Expired,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What happened.
    pub event: Event,
    /// To which name.
    pub name: String,
    /// With which reference.
    pub uri: Uri,
}

/// The last changes.
#[derive(Debug)]
pub(super) struct Changes {
    kept: VecDeque<Change>,
    /// Number of the last one.
    last: u64,
}

/// The numbers begin anywhere: what one remembers of a server that was restarted must not fit the new one.
impl Default for Changes {
    fn default() -> Changes {
        Changes { kept: VecDeque::new(), last: rand::random::<u64>() >> 2 }
    }
}

impl Changes {
    pub(super) fn note(&mut self, event: Event, name: String, uri: Uri) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.last += 1;
        self.kept.push_back(Change { event, name, uri });
    }

    /// The number of the last change, and those behind the number `since`. `None` when these are not known: then the whole list
    /// is to be read.
    pub(super) fn since(&self, since: Option<u64>) -> (u64, Option<Vec<Change>>) {
        let missed = since
            .and_then(|since| self.last.checked_sub(since))
            .and_then(|count| usize::try_from(count).ok());
        let start = missed.and_then(|missed| self.kept.len().checked_sub(missed));
        (self.last, start.map(|start| self.kept.range(start..).cloned().collect()))
    }
}

impl Event {
    /// The word for it on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Event::Added => "added",
            Event::Removed => "removed",
            Event::Expired => "expired",
        }
    }
}
