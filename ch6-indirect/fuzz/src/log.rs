//! A log that is written by a script, damaged by it, and read again.
//!
//! Whatever the script,
//! - the log starts, and every message it finds was written, whole, and comes in the order in which it was written;
//! - what is not damaged is found: where nothing was named, nothing is missing;
//! - it starts again, finds the same, and keeps what is written then.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use ch6_indirect::amqp::command::Content;
use ch6_indirect::broker::output::QueueId;
use ch6_indirect::broker::{Message, MessageId, Record, RecordNumber};
use ch6_indirect::store::Recovered;
use ch6_indirect::store::disk::Disk;
use ch6_indirect::store::log::Log;
use ch6_indirect::store::recovery;
use ch6_indirect::store::segment::Header;
use ch6_indirect::store::simulated::SimulatedDisk;
use ch6_indirect::store::writer::Writer;

use super::tape::Tape;

/// Small, so that a short script fills some.
const SIZE: u64 = 2048;
/// Records of a script, and how often it damages something.
const RECORDS: usize = 40;
const DAMAGES: usize = 6;

/// A script: records, and then damages.
pub fn log_recovery(script: &[u8]) {
    let mut tape = Tape(script);
    let disk = SimulatedDisk::default();
    let mut written = BTreeMap::new();
    let living = write(&disk, &mut tape, &mut written);
    let mut is_damaged = false;
    for _ in 0..DAMAGES {
        is_damaged |= damage(&disk, &mut tape);
    }
    let (found, names) = start(&disk, &written);
    if !is_damaged {
        assert_eq!((&found, names.len()), (&living, 0), "{names:?}");
    }
    if names.is_empty() {
        // A flipped bit of a gap between records is no damage; a whole segment that is zeros is one that nobody can miss.
        assert!(found.is_subset(&written.keys().copied().collect()));
    }
    let (again, _) = start(&disk, &written);
    assert_eq!(again, found, "the second start");
    let id = written.keys().next_back().map_or(1, |last| last + 1);
    written.insert(id, vec![1, 2, 3]);
    append(&disk, &[message(id, &[1, 2, 3])]);
    let (last, _) = start(&disk, &written);
    assert!(last.contains(&id) && last.is_superset(&found), "what was written after the start is lost");
}

fn message(id: u64, content: &[u8]) -> Record {
    let message = Message {
        id: MessageId(id),
        exchange: "".into(),
        routing_key: "q".into(),
        is_persistent: true,
        priority: 0,
        expiration: None,
        content: Content::new(Bytes::copy_from_slice(content), 0),
    };
    Record::Message { message: Arc::new(message), queues: [QueueId(1)].into(), expires: None }
}

fn append(disk: &SimulatedDisk, records: &[Record]) {
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let recovery = recovery::recover(&shared, SIZE).expect("a log starts");
    let log = Arc::new(Log::new(SIZE, recovery.state));
    let mut writer = Writer::new(Arc::clone(&log), recovery.room, SIZE);
    for (record, number) in records.iter().zip(1..) {
        log.append(RecordNumber(number), record);
        loop {
            writer.write_batch(true).expect("the disk is well");
            if !writer.keep(true).expect("the disk is well") && !writer.is_waiting() {
                break;
            }
        }
    }
}

/// Writes what the script says; returns what lives.
fn write(disk: &SimulatedDisk, tape: &mut Tape<'_>, written: &mut BTreeMap<u64, Vec<u8>>) -> BTreeSet<u64> {
    let mut living = BTreeSet::new();
    let mut records = Vec::new();
    for _ in 0..usize::from(tape.byte()) % RECORDS {
        let old = (written.len() as u64).saturating_sub(u64::from(tape.byte()) % 8);
        let (id, queue) = (MessageId(old), QueueId(1));
        records.push(match tape.byte() % 5 {
            0 => {
                living.remove(&old);
                Record::Removed { message: id, queue }
            }
            1 => Record::Requeued { message: id, queue, deliveries: 1 },
            2 => Record::Delivered { queue, up_to: id },
            _ => {
                let id = written.len() as u64 + 1;
                let content = tape.bytes().to_vec();
                living.insert(id);
                records.push(message(id, &content));
                written.insert(id, content);
                continue;
            }
        });
    }
    append(disk, &records);
    living
}

/// Changes a file; returns whether it did.
fn damage(disk: &SimulatedDisk, tape: &mut Tape<'_>) -> bool {
    let kind = tape.byte();
    let files = disk.contents();
    let segments = files.into_iter().filter(|(_, bytes)| Header::decode(bytes).is_some());
    let mut segments: Vec<_> = segments.collect();
    if segments.is_empty() || kind.is_multiple_of(6) {
        return false;
    }
    let which = usize::from(tape.byte()) % segments.len();
    let (name, mut bytes) = segments.swap_remove(which);
    let at = usize::from(tape.word()) % bytes.len();
    match kind % 6 {
        1 => bytes[at] ^= 1 << (tape.byte() % 8),
        2 => bytes.truncate(at),
        3 => bytes[at..].fill(0),
        4 => {
            let junk = tape.bytes();
            let length = junk.len().min(bytes.len() - at);
            bytes[at..at + length].copy_from_slice(&junk[..length]);
        }
        _ => {
            // A piece of another place, as a disk writes it that has lost its way.
            let from = usize::from(tape.word()) % bytes.len();
            let length = (bytes.len() - from.max(at)).min(512);
            bytes.copy_within(from..from + length, at);
        }
    }
    disk.put(&name, bytes);
    true
}

/// What a start finds.
fn start(disk: &SimulatedDisk, written: &BTreeMap<u64, Vec<u8>>) -> (BTreeSet<u64>, Vec<String>) {
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let recovery = recovery::recover(&shared, SIZE).expect("a log starts, whatever is in it");
    let mut recovered = Recovered { damaged: recovery.damaged, ..Recovered::default() };
    recovery::messages(&recovery.state, &mut recovered).expect("the disk is well");
    let mut found = BTreeSet::new();
    for each in &recovered.messages {
        let id = each.message.id.0;
        assert_eq!(
            Some(each.message.content.bytes().as_ref()),
            written.get(&id).map(Vec::as_slice),
            "message {id}"
        );
        assert!(found.last().is_none_or(|last| *last < id), "out of order");
        found.insert(id);
    }
    (found, recovered.damaged)
}
