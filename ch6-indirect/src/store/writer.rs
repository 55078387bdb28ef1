//! The writer: takes all that waits, writes it, syncs once, says so; and between two batches keeps the log small.
//!
//! ```text
//!   write_batch:  take all ──► write ──► fdatasync ──► Synced(number)
//!   keep:         free the oldest segments; one step of: room for the next segment, moving messages out of the oldest
//! ```
//!
//! The batch is as long as the last fdatasync took: whoever comes meanwhile travels with the next one. Nothing is tuned.
//!
//! The log is kept at most twice as long as what lives in it (and `SLACK` segments): beyond it, what lives in the oldest segment is
//! written again at the end. So a byte is copied for a byte that was freed, at most, and the next start reads no more than that:
//! this is what bounds its time.

use std::io;
use std::sync::Arc;

use super::body::Body;
use super::disk;
use super::index::Place;
use super::log::{Batch, Log};
use super::room::Room;
use super::segment::{Found, HEAD, SegmentId};
use crate::broker::{MessageId, RecordNumber};

/// So many segments may be in use, whatever lives in them.
const SLACK: u64 = 4;
/// Bytes that are moved between two batches.
const MOVED: usize = 256 << 10;

/// The writer's part of the log.
#[derive(Debug)]
pub struct Writer {
    log: Arc<Log>,
    room: Room,
    size: u64,
    syncs: u64,
    /// A batch, and how many of its pieces are written: there was no room for the next.
    waiting: Option<(Arc<Batch>, usize)>,
    /// Segments up to this one are not needed any more.
    free: Option<SegmentId>,
    /// Bytes of the last batch.
    written: usize,
    /// What is left to be moved out of a segment.
    moving: Option<(SegmentId, std::vec::IntoIter<(MessageId, Place)>)>,
}

impl Writer {
    /// With segments of `size` bytes.
    #[must_use]
    pub fn new(log: Arc<Log>, room: Room, size: u64) -> Writer {
        Writer { log, room, size, syncs: 0, waiting: None, free: None, written: 0, moving: None }
    }

    /// Why there is no room; `None` while there is.
    #[must_use]
    pub fn refused(&self) -> Option<&str> {
        self.room.refused()
    }

    /// Whether records wait that have no place on the disk.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Writes what waits. Returns the number up to which all is safe: to be said before [`keep`](Writer::keep) is called.
    /// `retry`: asks for room although it was refused.
    ///
    /// # Errors
    /// The disk has failed. What it holds is not known any more: no further call.
    pub fn write_batch(&mut self, retry: bool) -> io::Result<Option<RecordNumber>> {
        if self.waiting.is_none() {
            self.say_deliveries_again();
            let mut state = self.log.state();
            if state.is_pending() || state.dead().is_some() {
                self.waiting = Some((state.take(), 0));
            }
        }
        let Some((batch, pieces)) = self.waiting.take() else { return Ok(None) };
        let pieces = self.write(&batch, pieces)?;
        if let Some(next) = batch.pieces.get(pieces) {
            let size = next.size;
            self.waiting = Some((batch, pieces));
            self.make_room(size, 1, retry);
            return Ok(None);
        }
        let number = batch.number;
        self.written = batch.bytes.len();
        self.free = self.free.max(batch.free);
        self.log.state().written(batch);
        Ok(Some(number))
    }

    /// Keeps the log small, and room ready: one step of it, after a batch. Returns whether there is more to do at once.
    ///
    /// # Errors
    /// As [`write_batch`](Writer::write_batch).
    pub fn keep(&mut self, retry: bool) -> io::Result<bool> {
        self.free_segments()?;
        let is_busy = if self.waiting.is_some() {
            self.room.refused().is_none()
        } else if self.room.is_wanted(self.size) {
            let written = std::mem::take(&mut self.written);
            self.make_room(self.size, written, retry)
        } else {
            self.move_some()?
        };
        let mut state = self.log.state();
        state.counters.segments = (state.segments(), self.room.ready() as u64);
        state.counters.syncs = self.syncs + self.room.syncs();
        Ok(is_busy)
    }

