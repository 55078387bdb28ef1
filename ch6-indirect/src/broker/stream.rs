//! A stream: a log of messages that consumers read from where they like. Nothing is taken out by reading; the oldest go by size or age.
//!
//! ```text
//!   offset:   base ── 7   8   9   10   11 ── end
//!                         ▲        ▲
//!                    consumer a  consumer b          an acknowledgement gives a consumer room for the next, and nothing else
//! ```

use std::collections::VecDeque;
use std::time::Duration;

use super::arguments::{Arguments, integer, text};
use super::keys::ConsumerKey;
use super::ready::Entry;
use crate::amqp::AMQPValue;

/// A log in memory.
#[derive(Debug, Default)]
pub struct Stream {
    base: u64,
    /// Messages, and when they came (since 1970).
    log: VecDeque<(Entry, Duration)>,
    bytes: u64,
    /// Consumers that have read all there is.
    pub at_end: Vec<ConsumerKey>,
}

/// Where a consumer begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    First,
    Last,
    /// What comes from now on.
    Next,
    Offset(u64),
    /// What came since then (since 1970).
    Time(Duration),
}

impl Start {
    /// Of a consumer's arguments; the error is what a client is told.
    pub fn read(arguments: &Arguments, now: Duration) -> Result<Start, String> {
        let Some(value) = arguments.value("x-stream-offset") else { return Ok(Start::Next) };
        let wrong = || format!("invalid arg 'x-stream-offset': {}", crate::amqp::json::value_to_json(value));
        if let AMQPValue::Timestamp(seconds) = value {
            return Ok(Start::Time(Duration::from_secs(*seconds)));
        }
        match (text(value), integer(value)) {
            (Some("first"), _) => Ok(Start::First),
            (Some("last"), _) => Ok(Start::Last),
            (Some("next"), _) => Ok(Start::Next),
            (Some(age), _) => {
                super::options::span(age).map(|age| Start::Time(now.saturating_sub(age))).ok_or_else(wrong)
            }
            (_, Some(offset)) => u64::try_from(offset).map(Start::Offset).map_err(|_| wrong()),
            _ => Err(wrong()),
        }
    }
}

impl Stream {
    pub fn len(&self) -> u64 {
        self.log.len() as u64
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The offset of the message that comes next.
    pub fn end(&self) -> u64 {
        self.base + self.len()
    }

    pub fn append(&mut self, entry: Entry, now: Duration) {
        self.bytes += entry.message.content.body().len() as u64;
        self.log.push_back((entry, now));
    }

    /// The message at this offset, or the first behind it that is still there.
    pub fn at(&self, offset: u64) -> Option<(u64, &Entry)> {
        let index = offset.saturating_sub(self.base);
        let (entry, _) = self.log.get(usize::try_from(index).ok()?)?;
        Some((self.base + index, entry))
    }

    pub fn offset(&self, start: Start) -> u64 {
        match start {
            Start::First => self.base,
            Start::Last => self.end().saturating_sub(1).max(self.base),
            Start::Next => self.end(),
            Start::Offset(offset) => offset,
            Start::Time(time) => self.base + self.log.partition_point(|(_, came)| *came < time) as u64,
        }
    }

    /// The oldest message, taken out because there are too many bytes or it is too old. The last one stays.
    pub fn pop_old(
        &mut self,
        max_bytes: Option<u64>,
        max_age: Option<Duration>,
        now: Duration,
    ) -> Option<Entry> {
        let (_, came) = self.log.front().filter(|_| self.log.len() > 1)?;
        let is_old = max_age.is_some_and(|age| now.saturating_sub(*came) > age);
        (is_old || max_bytes.is_some_and(|most| self.bytes > most)).then(|| self.pop()).flatten()
    }

    /// The oldest message, taken out.
    pub fn pop(&mut self) -> Option<Entry> {
        let (entry, _) = self.log.pop_front()?;
        self.base += 1;
        self.bytes -= entry.message.content.body().len() as u64;
        Some(entry)
    }
}
