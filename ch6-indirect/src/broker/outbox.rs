//! What waits to be polled, and what waits for the disk.

use std::collections::VecDeque;

use common::core::service::PeerId;

use super::keys::QueueKey;
use super::output::{Definition, Output, Record, RecordNumber};
use crate::amqp::{AMQPClass, basic};

/// Outputs in their order, and the records among them.
#[derive(Debug)]
pub struct Outbox {
    outputs: VecDeque<Output>,
    /// Whether there is a log at all.
    is_durable: bool,
    appended: RecordNumber,
    synced: RecordNumber,
    has_failed: bool,
    waiting: VecDeque<(RecordNumber, Waiting)>,
}

/// What goes on when a record is on disk.
#[derive(Debug, Clone)]
pub enum Waiting {
    /// Confirms, or the answer to a commit.
    Channel(PeerId, u16),
    /// Deliveries.
    Queue(QueueKey),
    /// A `basic.get`, of the channel that was opened as this one.
    Get(PeerId, u16, u64, basic::Get),
}

impl Outbox {
    pub fn new(is_durable: bool) -> Outbox {
        Outbox {
            outputs: VecDeque::new(),
            is_durable,
            appended: RecordNumber(0),
            synced: RecordNumber(0),
            has_failed: false,
            waiting: VecDeque::new(),
        }
    }

    pub fn push(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    pub fn method(&mut self, connection: PeerId, channel: u16, method: AMQPClass) {
        self.push(Output::Method { connection, channel, method });
    }

    pub fn pop(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Whether new messages can be logged.
    pub fn can_log(&self) -> bool {
        self.is_durable && !self.has_failed
    }

    pub fn is_durable(&self) -> bool {
        self.is_durable
    }

    /// A record for the log. After a failure nothing is written any more.
    pub fn append(&mut self, record: Record) -> RecordNumber {
        if self.can_log() {
            self.appended.0 += 1;
            self.push(Output::Append(self.appended, record));
        }
        self.appended
    }

    pub fn define(&mut self, definition: Definition) {
        if self.is_durable {
            self.push(Output::Define(definition));
        }
    }

    pub fn is_synced(&self, record: RecordNumber) -> bool {
        record <= self.synced
    }

    pub fn synced(&self) -> RecordNumber {
        self.synced
    }

    pub fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// `what` goes on when `record` is on disk.
    pub fn wait(&mut self, record: RecordNumber, what: Waiting) {
        self.waiting.push_back((record, what));
    }

    /// All records up to this one are on disk: what can go on, in order.
    pub fn sync(&mut self, up_to: RecordNumber) -> Vec<Waiting> {
        self.synced = self.synced.max(up_to);
        let ready =
            self.waiting.iter().take_while(|(record, _)| self.has_failed || *record <= self.synced).count();
        self.waiting.drain(..ready).map(|(_, what)| what).collect()
    }

    /// Writing failed: all that waits goes on, to be refused.
    pub fn fail(&mut self) -> Vec<Waiting> {
        self.has_failed = true;
        self.sync(self.synced)
    }
}
