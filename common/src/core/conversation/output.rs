//! The bytes that wait to be sent to one client: parts, each of which is sent by calls of its own.
//!
//! ```text
//!   parts:  [▒▒▒▒▒██████]  [7:;]  [█████ shared with others █████]  [███ … ]
//!            sent └ bytes()                                            ▲ what comes next goes in here, where it may leave together
//! ```
//!
//! To copy is what costs here. So an answer into an empty output is moved, and a long one that is sent to others too is neither
//! copied nor kept a second time, at the price of a call of its own. Only short ones are put together, since a call costs more.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::core::service::{Body, Departure};

/// From so many bytes on, what is shared is not copied to save a call: a microsecond is the price of the one and of the other.
const WORTH_A_CALL: usize = 8 * 1024;

pub(super) struct Output {
    parts: VecDeque<Part>,
    /// Of the first part.
    sent: usize,
    /// Bytes that are not sent.
    length: usize,
    departure: Departure,
    /// Bytes appended since the beginning, and of them those before the last reminder.
    appended: u64,
    before_last_reminder: Option<u64>,
}

/// What one call sends, or several if the socket takes less.
struct Part {
    bytes: Body,
    is_push: bool,
}

impl Output {
    pub fn new(departure: Departure) -> Output {
        let parts = VecDeque::new();
        Output { parts, sent: 0, length: 0, departure, appended: 0, before_last_reminder: None }
    }

    /// What the next call sends.
    pub fn bytes(&self) -> &[u8] {
        self.parts.front().map_or(&[], |part| &part.bytes[self.sent..])
    }

    pub fn len(&self) -> usize {
        self.length
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub fn append(&mut self, answer: Body) {
        self.put(Part { bytes: answer, is_push: false });
    }

    pub fn append_push(&mut self, bytes: Arc<[u8]>) {
        self.put(Part { bytes: Body::Shared(bytes), is_push: true });
    }

    /// Unless one is here of which nothing is sent: it stands for this one too.
    pub fn append_reminder(&mut self, bytes: Arc<[u8]>) {
        if !self.holds_a_reminder() {
            self.before_last_reminder = Some(self.appended);
            self.append_push(bytes);
        }
    }

    fn holds_a_reminder(&self) -> bool {
        let sent = self.appended - self.length as u64;
        self.before_last_reminder.is_some_and(|before| before >= sent)
    }

    /// So many bytes of the call are sent. When nothing is left, gives a buffer away that it does not need any more.
    pub fn advance(&mut self, count: usize) -> Option<Vec<u8>> {
        assert!(count <= self.bytes().len(), "no more is sent than was to be sent");
        self.sent += count;
        self.length -= count;
        if !self.bytes().is_empty() {
            return None;
        }
        self.sent = 0;
        match self.parts.pop_front()?.bytes {
            Body::Own(buffer) if self.is_empty() => Some(buffer),
            _ => None,
        }
    }

    fn put(&mut self, part: Part) {
        let length = part.bytes.len();
        if length == 0 {
            return;
        }
        self.appended += length as u64;
        self.length += length;
        let is_only = self.parts.len() == 1;
        match self.parts.back_mut() {
            Some(last) if last.leaves_with(&part, self.departure) => {
                let buffer = last.bytes.to_mut();
                if is_only && self.sent > buffer.len() / 2 {
                    buffer.drain(..self.sent);
                    self.sent = 0;
                }
                buffer.extend_from_slice(&part.bytes);
            }
            _ => self.parts.push_back(part),
        }
    }
}

impl Part {
    fn leaves_with(&self, next: &Part, departure: Departure) -> bool {
        let may = match departure {
            Departure::Together => true,
            Departure::PushesApart => !self.is_push && !next.is_push,
            Departure::OneByOne => false,
        };
        may && !self.is_better_shared() && !next.is_better_shared()
    }

