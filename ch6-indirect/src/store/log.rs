//! The log: records are encoded where they will stand, and wait in memory for the writer.
//!
//! ```text
//!   append ──► pending: bytes, and where each piece of them goes ──take──► Batch ──► writer: write, fdatasync
//!         └──► index: where each living message is
//! ```
//!
//! `append` costs a copy and a check sum, under a lock that nobody holds for long: the disk is the writer's.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::body::{Body, MessageBody, Queues};
use super::disk;
use super::index::{Index, Place};
use super::room::SegmentFile;
use super::segment::{END, Found, HEAD, HEADER, Header, Seed, SegmentId, space};
use crate::broker::{MessageId, Record, RecordNumber};
use crate::store::Counters;

/// Buffers that have grown longer than this are not kept.
const KEPT_BUFFER: usize = 4 << 20;

/// Records that are to be written.
#[derive(Debug, Default)]
pub struct Batch {
    /// All of them, sealed.
    pub bytes: Vec<u8>,
    /// Which of the bytes go where: one piece for each segment.
    pub pieces: Vec<Piece>,
    /// The record of the highest number.
    pub number: RecordNumber,
    /// Segments up to this one are not needed when the batch is on the disk.
    pub free: Option<SegmentId>,
}

/// What goes into one segment.
#[derive(Debug)]
pub struct Piece {
    /// Which.
    pub segment: SegmentId,
    /// From which byte of it on.
    pub offset: u64,
    /// These of the batch's bytes.
    pub range: Range<usize>,
    /// How long the segment's file must be.
    pub size: u64,
}

impl Batch {
    /// A record that is in it.
    fn record(&self, place: Place) -> Option<&[u8]> {
        let piece = self.pieces.iter().find(|piece| {
            let range = piece.offset..piece.offset + piece.range.len() as u64;
            piece.segment == place.segment && range.contains(&u64::from(place.offset))
        })?;
        let from = piece.range.start + (u64::from(place.offset) - piece.offset) as usize;
        self.bytes.get(from..from + HEAD + place.length as usize)
    }
}

/// The segment that is being filled.
#[derive(Debug)]
struct Current {
    id: SegmentId,
    seed: Seed,
    /// Where the next record goes. [`u64::MAX`] in a segment that is not begun: the first record begins another.
    offset: u64,
    size: u64,
}

/// What `append` and the writer share.
#[derive(Debug)]
pub struct Log {
    /// The size of a segment, if it is not made for one long record.
    size: u64,
    state: Mutex<State>,
    wake: Condvar,
}

/// Behind the lock.
#[derive(Debug)]
pub struct State {
    /// The messages that live.
    pub index: Index,
    /// The files of the segments that have one: those that a batch was written to.
    pub files: BTreeMap<SegmentId, SegmentFile>,
    /// Segments before this one are free.
    pub oldest: SegmentId,
    /// Seeds of the segments in use, to check what is read.
    seeds: BTreeMap<SegmentId, Seed>,
    current: Current,
    pending: Batch,
    in_flight: Option<Arc<Batch>>,
    /// A buffer that was used.
    spare: Vec<u8>,
    is_asleep: bool,
    is_ended: bool,
    is_failed: bool,
    /// What was done.
    pub counters: Counters,
}

impl State {
    /// What recovery has found. The next record begins the segment after `last`.
    #[must_use]
    pub fn new(
        index: Index,
        files: BTreeMap<SegmentId, SegmentFile>,
        seeds: BTreeMap<SegmentId, Seed>,
        last: SegmentId,
    ) -> State {
        let oldest = files.keys().next().copied().unwrap_or(SegmentId(last.0 + 1));
        let seed = Header { id: last, salt: 0, last_message: MessageId(0) }.seed();
        State {
            index,
            files,
            oldest,
            seeds,
            current: Current { id: last, seed, offset: u64::MAX, size: 0 },
            pending: Batch::default(),
            in_flight: None,
            spare: Vec::new(),
            is_asleep: false,
            is_ended: false,
            is_failed: false,
            counters: Counters::default(),
        }
    }

