//! The start: reads all segments in their order, follows what their records say, and finds what is left.
//!
//! ```text
//!   1. headers: which files are segments, in which order; the others are room
//!   2. records of each segment ──► index        one segment in memory at a time
//!   3. living messages, from where the index says they are ──► Recovered
//! ```
//!
//! Contents are copied out of the segments, into blocks that several messages share: a slice of the segment would keep its 64 MiB for
//! one message that is left, and an allocation for each would cost a million of them 50 MB.
//!
//! Nothing is written behind an old end: the next record begins a new segment. What was torn stays behind, and cannot be taken for
//! something that follows the new records.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::body::{Body, MessageBody};
use super::disk::{self, Disk, DiskFile};
use super::index::{Index, Place};
use super::log::State;
use super::room::{Room, SegmentFile};
use super::segment::{END, HEAD, HEADER, Header, Piece, Pieces, SegmentId};
use super::{Recovered, RecoveredMessage};
use crate::amqp::command::Content;
use crate::broker::Message;
use crate::broker::output::QueueId;

/// Contents share blocks of so many bytes; longer ones have their own.
const BLOCK: usize = 64 << 10;
/// How much of a segment is read at once for its living messages.
const WINDOW: usize = 1 << 20;

/// What was found, before the messages are read.
#[derive(Debug)]
pub struct Recovery {
    /// The log as it goes on.
    pub state: State,
    /// Free files.
    pub room: Room,
    /// What could not be read.
    pub damaged: Vec<String>,
}

/// A segment's file and what it begins with.
struct Segment {
    header: Header,
    file: SegmentFile,
}

/// Steps 1 and 2.
///
/// # Errors
/// The directory or a file cannot be read. What is wrong in a file is no error.
pub fn recover(disk: &Arc<dyn Disk>, size: u64) -> io::Result<Recovery> {
    let mut damaged = Vec::new();
    let mut numbers: Vec<u32> = disk.names()?.iter().filter_map(|name| Room::number(name)).collect();
    numbers.sort_unstable();
    let (mut segments, mut ready) = (Vec::new(), Vec::new());
    for &number in &numbers {
        let file = disk.open(&Room::name(number))?;
        let length = file.length()?;
        let mut first = [0; HEADER as usize];
        let read = disk::read(&*file, &mut first, 0)?;
        let file = SegmentFile { number, file, size: length };
        match Header::decode(&first[..read]) {
            Some(header) => segments.push(Segment { header, file }),
            None if first.iter().any(|byte| *byte != 0) => {
                damaged.push(format!("{}: no header can be read, all in it is lost", Room::name(number)));
            }
            None if length == size => ready.push(file),
            // A file that was not finished, or one for a long message.
            None => disk.remove(&Room::name(number))?,
        }
    }
    segments.sort_by_key(|segment| segment.header.id);
    let mut index = Index::default();
    let (mut files, mut seeds) = (BTreeMap::new(), BTreeMap::new());
    let mut bytes = Vec::new();
    let mut last: Option<SegmentId> = None;
    for Segment { header, file } in segments {
        if let Some(SegmentId(last)) = last
            && header.id.0 != last + 1
        {
            damaged.push(format!("segments {} to {}: there is no file of them", last + 1, header.id.0 - 1));
        }
        last = Some(header.id);
        bytes.resize(usize::try_from(file.size).map_err(io::Error::other)?, 0);
        let read = disk::read(&*file.file, &mut bytes, 0)?;
        index.seen(header.last_message);
        follow(&mut index, &header, &bytes[..read], &*file.file, &mut damaged)?;
        // What was read may be in the kernel's memory only. From here on it counts as kept.
        file.file.sync()?;
        seeds.insert(header.id, header.seed());
        files.insert(header.id, file);
    }
    let next_number = numbers.last().map_or(0, |last| last + 1);
    let room = Room::new(Arc::clone(disk), size, ready, next_number);
    let state = State::new(index, files, seeds, last.unwrap_or(SegmentId(0)));
    Ok(Recovery { state, room, damaged })
}

