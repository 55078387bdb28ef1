//! One measurement: one thread that publishes and acknowledges, as the broker does under its lock.
//!
//! It is a closed loop: twice `batch` messages wait for the disk at most, one half on its way to it and the other half behind. So an
//! fdatasync is for as many as with the bare writer, which writes the bytes of `batch` messages, syncs, and does it again: no index,
//! no check sum, no second thread.

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use ch6_indirect::amqp::command::Content;
use ch6_indirect::broker::output::{Definition, QueueDefinition, QueueId};
use ch6_indirect::broker::{Message, MessageId, Record, RecordNumber};
use ch6_indirect::store::body::Body;
use ch6_indirect::store::key_value::KeyValueStore;
use ch6_indirect::store::on_fjall::Fjall;
use ch6_indirect::store::on_redb::Redb;
use ch6_indirect::store::segment::space;
use ch6_indirect::store::segment_store::{SEGMENT, SegmentStore};
use ch6_indirect::store::{Event, Store, Synced};
use hdrhistogram::Histogram;
use serde::Serialize;
use tempfile::TempDir;

/// The length of a body in bytes.
const LENGTH: usize = 128;
/// How many messages are in the queue.
const WAITING: u64 = 1000;
const QUEUE: QueueId = QueueId(1);

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The same bytes, write and fdatasync.
    Bare,
    /// Our log.
    Segments,
    /// The store on fjall.
    Fjall,
    /// The store on redb.
    Redb,
}

impl Kind {
    /// The bare writer first: the others are compared with it.
    pub const ALL: [Kind; 4] = [Kind::Bare, Kind::Segments, Kind::Fjall, Kind::Redb];

    /// In a table.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Bare => "bare",
            Kind::Segments => "our log",
            Kind::Fjall => "fjall",
            Kind::Redb => "redb",
        }
    }

    /// What is particular to it.
    pub fn note(self) -> &'static str {
        match self {
            Kind::Bare => "the same bytes into a file that is there, no index",
            Kind::Segments => "",
            Kind::Fjall => "3.1, batch with SyncData",
            Kind::Redb => "4.6, Immediate",
        }
    }
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Sample {
    /// Published and acknowledged.
    pub messages_per_s: f64,
    /// From the append to the fdatasync behind it.
    pub p50_us: f64,
    /// The same.
    pub p99_us: f64,
    /// fdatasync, or commits.
    pub syncs_per_s: Option<f64>,
}

/// One that is measured, round after round: what it has made at first (files of zeros, tables) is there in the next round.
pub struct Subject {
    kind: Kind,
    what: What,
    /// It goes when this does.
    _directory: TempDir,
}

enum What {
    Bare { file: File, offset: u64 },
    Store { store: Box<dyn Store>, safe: Arc<AtomicU64>, id: u64, number: u64 },
}

impl Subject {
    /// A new one, to be measured by the same thread.
    ///
    /// # Errors
    /// The disk does not do what it should.
    pub fn new(kind: Kind) -> anyhow::Result<Subject> {
        let directory =
            tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).context("no directory for the log")?;
        let path = directory.path();
        let safe = Arc::new(AtomicU64::new(0));
        let (said, reader) = (Arc::clone(&safe), thread::current());
        let synced: Synced = Arc::new(move |event| {
            let number = if let Event::Synced(RecordNumber(number)) = event { number } else { u64::MAX };
            said.store(number, Ordering::Release);
            reader.unpark();
        });
        let store: Box<dyn Store> = match kind {
            Kind::Bare => {
                let file = File::create_new(path.join("log"))?;
                let zeros = vec![0; 1 << 20];
                for at in 0..SEGMENT >> 20 {
                    file.write_all_at(&zeros, at << 20)?;
                }
                file.sync_all()?;
                return Ok(Subject { kind, what: What::Bare { file, offset: 0 }, _directory: directory });
            }
            Kind::Segments => {
                let (store, _) = SegmentStore::open(path, SEGMENT, synced)?;
                define(&store)?;
                Box::new(store)
            }
            Kind::Fjall => Box::new(KeyValueStore::open(Fjall::open(path)?, synced)?.0),
            Kind::Redb => Box::new(KeyValueStore::open(Redb::open(&path.join("redb"))?, synced)?.0),
        };
        Ok(Subject { kind, what: What::Store { store, safe, id: 0, number: 0 }, _directory: directory })
    }

    /// Measures it for `time`, with an fdatasync for `batch` messages.
    ///
    /// # Errors
    /// The disk does not do what it should.
    pub fn measure(&mut self, batch: u64, time: Duration) -> anyhow::Result<Sample> {
        let sample = match &mut self.what {
            What::Bare { file, offset } => bare(file, offset, batch, time)?,
            What::Store { store, safe, id, number } => {
                let sample = run(&**store, safe, (&mut *id, &mut *number), batch, time)?;
                while safe.load(Ordering::Acquire) < *number
                    || self.kind == Kind::Segments && store.counters().segments.1 == 0
                {
                    thread::sleep(Duration::from_millis(1));
                }
                sample
            }
        };
        // What it does in the background is not to be the next one's burden.
        thread::sleep(Duration::from_millis(200));
        Ok(sample)
    }
}

