//! What the client's two states of asking remember: when to ask again, and what an answer is worth.

use std::time::Duration;

use bytes::Bytes;

use super::super::config::SHORTEST;
use super::super::sender::Sender;
use common::protocol::rto::{self, RoundTrip};

/// So many answers of an old server, to as many openings of ours, are no accident.
const OLD_ANSWERS: u32 = 3;
/// Lengths of datagrams to fall back to, one after the other: what IPv6 requires of every path (1280 bytes), what IPv4 requires of
/// every host (576), and our own shortest.
const SHORTER: [usize; 3] = [1232, 548, SHORTEST];
/// So many questions of one length, before a shorter one: a single loss is no sign of a narrow path.
const QUESTIONS: u32 = 2;

/// The least time between two questions whether the server is still there.
const PROBE: Duration = Duration::from_millis(250);

/// The request waits for a token.
#[derive(Debug)]
pub struct Opening {
    /// The request.
    pub request: Bytes,
    ask: Duration,
    asked: u32,
    last_asked: Duration,
    old_answers: u32,
}

impl Opening {
    /// To be asked at once.
    pub fn new(now: Duration, request: Bytes) -> Opening {
        Opening { request, ask: now, asked: 0, last_asked: now, old_answers: 0 }
    }

    /// The path carries no more than it was asked to: ask again, with less.
    pub fn ask_again(&mut self, now: Duration) {
        self.ask = now;
    }

    /// How long the next question is, where datagrams of `longest` bytes are wanted. Short ones first would find nothing: it is the
    /// long ones that a narrow path swallows, often without a word.
    pub fn length(&self, longest: usize) -> usize {
        length_of(self.asked, longest)
    }

    /// How long the last question was.
    pub fn length_asked(&self, longest: usize) -> usize {
        length_of(self.asked.saturating_sub(1), longest)
    }

    /// When to ask (again).
    pub fn deadline(&self) -> Duration {
        self.ask
    }

    /// Whether to ask now. Sets the time of the next question then.
    pub fn poll_question(&mut self, now: Duration, round_trip: &RoundTrip) -> bool {
        if now < self.ask {
            return false;
        }
        self.last_asked = now;
        // At an even pace: it costs the server nothing.
        self.ask = now + round_trip.timeout(0);
        self.asked += 1;
        true
    }

    /// The server has answered as an old one does: whether it is one. One answer alone may be a stray, or our question was damaged
    /// on the way; and a copy of an answer is no second answer.
    pub fn is_old(&mut self, now: Duration) -> bool {
        self.old_answers = (self.old_answers + 1).min(self.asked);
        self.ask = now;
        self.old_answers >= OLD_ANSWERS
    }

    /// The round trip of the answer that has come; `None` if it is not known which question it is to (Karn's rule).
    pub fn round_trip(&self, now: Duration) -> Option<Duration> {
        (self.asked == 1).then(|| now.saturating_sub(self.last_asked))
    }
}

/// The length of question number `number`, from 0.
fn length_of(number: u32, longest: usize) -> usize {
    let step = (number / QUESTIONS) as usize;
    let shorter = SHORTER.into_iter().filter(|&shorter| shorter < longest);
    std::iter::once(longest).chain(shorter).take(step + 1).last().unwrap_or(longest)
}

/// The request is there; its response is not.
#[derive(Debug)]
pub struct Waiting {
    /// The request, all of it acknowledged.
    pub request: Sender,
    ask: Duration,
    asked: u32,
}

impl Waiting {
    /// To be asked after the server in a while.
    pub fn new(now: Duration, request: Sender, round_trip: &RoundTrip) -> Waiting {
        Waiting { request, ask: now + PROBE.max(round_trip.timeout(0)), asked: 0 }
    }

    /// When to ask (again).
    pub fn deadline(&self) -> Duration {
        self.ask
    }

    /// Whether to ask now. Sets the time of the next question then, twice as far off up to the longest timer.
    pub fn poll_question(&mut self, now: Duration, round_trip: &RoundTrip) -> bool {
        if now < self.ask {
            return false;
        }
        self.asked += 1;
        let wait = PROBE.max(round_trip.timeout(0)) * (1 << self.asked.min(5));
        self.ask = now + wait.min(rto::MAXIMUM);
        true
    }
}
