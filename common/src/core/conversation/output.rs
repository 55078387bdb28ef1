//! The bytes that wait to be sent to one client: parts, several of which one call sends.
//!
//! ```text
//!   parts:  [▒▒▒▒▒██████]  [█████ shared with others █████]  [███ …]  [not made yet]  [███ …]
//!            sent └──────── one gathering write ────────────────────┘  ▲ nothing behind it leaves before it
//! ```
//!
//! To copy is what costs here. So an answer into an empty output is moved, and a long one that is sent to others too is neither
//! copied nor kept a second time. Only short ones are put together.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::sync::Arc;

use bytes::Bytes;

use crate::core::outbox::Pushed;
use crate::core::service::{LateAnswer, SharedBody};

/// A shared body of at least this length is a part of its own; copying it would cost more.
const WORTH_A_PART: usize = 8 * 1024;

/// Most parts of one gathering write.
pub const GATHERED: usize = 16;

#[derive(Default)]
pub(super) struct Output {
    parts: VecDeque<Part>,
    /// Bytes of the first part that are sent.
    sent: usize,
    /// Bytes that are not sent.
    length: usize,
    /// Memory of the parts that are only ours.
    own: usize,
    /// Bytes appended since the beginning, and of them those before the last reminder.
    appended: u64,
    before_last_reminder: Option<u64>,
    /// Answers before the last reminder that are not made yet.
    late_before_reminder: usize,
}

enum Part {
    Own(Vec<u8>),
    Shared(SharedBody),
    Pushed(Arc<[u8]>),
    Bytes(Bytes),
    Late(LateAnswer),
}

impl Output {
    /// The bytes that are to be sent first; empty when there are none, or when the first are not made yet.
    pub fn bytes(&self) -> &[u8] {
        self.parts.front().map_or(&[], |part| &part.bytes()[self.sent..])
    }

    /// The bytes that are to be sent first, as many parts as fit into `slices`; how many it were.
    pub fn gather<'a>(&'a self, slices: &mut [IoSlice<'a>; GATHERED]) -> usize {
        let ready = self.parts.iter().take_while(|part| !matches!(part, Part::Late(_)));
        let mut count = 0;
        for (slice, part) in slices.iter_mut().zip(ready) {
            let sent = if count == 0 { self.sent } else { 0 };
            *slice = IoSlice::new(&part.bytes()[sent..]);
            count += 1;
        }
        count
    }

    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether everything has left, late answers too.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Whether the next bytes are not made yet.
    pub fn is_late(&self) -> bool {
        matches!(self.parts.front(), Some(Part::Late(_)))
    }

    /// How many answers are not made yet.
    pub fn late(&self) -> usize {
        self.parts.iter().filter(|part| matches!(part, Part::Late(_))).count()
    }

    /// Memory that is held for this client alone, bytes.
    pub fn own(&self) -> usize {
        self.own
    }

    pub fn append(&mut self, bytes: Vec<u8>) {
        self.put(Part::Own(bytes));
    }

    pub fn append_shared(&mut self, bytes: SharedBody) {
        self.put(Part::Shared(bytes));
    }

    pub fn append_pushed(&mut self, bytes: Pushed) {
        match bytes {
            Pushed::Message(bytes) => self.put(Part::Pushed(bytes)),
            Pushed::Shared(bytes) => self.put(Part::Bytes(bytes)),
            Pushed::Written(bytes) if bytes.len() < WORTH_A_PART => self.append(bytes),
            Pushed::Written(bytes) => {
                self.appended += bytes.len() as u64;
                self.length += bytes.len();
                self.own += bytes.capacity();
                self.parts.push_back(Part::Own(bytes));
            }
        }
    }

    pub fn append_late(&mut self, answer: LateAnswer) {
        self.parts.push_back(Part::Late(answer));
    }

    /// Appends a reminder, unless one is here of which nothing is sent: it stands for this one too.
    pub fn append_reminder(&mut self, bytes: Pushed) {
        if !self.holds_a_reminder() {
            self.before_last_reminder = Some(self.appended);
            self.late_before_reminder = self.late();
            self.append_pushed(bytes);
        }
    }

    fn holds_a_reminder(&self) -> bool {
        let sent = self.appended - self.length as u64;
        self.before_last_reminder.is_some_and(|before| before >= sent)
    }

    /// Late answers that are there now become bytes.
    pub fn poll_late(&mut self) {
        let mut still_late = 0;
        for part in &mut self.parts {
            let Part::Late(answer) = part else { continue };
            if let Some(bytes) = answer.take() {
                if still_late < self.late_before_reminder {
                    self.late_before_reminder -= 1;
                    self.before_last_reminder =
                        self.before_last_reminder.map(|before| before + bytes.len() as u64);
                }
                self.length += bytes.len();
                self.appended += bytes.len() as u64;
                self.own += bytes.capacity();
                *part = Part::Own(bytes);
            } else {
                still_late += 1;
            }
        }
        self.parts.retain(|part| matches!(part, Part::Late(_)) || !part.bytes().is_empty());
    }

    /// `count` bytes are sent. When nothing is left, gives a buffer away that it does not need any more.
    pub fn advance(&mut self, mut count: usize) -> Option<Vec<u8>> {
        assert!(count <= self.length, "no more is sent than was to be sent");
        self.length -= count;
        while count > 0 {
            let left = self.parts.front()?.bytes().len() - self.sent;
            if count < left {
                self.sent += count;
                return None;
            }
            count -= left;
            self.sent = 0;
            if let Some(Part::Own(buffer)) = self.parts.pop_front() {
                self.own -= buffer.capacity();
                if self.is_empty() {
                    return Some(buffer);
                }
            }
        }
        None
    }

    fn put(&mut self, part: Part) {
        let length = part.bytes().len();
        if length == 0 {
            return;
        }
        self.appended += length as u64;
        self.length += length;
        let is_only = self.parts.len() == 1;
        match self.parts.back_mut() {
            Some(Part::Own(buffer)) if !part.is_better_shared() => {
                self.own -= buffer.capacity();
                if is_only && self.sent > buffer.len() / 2 {
                    buffer.drain(..self.sent);
                    self.sent = 0;
                }
                buffer.extend_from_slice(part.bytes());
                self.own += buffer.capacity();
            }
            Some(last)
                if !part.is_better_shared() && !last.is_better_shared() && !matches!(last, Part::Late(_)) =>
            {
                // Two short ones of others: together they are a short one of ours.
                let mut buffer = Vec::with_capacity(last.bytes().len() + length);
                buffer.extend_from_slice(last.bytes());
                buffer.extend_from_slice(part.bytes());
                self.own += buffer.capacity();
                *last = Part::Own(buffer);
            }
            _ => {
                if let Part::Own(buffer) = &part {
                    self.own += buffer.capacity();
                }
                self.parts.push_back(part);
            }
        }
    }
}

impl Part {
    fn bytes(&self) -> &[u8] {
        match self {
            Part::Own(bytes) => bytes,
            Part::Shared(bytes) => bytes,
            Part::Pushed(bytes) => bytes,
            Part::Bytes(bytes) => bytes,
            Part::Late(_) => &[],
        }
    }

    fn is_better_shared(&self) -> bool {
        match self {
            Part::Own(_) | Part::Late(_) => false,
            Part::Shared(_) | Part::Pushed(_) | Part::Bytes(_) => self.bytes().len() >= WORTH_A_PART,
        }
    }
}

#[cfg(test)]
mod tests;