fn run(
    store: &dyn Store,
    safe: &AtomicU64,
    (id, number): (&mut u64, &mut u64),
    batch: u64,
    time: Duration,
) -> anyhow::Result<Sample> {
    let content = content();
    let mut waits = Histogram::<u64>::new_with_max(60_000_000_000, 3)?;
    let mut asked: VecDeque<(u64, Instant)> = VecDeque::new();
    let (began, warm) = (Instant::now(), time / 5);
    let mut counted: Option<(Instant, u64, u64)> = None;
    let end = loop {
        let confirmed = safe.load(Ordering::Acquire);
        anyhow::ensure!(confirmed != u64::MAX, "the store has failed");
        let now = Instant::now();
        while asked.front().is_some_and(|(number, _)| *number <= confirmed) {
            let (_, at) = asked.pop_front().expect("just seen");
            if counted.is_some() {
                waits.saturating_record((now - at).as_nanos() as u64);
            }
        }
        if counted.is_none() && now - began >= warm {
            counted = Some((now, confirmed, store.counters().syncs));
        }
        if now - began >= warm + time {
            break now;
        }
        if *number >= confirmed + 4 * batch {
            thread::park();
            continue;
        }
        asked.push_back((*number + 2, now));
        // As many as there is room for, up to a few: the clock is not what is measured.
        let free = (confirmed + 4 * batch - *number).div_ceil(2).min(16);
        for _ in 0..free {
            *id += 1;
            *number += 2;
            store.append(RecordNumber(*number - 1), &message(*id, &content));
            let message = MessageId(id.saturating_sub(WAITING));
            store.append(RecordNumber(*number), &Record::Removed { message, queue: QUEUE });
        }
    };
    let (from, confirmed, syncs) = counted.context("the time was too short")?;
    let per_s = |count: u64| count as f64 / (end - from).as_secs_f64();
    let sample = Sample {
        messages_per_s: per_s((safe.load(Ordering::Acquire) - confirmed) / 2),
        p50_us: waits.value_at_quantile(0.5) as f64 / 1e3,
        p99_us: waits.value_at_quantile(0.99) as f64 / 1e3,
        syncs_per_s: Some(per_s(store.counters().syncs - syncs)),
    };
    Ok(sample)
}

/// The queue must be defined: messages of others do not come back.
///
/// # Errors
/// What the disk says.
pub fn define(store: &dyn Store) -> std::io::Result<()> {
    let queue = QueueDefinition { id: QUEUE, auto_delete: false, arguments: Vec::new() };
    store.define(&Definition::Queue { vhost: "/".into(), name: "q".into(), queue: Some(queue) })
}

/// What all messages carry.
pub fn content() -> Content {
    Content::new(Bytes::from(vec![7; LENGTH]), 3)
}

/// A message, published.
pub fn message(id: u64, content: &Content) -> Record {
    let message = Message {
        id: MessageId(id),
        exchange: "".into(),
        routing_key: "q".into(),
        is_persistent: true,
        priority: 0,
        expiration: None,
        content: content.clone(),
    };
    Record::Message { message: Arc::new(message), queues: [QUEUE].into(), expires: None }
}

fn bare(file: &File, offset: &mut u64, batch: u64, time: Duration) -> anyhow::Result<Sample> {
    let content = content();
    let published = message(1, &content);
    let acknowledged = Record::Removed { message: MessageId(1), queue: QUEUE };
    let records =
        [&published, &acknowledged].map(|record| vec![1; space(Body::of(record).length()) as usize]);
    let mut waits = Histogram::<u64>::new_with_max(60_000_000_000, 3)?;
    let mut bytes = Vec::new();
    let mut messages = 0;
    let (began, warm) = (Instant::now(), time / 5);
    let mut counted: Option<(Instant, u64)> = None;
    let mut syncs = 0;
    let end = loop {
        let now = Instant::now();
        if counted.is_none() && now - began >= warm {
            counted = Some((now, messages));
            syncs = 0;
            waits.reset();
        }
        if now - began >= warm + time {
            break now;
        }
        bytes.clear();
        for _ in 0..batch {
            records.iter().for_each(|record| bytes.extend_from_slice(record));
        }
        if *offset + bytes.len() as u64 > SEGMENT {
            *offset = 0;
        }
        file.write_all_at(&bytes, *offset)?;
        file.sync_data()?;
        *offset += bytes.len() as u64;
        syncs += 1;
        messages += batch;
        waits.saturating_record(now.elapsed().as_nanos() as u64);
    };
    let (from, before) = counted.context("the time was too short")?;
    let per_s = |count: u64| count as f64 / (end - from).as_secs_f64();
    Ok(Sample {
        messages_per_s: per_s(messages - before),
        p50_us: waits.value_at_quantile(0.5) as f64 / 1e3,
        p99_us: waits.value_at_quantile(0.99) as f64 / 1e3,
        syncs_per_s: Some(per_s(syncs)),
    })
}