    /// Whether something waits to be written.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        !self.pending.pieces.is_empty()
    }

    /// Segments in use.
    #[must_use]
    pub fn segments(&self) -> u64 {
        self.seeds.len() as u64
    }

    /// Whether the log is to be ended when nothing waits.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// The seed of a segment in use.
    #[must_use]
    pub fn seed(&self, segment: SegmentId) -> Option<Seed> {
        self.seeds.get(&segment).copied()
    }

    /// Bytes that are left in the segment that is being filled.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.current.size.saturating_sub(self.current.offset)
    }

    fn push(&mut self, body: &Body<'_>, size: u64) {
        let length = body.length();
        if self.current.offset.saturating_add(space(length) + END) > self.current.size {
            self.begin_segment(size.max(HEADER + space(length) + END));
        }
        let (segment, offset) = (self.current.id, self.current.offset);
        if self.pending.pieces.last().is_none_or(|piece| piece.segment != segment) {
            let at = self.pending.bytes.len();
            let piece = Piece { segment, offset, range: at..at, size: self.current.size };
            self.pending.pieces.push(piece);
        }
        let bytes = &mut self.pending.bytes;
        let start = bytes.len();
        bytes.resize(start + HEAD, 0);
        body.encode(bytes);
        debug_assert_eq!(bytes.len(), start + HEAD + length);
        self.current.seed.seal(&mut bytes[start..], offset);
        bytes.resize(start + space(length) as usize, 0);
        self.pending.pieces.last_mut().expect("just pushed").range.end = bytes.len();
        self.current.offset += space(length);
        self.index.apply(body, Place { segment, offset: offset as u32, length: length as u32 });
    }

    fn begin_segment(&mut self, size: u64) {
        self.end_piece();
        let id = SegmentId(self.current.id.0 + 1);
        let header = Header { id, salt: rand::random(), last_message: self.index.last_message() };
        let at = self.pending.bytes.len();
        header.encode(&mut self.pending.bytes);
        self.pending.pieces.push(Piece { segment: id, offset: 0, range: at..self.pending.bytes.len(), size });
        self.current = Current { id, seed: header.seed(), offset: HEADER, size };
        self.seeds.insert(id, header.seed());
    }

    /// Behind the last record of a piece stands the end; the next batch begins there and overwrites it.
    fn end_piece(&mut self) {
        if let Some(piece) = self.pending.pieces.last_mut() {
            self.pending.bytes.extend_from_slice(&[0; END as usize]);
            piece.range.end = self.pending.bytes.len();
        }
    }

    /// All that waits. What is taken is still found by [`Log::read`].
    pub fn take(&mut self) -> Arc<Batch> {
        self.end_piece();
        self.pending.free = self.dead().filter(|last| self.index.delivered_in(*last).is_empty());
        let spare = std::mem::take(&mut self.spare);
        let next = Batch { bytes: spare, number: self.pending.number, ..Batch::default() };
        let batch = Arc::new(std::mem::replace(&mut self.pending, next));
        self.in_flight = Some(Arc::clone(&batch));
        batch
    }

    /// The batch is on the disk.
    pub fn written(&mut self, batch: Arc<Batch>) {
        self.in_flight = None;
        if let Ok(Batch { mut bytes, .. }) = Arc::try_unwrap(batch)
            && bytes.capacity() <= KEPT_BUFFER
        {
            bytes.clear();
            self.spare = bytes;
        }
    }

    /// The last of the oldest segments in which nothing lives. Only from the oldest on, without a gap: what a segment says of
    /// messages in an older one must not go before that one.
    #[must_use]
    pub fn dead(&self) -> Option<SegmentId> {
        let segments = (self.oldest.0..self.current.id.0).map(SegmentId);
        segments.take_while(|segment| self.index.living(*segment).messages == 0).last()
    }

    /// The segment is free: its file.
    pub fn remove_oldest(&mut self) -> Option<SegmentFile> {
        self.seeds.remove(&self.oldest);
        let file = self.files.remove(&self.oldest);
        self.oldest.0 += 1;
        file
    }
}

impl Log {
    /// With segments of `size` bytes.
    #[must_use]
    pub fn new(size: u64, state: State) -> Log {
        Log { size, state: Mutex::new(state), wake: Condvar::new() }
    }