    fn is_better_shared(&self) -> bool {
        matches!(&self.bytes, Body::Shared(bytes) if bytes.len() >= WORTH_A_CALL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    enum Step {
        Answer(usize),
        SharedAnswer(usize),
        Push(usize),
        Reminder,
        /// So many thousandths of what the call would send.
        Send(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let length = || prop_oneof![0_usize..9, WORTH_A_CALL - 2..WORTH_A_CALL + 2];
        let step = prop_oneof![
            length().prop_map(Step::Answer),
            length().prop_map(Step::SharedAnswer),
            length().prop_map(Step::Push),
            Just(Step::Reminder),
            prop_oneof![0_usize..1000, Just(1000)].prop_map(Step::Send),
        ];
        prop::collection::vec(step, 0..40)
    }

    fn departures() -> impl Strategy<Value = Departure> {
        prop_oneof![Just(Departure::Together), Just(Departure::PushesApart), Just(Departure::OneByOne)]
    }

    proptest! {
        #[test]
        fn every_byte_leaves_once_and_in_order(departure in departures(), steps in steps()) {
            let mut output = Output::new(departure);
            let (mut expected, mut sent, mut number) = (Vec::new(), Vec::new(), 0_u8);
            for step in steps {
                number = number.wrapping_add(1) | 0x80; // no reminder
                let bytes = |length: usize| (0..length).map(|at| number.wrapping_add(at as u8) | 0x80).collect::<Vec<u8>>();
                match step {
                    Step::Answer(length) => {
                        expected.extend(bytes(length));
                        output.append(Body::Own(bytes(length)));
                    }
                    Step::SharedAnswer(length) => {
                        expected.extend(bytes(length));
                        output.append(Body::Shared(bytes(length).into()));
                    }
                    Step::Push(length) => {
                        expected.extend(bytes(length));
                        output.append_push(bytes(length).into());
                    }
                    Step::Reminder => {
                        // One waits of which nothing is sent.
                        if !expected[sent.len()..].contains(&b'r') {
                            expected.extend(b"r!");
                        }
                        output.append_reminder(Arc::from(*b"r!"));
                    }
                    Step::Send(share) => {
                        let count = output.bytes().len() * share / 1000;
                        sent.extend_from_slice(&output.bytes()[..count]);
                        output.advance(count);
                    }
                }
                prop_assert_eq!(output.len(), expected.len() - sent.len());
                prop_assert_eq!(output.is_empty(), output.bytes().is_empty());
            }
            while !output.is_empty() {
                prop_assert!(!output.bytes().is_empty());
                sent.extend_from_slice(output.bytes());
                output.advance(output.bytes().len());
            }
            prop_assert!(sent == expected);
        }
    }

    #[test]
    fn what_is_long_and_shared_is_sent_from_where_it_is_and_what_is_short_leaves_with_its_neighbours() {
        let long: Arc<[u8]> = vec![b'x'; WORTH_A_CALL].into();
        let mut output = Output::new(Departure::Together);
        for bytes in [&b"a"[..], b"b"] {
            output.append(Body::Shared(bytes.into()));
        }
        output.append(Body::Shared(Arc::clone(&long)));
        output.append_push(Arc::from(*b"c"));
        output.append(Body::Own(b"d".to_vec()));
        assert_eq!(output.bytes(), b"ab");
        output.advance(1);
        output.advance(1);
        assert_eq!(output.bytes().as_ptr(), long.as_ptr());
        output.advance(WORTH_A_CALL);
        assert_eq!(output.bytes(), b"cd");
        assert!(output.advance(2).is_some_and(|buffer| buffer == b"cd"), "to be used again");
    }

    #[test]
    fn an_answer_of_its_own_is_moved_and_its_buffer_given_back() {
        let answer = b"hello".to_vec();
        let place = answer.as_ptr();
        let mut output = Output::new(Departure::Together);
        output.append(Body::Own(answer));
        assert_eq!(output.bytes().as_ptr(), place);
        assert_eq!(output.advance(5).map(|buffer| buffer.as_ptr()), Some(place));
    }
}
