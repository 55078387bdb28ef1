//! The bytes that wait to be sent to one client, and where among them one call must end.
//!
//! ```text
//!   buffer:  ▒▒▒▒▒▒▒▒██████████│████│██████████████
//!            └ sent ┘└ bytes() ┘ push   answers       │ where a call ends, unless they leave together
//! ```

use std::collections::VecDeque;

use crate::service::Departure;

pub(super) struct Output {
    buffer: Vec<u8>,
    sent: usize,
    departure: Departure,
    /// What each call sends; empty where all leave together.
    calls: VecDeque<Call>,
    /// Bytes appended since the beginning, and of them those before the last reminder.
    appended: u64,
    before_last_reminder: Option<u64>,
}

/// What is left of what one call sends.
struct Call {
    left: usize,
    is_push: bool,
}

impl Output {
    pub fn new(departure: Departure) -> Output {
        Output {
            buffer: Vec::new(),
            sent: 0,
            departure,
            calls: VecDeque::new(),
            appended: 0,
            before_last_reminder: None,
        }
    }

    /// What the next call sends.
    pub fn bytes(&self) -> &[u8] {
        let unsent = &self.buffer[self.sent..];
        match self.calls.front() {
            Some(call) => &unsent[..call.left],
            None => unsent,
        }
    }

    pub fn len(&self) -> usize {
        self.buffer.len() - self.sent
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An answer into an empty output is moved, not copied.
    pub fn append(&mut self, bytes: Vec<u8>) {
        self.note(bytes.len(), false);
        if self.is_empty() {
            self.buffer = bytes;
            self.sent = 0;
        } else {
            self.append_slice(&bytes);
        }
    }

    pub fn append_push(&mut self, bytes: &[u8]) {
        self.note(bytes.len(), true);
        self.append_slice(bytes);
    }

    /// Unless one is here of which nothing is sent: it stands for this one too.
    pub fn append_reminder(&mut self, bytes: &[u8]) {
        if !self.holds_a_reminder() {
            self.before_last_reminder = Some(self.appended);
            self.append_push(bytes);
        }
    }

    fn holds_a_reminder(&self) -> bool {
        let sent = self.appended - self.len() as u64;
        self.before_last_reminder.is_some_and(|before| before >= sent)
    }

    /// So many bytes of the call are sent. Gives the buffer away when all of it is.
    pub fn advance(&mut self, count: usize) -> Option<Vec<u8>> {
        assert!(count <= self.bytes().len(), "no more is sent than was to be sent");
        self.sent += count;
        if let Some(call) = self.calls.front_mut() {
            call.left -= count;
            if call.left == 0 {
                self.calls.pop_front();
            }
        }
        self.is_empty().then(|| {
            self.sent = 0;
            std::mem::take(&mut self.buffer)
        })
    }

    fn append_slice(&mut self, bytes: &[u8]) {
        if self.sent > self.buffer.len() / 2 {
            self.buffer.drain(..self.sent);
            self.sent = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    fn note(&mut self, length: usize, is_push: bool) {
        self.appended += length as u64;
        if length == 0 || self.departure == Departure::Together {
            return;
        }
        match self.calls.back_mut() {
            Some(last) if self.departure == Departure::PushesApart && !last.is_push && !is_push => {
                last.left += length;
            }
            _ => self.calls.push_back(Call { left: length, is_push }),
        }
    }
}