    /// What is behind the lock.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a record, and wakes the writer if it sleeps. After a failure nothing is taken.
    pub fn append(&self, number: RecordNumber, record: &Record) {
        let mut state = self.state();
        if state.is_failed {
            return;
        }
        state.push(&Body::of(record), self.size);
        state.pending.number = number;
        state.counters.records += 1;
        let is_asleep = std::mem::take(&mut state.is_asleep);
        drop(state);
        if is_asleep {
            self.wake.notify_all();
        }
    }

    /// Waits until the end was asked for, the time is over or, if the writer can take it, something is pending.
    pub fn wait(&self, for_pending: bool, timeout: Option<Duration>) {
        let mut state = self.state();
        if for_pending && state.is_pending() || state.is_ended {
            return;
        }
        state.is_asleep = for_pending;
        let idle = |state: &mut State| !state.is_ended && (state.is_asleep || !for_pending);
        let mut state = match timeout {
            Some(timeout) => {
                let waited = self.wake.wait_timeout_while(state, timeout, idle);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.wake.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner),
        };
        state.is_asleep = false;
    }

    /// Asks the writer to end when nothing waits.
    pub fn end(&self) {
        let mut state = self.state();
        state.is_ended = true;
        state.is_asleep = false;
        drop(state);
        self.wake.notify_all();
    }

    /// The writer has failed: nothing is taken from now on.
    pub fn fail(&self) {
        self.state().is_failed = true;
    }

    /// A message is written again, as it stands now, if it still lives at this place: so its segment becomes free.
    pub fn move_forward(&self, message: &MessageBody<'_>, place: Place) -> bool {
        let mut state = self.state();
        if state.index.place(message.id) != Some(place) {
            return false;
        }
        state.counters.copied += 1;
        let queues = state.index.queues(message.id);
        state.push(&Body::Message(MessageBody { queues: Queues::Known(&queues), ..*message }), self.size);
        true
    }

    /// A message that the disk has lost while the broker ran. The broker may still have it in memory; the log has it no more.
    pub fn give_up(&self, message: MessageId, place: Place) {
        let mut state = self.state();
        if state.index.place(message) == Some(place) {
            let (SegmentId(segment), MessageId(message)) = (place.segment, message);
            tracing::error!(segment, place.offset, message, "a message cannot be read any more");
            state.index.give_up(MessageId(message));
        }
    }

    /// What segments up to this one say about deliveries is said again.
    pub fn move_delivered(&self, up_to: SegmentId) {
        let mut state = self.state();
        for (queue, message) in state.index.delivered_in(up_to) {
            state.push(&Body::Delivered(queue, message), self.size);
        }
    }

    /// Properties and body of a message.
    ///
    /// # Errors
    /// It is not in the log, or its record cannot be read.
    pub fn read(&self, message: MessageId) -> std::io::Result<Bytes> {
        let mut before = None;
        loop {
            let state = self.state();
            let Some(place) = state.index.place(message) else {
                return Err(std::io::Error::new(
                    std::io::ErrorKind::NotFound,
                    "the message is not in the log",
                ));
            };
            let waiting = [Some(&state.pending), state.in_flight.as_deref()];
            if let Some(record) = waiting.into_iter().flatten().find_map(|batch| batch.record(place)) {
                return content(&record[HEAD..]);
            }
            let file = state.files.get(&place.segment).map(|file| Arc::clone(&file.file));
            let (Some(file), Some(seed)) = (file, state.seed(place.segment)) else {
                return Err(std::io::Error::other("the segment of the message has no file"));
            };
            drop(state);
            let mut record = vec![0; HEAD + place.length as usize];
            let read = disk::read(&*file, &mut record, u64::from(place.offset))?;
            if let Found::Record(body) = seed.open(&record[..read], u64::from(place.offset)) {
                return content(body);
            }
            // It may have been moved while it was read, and its segment be used again.
            if before.replace(place) == Some(place) {
                let SegmentId(segment) = place.segment;
                let text = format!("segment {segment}, offset {}: the check sum is wrong", place.offset);
                return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, text));
            }
        }
    }
}

fn content(body: &[u8]) -> std::io::Result<Bytes> {
    match Body::decode(body) {
        Some(Body::Message(message)) => Ok(Bytes::copy_from_slice(message.content)),
        _ => Err(std::io::ErrorKind::InvalidData.into()),
    }
}
