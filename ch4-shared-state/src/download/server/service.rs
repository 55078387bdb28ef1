//! The service: files over HTTP, each sent piece by piece when its time has come.
//!
//! ```text
//!   GET /file-1.bin ──► Answer: a stream ──► latency ─► head ─► piece ─► … ─► piece      no piece earlier than the rate allows
//! ```
//!
//! A file may be larger than memory. So it is read while it is sent: the next piece is asked for when the last has nearly left.
//! Nothing sleeps: a piece that may not leave yet says when it may.

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::core::service::{Answer, Body, BodyStream, Peer, Piece, Protocol, Service};
use common::protocol::http::{Keep, ResponseHead, Status};

use super::catalogue::Catalogue;
use super::protocol::{Http, Wanted};

/// The type of a file: a browser saves it. And of the list: a browser shows it.
const BINARY: &str = "application/octet-stream";
/// See [`BINARY`].
const TEXT: &str = "text/plain; charset=utf-8";

/// The longest piece, bytes: half of what the kernel takes at once from a sender, as a rule.
const CHUNK: u64 = 64 * 1024;

/// How often a connection with a rate gets a piece, per second: often enough that a progress bar moves smoothly.
const PIECES_PER_SECOND: u64 = 50;

/// A stream that is later than this does not make up for it.
const LATE: Duration = Duration::from_millis(100);

/// Files over HTTP, with a rate for each connection and a latency for each answer.
#[derive(Debug)]
pub struct Files {
    catalogue: Arc<Catalogue>,
    pace: Pace,
}

/// How slowly answers are sent.
#[derive(Debug, Clone, Copy)]
struct Pace {
    rate: Option<u64>,
    latency: Duration,
}

impl Files {
    /// `rate` is the most bytes per second of one connection; `latency` passes before the first byte of each answer.
    #[must_use]
    pub fn new(catalogue: Catalogue, rate: Option<u64>, latency: Duration) -> Files {
        Files { catalogue: Arc::new(catalogue), pace: Pace { rate, latency } }
    }

    /// What is sent: the head, and where the body comes from.
    fn find(&self, wanted: &Wanted) -> (Vec<u8>, Source) {
        let head =
            |status, length, kind| ResponseHead::new(status).content(kind, length).keep(wanted.keep).end();
        let found = |length, kind, source| {
            let source = if wanted.only_head { Source::Nothing } else { source };
            (head(Status::Ok, length, kind), source)
        };
        if wanted.name.is_empty() {
            let list = self.catalogue.list();
            return found(list.len() as u64, TEXT, Source::Text(list));
        }
        match self.catalogue.find(&wanted.name) {
            Some((file, length)) => found(length, BINARY, Source::File { file, from: 0, end: length }),
            None => (head(Status::NotFound, 0, TEXT), Source::Nothing),
        }
    }
}

impl Service for Files {
    type Request = Wanted;

    fn name(&self) -> &'static str {
        "files"
    }

    fn protocol(&self) -> impl Protocol<Request = Wanted> {
        Http
    }

    fn handle(&self, peer: &Peer, wanted: Wanted) -> Answer {
        let (head, source) = self.find(&wanted);
        let (catalogue, pace) = (Arc::clone(&self.catalogue), self.pace);
        let stream = FileStream { catalogue, peer: *peer, pace, head: Some(head), source, not_before: None };
        let body = Body::Stream(Box::new(stream));
        if wanted.keep == Keep::Close { Answer::last(body) } else { Answer::new(body) }
    }
}

/// An answer that is being sent.
struct FileStream {
    catalogue: Arc<Catalogue>,
    peer: Peer,
    pace: Pace,
    head: Option<Vec<u8>>,
    source: Source,
    /// The next piece leaves no earlier; `None` before the first.
    not_before: Option<Instant>,
}

/// What is left of the body.
enum Source {
    Nothing,
    Text(String),
    File { file: u32, from: u64, end: u64 },
}

impl BodyStream for FileStream {
    fn poll_piece(&mut self, now: Instant) -> Piece {
        let count = self.next_length();
        let time = self.pace.time_for(count);
        let not_before = *self.not_before.get_or_insert(now + self.pace.latency + time);
        if now < not_before {
            return Piece::NotBefore(not_before);
        }
        let mut bytes = match (self.head.take(), count) {
            (Some(head), _) => head,
            (None, 0) => return Piece::End,
            (None, _) => Vec::with_capacity(count as usize),
        };
        match &mut self.source {
            Source::Nothing => {}
            Source::Text(text) => {
                bytes.extend_from_slice(text.as_bytes());
                self.source = Source::Nothing;
            }
            Source::File { file, from, .. } => {
                if let Err(error) = self.catalogue.read(*file, *from, count as usize, &mut bytes) {
                    // The length has been announced. All that is left is an end before it, which the client notices.
                    tracing::warn!("client {}: its file cannot be read on: {error}", self.peer);
                    return Piece::Broken;
                }
                *from += count;
            }
        }
        let begin = if now > not_before + LATE { now } else { not_before };
        self.not_before = Some(begin + self.pace.time_for(self.next_length()));
        Piece::Bytes(bytes)
    }
}

impl FileStream {
    /// Bytes of the body in the next piece.
    fn next_length(&self) -> u64 {
        match &self.source {
            Source::Nothing => 0,
            Source::Text(text) => text.len() as u64,
            Source::File { from, end, .. } => (end - from).min(self.pace.chunk()),
        }
    }
}

impl Pace {
    fn chunk(&self) -> u64 {
        self.rate.map_or(CHUNK, |rate| (rate / PIECES_PER_SECOND).clamp(1, CHUNK))
    }

    fn time_for(&self, count: u64) -> Duration {
        self.rate.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(count as f64 / rate as f64))
    }
}
