//! A log without a thread, and a model of what it must know: the state that follows from the records, in twenty lines.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use crate::amqp::command::Content;
use crate::broker::output::QueueId;
use crate::broker::{Message, MessageId, Record, RecordNumber};
use crate::store::Recovered;
use crate::store::disk::Disk;
use crate::store::log::Log;
use crate::store::recovery;
use crate::store::simulated::SimulatedDisk;
use crate::store::writer::Writer;

/// Small, so that a test fills some.
pub const SIZE: u64 = 4096;

/// Message → its queues, each with deliveries and whether it may have been delivered.
pub type Known = BTreeMap<u64, Vec<(u64, u32, bool)>>;

pub struct World {
    pub log: Arc<Log>,
    pub writer: Writer,
    pub recovered: Recovered,
    number: u64,
}

impl World {
    pub fn open(disk: &SimulatedDisk) -> io::Result<World> {
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let recovery = recovery::recover(&shared, SIZE)?;
        let mut recovered = Recovered { damaged: recovery.damaged, ..Recovered::default() };
        recovery::messages(&recovery.state, &mut recovered)?;
        let log = Arc::new(Log::new(SIZE, recovery.state));
        let writer = Writer::new(Arc::clone(&log), recovery.room, SIZE);
        Ok(World { log, writer, recovered, number: 0 })
    }

    pub fn append(&mut self, record: &Record) {
        self.number += 1;
        self.log.append(RecordNumber(self.number), record);
    }

    /// Writes what waits and does what else is to do, once. Returns up to where all is safe, and whether there is more to do.
    pub fn turn(&mut self) -> io::Result<(Option<RecordNumber>, bool)> {
        let number = self.writer.write_batch(true)?;
        Ok((number, self.writer.keep(true)?))
    }

    /// All that was appended is safe, and there is nothing more to do.
    pub fn settle(&mut self) -> io::Result<()> {
        while self.turn()?.1 || self.log.state().is_pending() || self.writer.is_waiting() {}
        Ok(())
    }

    /// What was recovered.
    pub fn known(&self) -> Known {
        known(&self.recovered)
    }
}

pub fn known(recovered: &Recovered) -> Known {
    let mut before = 0;
    let mut all = Known::new();
    for each in &recovered.messages {
        let id = each.message.id.0;
        assert!(id > before, "out of order: {id} after {before}");
        before = id;
        assert_eq!(each.message.content, content(id, each.message.content.bytes().len()), "message {id}");
        let mut queues: Vec<_> =
            each.queues.iter().map(|(queue, count, again)| (queue.0, *count, *again)).collect();
        queues.sort_unstable();
        all.insert(id, queues);
    }
    all
}

/// A content that tells which message it is of.
pub fn content(id: u64, length: usize) -> Content {
    let bytes: Vec<u8> = (0..length).map(|at| (id as usize * 31 + at) as u8).collect();
    Content::new(Bytes::from(bytes), 2.min(length))
}

pub fn message(id: u64, queues: &[u64], length: usize) -> Record {
    let message = Message {
        id: MessageId(id),
        exchange: "amq.topic".into(),
        routing_key: format!("key.{id}").into(),
        is_persistent: true,
        priority: id as u8,
        expiration: None,
        content: content(id, length),
    };
    let queues = queues.iter().map(|queue| QueueId(*queue)).collect();
    Record::Message { message: Arc::new(message), queues, expires: id.is_multiple_of(3).then_some(id) }
}

pub fn removed(id: u64, queue: u64) -> Record {
    Record::Removed { message: MessageId(id), queue: QueueId(queue) }
}

pub fn requeued(id: u64, queue: u64, deliveries: u32) -> Record {
    Record::Requeued { message: MessageId(id), queue: QueueId(queue), deliveries }
}

pub fn delivered(queue: u64, up_to: u64) -> Record {
    Record::Delivered { queue: QueueId(queue), up_to: MessageId(up_to) }
}

/// What follows from the records.
#[derive(Debug, Clone, Default)]
pub struct Model {
    messages: BTreeMap<u64, BTreeMap<u64, (u32, bool)>>,
    delivered: BTreeMap<u64, u64>,
}

impl Model {
    pub fn of(records: &[Record]) -> Model {
        let mut model = Model::default();
        records.iter().for_each(|record| model.apply(record));
        model
    }

    pub fn apply(&mut self, record: &Record) {
        match record {
            Record::Message { message, queues, .. } => {
                let queues = queues.iter().map(|queue| (queue.0, (0, false))).collect();
                self.messages.insert(message.id.0, queues);
            }
            Record::Removed { message, queue } => {
                self.messages.entry(message.0).or_default().remove(&queue.0);
            }
            Record::Requeued { message, queue, deliveries } => {
                if let Some(state) = self.messages.entry(message.0).or_default().get_mut(&queue.0) {
                    *state = (*deliveries, true);
                }
            }
            Record::Delivered { queue, up_to } => {
                let known = self.delivered.entry(queue.0).or_default();
                *known = (*known).max(up_to.0);
            }
            Record::Deleted { queue } => {
                for queues in self.messages.values_mut() {
                    queues.remove(&queue.0);
                }
                self.delivered.remove(&queue.0);
            }
        }
        self.messages.retain(|_, queues| !queues.is_empty());
    }

    pub fn known(&self) -> Known {
        let of = |(id, queues): (&u64, &BTreeMap<u64, (u32, bool)>)| {
            let states = queues.iter().map(|(queue, (deliveries, redelivered))| {
                let delivered = self.delivered.get(queue).is_some_and(|up_to| id <= up_to);
                (*queue, *deliveries, *redelivered || delivered)
            });
            (*id, states.collect())
        };
        self.messages.iter().map(of).collect()
    }
}