    /// Writes pieces from this one on, each to the file of its segment; returns where there was no file.
    fn write(&mut self, batch: &Batch, from: usize) -> io::Result<usize> {
        for (index, piece) in batch.pieces.iter().enumerate().skip(from) {
            let known = self.log.state().files.get(&piece.segment).cloned();
            let file = match known {
                Some(file) => file,
                None => match self.room.take(piece.size) {
                    Some(file) => file,
                    None => return Ok(index),
                },
            };
            disk::write(&*file.file, &batch.bytes[piece.range.clone()], piece.offset)?;
            // The descriptor that wrote: another one may not be told of an error. And before the next segment is begun, so that
            // only the last one can have a torn end.
            file.file.sync()?;
            let mut state = self.log.state();
            state.files.insert(piece.segment, file);
            state.counters.bytes += piece.range.len() as u64;
            self.syncs += 1;
        }
        Ok(batch.pieces.len())
    }

    /// Segments that were not needed when a batch was taken, which is on the disk now: what made them so is in it.
    fn free_segments(&mut self) -> io::Result<()> {
        let Some(last) = self.free.take() else { return Ok(()) };
        loop {
            let mut state = self.log.state();
            if state.oldest > last {
                return Ok(());
            }
            let file = state.remove_oldest();
            drop(state);
            if let Some(file) = file {
                self.room.free(file)?;
            }
        }
    }

    /// Makes steps until as much is made as was written, so that the room is there when it is needed; returns whether more are to be made.
    fn make_room(&mut self, size: u64, written: usize, retry: bool) -> bool {
        if self.room.refused().is_some() && !retry {
            return false;
        }
        self.room.step(size);
        let mut made = Room::STEP;
        while made < 2 * written && self.room.is_wanted(size) && self.room.refused().is_none() {
            self.room.step(size);
            made += Room::STEP;
        }
        self.room.refused().is_none()
    }

    /// What dead segments say about deliveries must not go with them.
    fn say_deliveries_again(&self) {
        let dead = self.log.state().dead();
        if let Some(last) = dead {
            self.log.move_delivered(last);
        }
    }

    /// Moves messages out of the oldest segment, if the log is too long; returns whether there is more to move.
    fn move_some(&mut self) -> io::Result<bool> {
        if self.moving.is_none() {
            self.moving = self.to_be_moved();
        }
        let Some((segment, messages)) = &mut self.moving else { return Ok(false) };
        let segment = *segment;
        let (file, seed) = {
            let state = self.log.state();
            (state.files.get(&segment).cloned(), state.seed(segment))
        };
        let (Some(file), Some(seed)) = (file, seed) else {
            self.moving = None;
            return Ok(false);
        };
        let mut moved = 0;
        while moved < MOVED {
            let Some((message, place)) = messages.next() else {
                self.moving = None;
                return Ok(true);
            };
            let mut record = vec![0; HEAD + place.length as usize];
            let read = disk::read(&*file.file, &mut record, u64::from(place.offset))?;
            match seed.open(&record[..read], u64::from(place.offset)) {
                Found::Record(body) if let Some(Body::Message(body)) = Body::decode(body) => {
                    if self.log.move_forward(&body, place) {
                        moved += record.len();
                    }
                }
                _ => self.log.give_up(message, place),
            }
        }
        Ok(true)
    }

    fn to_be_moved(&self) -> Option<(SegmentId, std::vec::IntoIter<(MessageId, Place)>)> {
        let state = self.log.state();
        let living = state.index.living_bytes();
        let oldest = state.oldest;
        let is_short = state.segments() <= 2 * living.div_ceil(self.size) + SLACK;
        // While the disk is full, what is moved must fit into what is left, and leave something for acknowledgements.
        let is_tight = self.room.refused().is_some()
            && state.left() < 2 * state.index.living(oldest).bytes + self.size / 4;
        if is_short || is_tight || state.dead().is_some() {
            return None;
        }
        let messages: Vec<_> = state.index.messages().filter(|(_, place)| place.segment == oldest).collect();
        Some((oldest, messages.into_iter()))
    }
}
