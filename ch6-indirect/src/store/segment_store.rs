//! The store that the broker uses: the log, definitions in redb, and a directory that no other broker uses.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::definitions::Definitions;
use super::directory::Directory;
use super::disk::{Disk, RealDisk};
use super::recovery::{self, Recovery};
use super::running::RunningLog;
use super::{Counters, Recovered, Store, Synced};
use crate::broker::output::QueueId;
use crate::broker::{Definition, MessageId, Record, RecordNumber};

/// The size of a segment, in bytes.
pub const SEGMENT: u64 = 64 << 20;

/// Messages in our own log.
#[derive(Debug)]
pub struct SegmentStore {
    // In the order in which they go: the lock last.
    log: RunningLog,
    definitions: Definitions,
    _directory: Directory,
}

impl SegmentStore {
    /// Opens the store in a directory, which is made if it is not there. `segment` is the size of a segment in bytes; all starts of
    /// one directory should name the same. `synced` is told what happens on the disk.
    ///
    /// # Errors
    /// Another broker uses the directory, something else is in it, or it cannot be read. What is damaged in it is no error.
    pub fn open(path: &Path, segment: u64, synced: Synced) -> io::Result<(SegmentStore, Recovered)> {
        let directory = Directory::open(path)?;
        let definitions = Definitions::open(&path.join("definitions.redb"))?;
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(path));
        let (known, mut damaged) = definitions.all()?;
        let mut recovery: Recovery = recovery::recover(&disk, segment)?;
        damaged.append(&mut recovery.damaged);
        // A queue that is not defined was deleted, and a crash came before the log could say so.
        let queues: BTreeSet<QueueId> = known.iter().filter_map(queue_of).collect();
        recovery.state.index.remove_queues(|queue| !queues.contains(&queue));
        let mut recovered = Recovered { definitions: known, damaged, ..Recovered::default() };
        recovery::messages(&recovery.state, &mut recovered)?;
        // Before the first message, or its confirm would wait for 64 MiB of zeros.
        while recovery.room.is_wanted(segment) && recovery.room.refused().is_none() {
            recovery.room.step(segment);
        }
        let log = RunningLog::start(recovery, segment, synced)?;
        Ok((SegmentStore { log, definitions, _directory: directory }, recovered))
    }
}

fn queue_of(definition: &Definition) -> Option<QueueId> {
    match definition {
        Definition::Queue { queue: Some(queue), .. } => Some(queue.id),
        _ => None,
    }
}

impl Store for SegmentStore {
    fn append(&self, number: RecordNumber, record: &Record) {
        self.log.log().append(number, record);
    }

    fn read(&self, message: MessageId) -> io::Result<Bytes> {
        self.log.log().read(message)
    }

    fn define(&self, definition: &Definition) -> io::Result<()> {
        self.definitions.define(definition)
    }

    fn end(&self) {
        self.log.end();
    }

    fn counters(&self) -> Counters {
        self.log.log().state().counters
    }
}