/// Follows the records of one segment.
fn follow(
    index: &mut Index,
    header: &Header,
    bytes: &[u8],
    file: &dyn DiskFile,
    damaged: &mut Vec<String>,
) -> io::Result<()> {
    let SegmentId(id) = header.id;
    for piece in Pieces::new(bytes, header) {
        match piece {
            Piece::Record { offset, body: bytes } => match Body::decode(bytes) {
                Some(body) => {
                    let place =
                        Place { segment: header.id, offset: offset as u32, length: bytes.len() as u32 };
                    index.apply(&body, place);
                }
                None => damaged.push(format!("segment {id}, offset {offset}: a record that says nothing")),
            },
            Piece::Damaged { from, to } => {
                let bytes = to - from;
                damaged.push(format!(
                    "segment {id}, offset {from}: {bytes} bytes are damaged, what they said is lost"
                ));
            }
            Piece::Cut { from } => {
                damaged
                    .push(format!("segment {id}, offset {from}: an unfinished record at the end is cut off"));
                // Named once: from now on the segment ends here.
                disk::write(file, &[0; END as usize], from)?;
            }
        }
    }
    Ok(())
}

/// Step 3: the messages that live, in the order in which they came.
///
/// # Errors
/// A file cannot be read.
pub fn messages(state: &State, recovered: &mut Recovered) -> io::Result<()> {
    let index = &state.index;
    recovered.last_message = Some(index.last_message()).filter(|last| last.0 > 0);
    recovered.messages.reserve_exact(index.count());
    let mut window = Window::default();
    let mut block = BytesMut::new();
    for (id, place) in index.messages() {
        let Some(file) = state.files.get(&place.segment) else { continue };
        let body = match Body::decode(window.body(&*file.file, place)?) {
            Some(Body::Message(body)) if body.id == id => body,
            _ => {
                let (SegmentId(segment), offset) = (place.segment, place.offset);
                recovered
                    .damaged
                    .push(format!("segment {segment}, offset {offset}: it changed while it was read"));
                continue;
            }
        };
        let queues = index.queues(id).into_iter();
        let queues: Vec<(QueueId, u32, bool)> =
            queues.map(|(queue, state)| (queue, state.deliveries(), state.is_redelivered())).collect();
        let message = Arc::new(message(&body, &mut block));
        recovered.messages.push(RecoveredMessage { message, expires: body.expires, queues });
    }
    Ok(())
}

pub(super) fn message(body: &MessageBody<'_>, block: &mut BytesMut) -> Message {
    Message {
        id: body.id,
        exchange: body.exchange.into(),
        routing_key: body.routing_key.into(),
        is_persistent: body.is_persistent,
        priority: body.priority,
        expiration: body.expiration,
        content: Content::new(shared(body.content, block), body.properties),
    }
}

/// The same bytes, in a block that they share with others if they are short.
fn shared(content: &[u8], block: &mut BytesMut) -> Bytes {
    if content.len() > BLOCK / 4 {
        return Bytes::copy_from_slice(content);
    }
    if block.capacity() < content.len() {
        *block = BytesMut::with_capacity(BLOCK);
    }
    block.extend_from_slice(content);
    block.split().freeze()
}

/// A piece of a segment, in memory.
#[derive(Default)]
struct Window {
    segment: Option<SegmentId>,
    from: u64,
    bytes: Vec<u8>,
}

impl Window {
    fn body(&mut self, file: &dyn DiskFile, place: Place) -> io::Result<&[u8]> {
        let from = u64::from(place.offset) + HEAD as u64;
        let to = from + u64::from(place.length);
        let is_inside = from >= self.from && to <= self.from + self.bytes.len() as u64;
        if self.segment != Some(place.segment) || !is_inside {
            self.bytes.resize(WINDOW.max(place.length as usize), 0);
            let read = disk::read(file, &mut self.bytes, from)?;
            self.bytes.truncate(read);
            (self.segment, self.from) = (Some(place.segment), from);
        }
        let start = (from - self.from) as usize;
        Ok(self.bytes.get(start..start + place.length as usize).unwrap_or_default())
    }
}
