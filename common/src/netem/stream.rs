//! One direction of a TCP connection, in virtual time: bytes go in and all of them come out, in order, but late and in other
//! pieces, unless the link resets the connection.
//!
//! ```text
//! send(now) ──▶ segments ──▶ cable whole? ──▶ rate ──▶ fate ──▶ [ in flight ] ──▶ take(now)
//! ```
//!
//! The network under TCP loses segments, and TCP sends them again. A relay stands above TCP and never sees that, so a loss is
//! *modelled*: the segment, and everything behind it, waits [`RETRANSMISSION`]. That is what a timeout costs; it knows nothing of
//! fast retransmit or the congestion window, and comes within a factor of about two of the formula of Padhye et al. (1998, with
//! an acknowledgement for each segment) for a round trip of 40 ms and 1 % to 20 % of loss.
//!
//! Fates belong to segments by number. Where the segments of a connection begin depends on when its bytes were written and
//! read, so that the same seed treats the same *numbers* alike and not always the same bytes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::counts::Counts;
use super::events::Events;
use super::fate::{Passage, link};
use super::profile::{Direction, Profile};
use super::recording::{Arrival, Carrier, LabelDecoder, LinkEvent, Outcome};
use super::segment::{SegmentFate, segment_fate};

/// What a lost segment waits: the least retransmission timeout of Linux (RFC 6298 would have a second).
pub const RETRANSMISSION: Duration = Duration::from_millis(200);
/// Between the two parts of a split segment, so that the receiver reads them apart.
pub const SPLIT_GAP: Duration = Duration::from_millis(2);
/// How long a segment that is to be merged waits for the next at most: whoever sent it may be waiting for the answer.
pub const MERGE_WAIT: Duration = Duration::from_millis(20);
/// Most bytes of a segment: an Ethernet frame without the headers of IP and TCP.
pub const SEGMENT: usize = 1460;
/// Most bytes in flight; the sender is not read further.
pub const IN_FLIGHT: usize = 2 * 1024 * 1024;

/// What comes out of a [`Channel`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Bytes, to be written by themselves.
    Bytes(Vec<u8>),
    /// The sender has closed its half.
    End,
    /// The connection is to be reset, on both sides.
    Reset,
}

/// One direction of a connection.
#[derive(Debug)]
pub struct Channel {
    profile: Arc<Profile>,
    seed: u64,
    flow: u64,
    direction: Direction,
    index: u64,
    busy_until: Duration,
    in_order: Duration,
    pieces: VecDeque<(Duration, Piece)>,
    bytes: usize,
    waiting: Option<Waiting>,
    /// A reset, an end or a cable that is never whole again: nothing more goes in.
    over: bool,
    counts: Counts,
    events: Events,
}

/// A segment that waits to be merged with the next.
#[derive(Debug)]
struct Waiting {
    until: Duration,
    bytes: Vec<u8>,
    fate: SegmentFate,
    event: Option<LinkEvent>,
}

impl Channel {
    /// A channel with nothing in flight.
    pub fn new(profile: impl Into<Arc<Profile>>, seed: u64, flow: u64, direction: Direction) -> Channel {
        Channel {
            profile: profile.into(),
            seed,
            flow,
            direction,
            index: 0,
            busy_until: Duration::ZERO,
            in_order: Duration::ZERO,
            pieces: VecDeque::new(),
            bytes: 0,
            waiting: None,
            over: false,
            counts: Counts::default(),
            events: Events::new(Carrier::Tcp, flow, direction),
        }
    }

    /// Keeps an event of every segment from now on, for [`take_events`](Channel::take_events).
    #[must_use]
    pub fn recorded(mut self) -> Channel {
        self.events.keep();
        self
    }

    /// Events say what `decoder` reads from their bytes.
    #[must_use]
    pub fn labelled(mut self, decoder: LabelDecoder) -> Channel {
        self.events.label_by(decoder);
        self
    }

    /// Whether more bytes may be sent at `now`. [`send`](Channel::send) does not refuse them, but memory is not endless.
    #[must_use]
    pub fn has_room(&self, now: Duration) -> bool {
        !self.over
            && self.bytes < IN_FLIGHT
            && self.profile.backlog(now, self.busy_until) <= self.profile.queue
    }

    /// Bytes enter at `now`, the time since the link's start; times must not go backwards.
    pub fn send(&mut self, now: Duration, bytes: &[u8]) {
        for segment in bytes.chunks(SEGMENT) {
            self.send_segment(now, segment);
        }
    }

    /// The sender closes its half.
    pub fn close(&mut self, now: Duration) {
        self.release(now);
        if self.over {
            return;
        }
        self.over = true;
        let Some(entry) = self.profile.whole_again(self.direction, now) else { return };
        let at = (self.busy_until.max(entry) + self.profile.travel(self.direction)).max(self.in_order);
        self.pieces.push_back((at, Piece::End));
        let event = self.events.begin(now, self.index, &[]);
        self.events.end(event, Outcome::Closed, [arrival(at, false)]);
    }

    /// When something happens next without more bytes: a piece comes out, or room is made. `None`: nothing in flight.
    #[must_use]
    pub fn next_due(&self, now: Duration) -> Option<Duration> {
        let room = (!self.over && !self.has_room(now)).then(|| {
            let half_a_queue = self.profile.serialisation(self.profile.queue / 2);
            self.busy_until.saturating_sub(half_a_queue)
        });
        let piece = self.pieces.front().map(|(at, _)| *at);
        let waiting = self.waiting.as_ref().map(|waiting| waiting.until);
        [piece, waiting, room.filter(|room| *room > now)].into_iter().flatten().min()
    }

    /// The next piece that is due by `now`. Call it until it says `None`.
    pub fn take(&mut self, now: Duration) -> Option<Piece> {
        if let Some(until) = self.waiting.as_ref().map(|waiting| waiting.until).filter(|until| *until <= now)
        {
            self.release(until);
        }
        if self.pieces.front()?.0 > now {
            return None;
        }
        let (_, piece) = self.pieces.pop_front()?;
        if let Piece::Bytes(bytes) = &piece {
            self.bytes -= bytes.len();
            self.counts.delivered += 1;
            self.counts.delivered_bytes += bytes.len() as u64;
        }
        Some(piece)
    }

    /// What has happened so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The events since the last call, in the order of sending; none unless [recorded](Channel::recorded).
    pub fn take_events(&mut self) -> Vec<LinkEvent> {
        self.events.take()
    }

    fn send_segment(&mut self, now: Duration, segment: &[u8]) {
        let index = self.index;
        self.index += 1;
        self.counts.datagrams += 1;
        self.counts.bytes += segment.len() as u64;
        if self.over {
            return;
        }
        let event = self.events.begin(now, index, segment);
        let fate = segment_fate(&self.profile, self.seed, link(self.flow, self.direction), index);
        self.bytes += segment.len();
        // A segment that another one waited for goes at once, or a connection could wait for ever.
        if let Some(first) = self.waiting.take() {
            let mut bytes = first.bytes;
            bytes.extend_from_slice(segment);
            let (lost, stalled) = (first.fate.lost || fate.lost, first.fate.stalled || fate.stalled);
            let corrupt = first.fate.corrupt.or(fate.corrupt);
            let reset = first.fate.reset || fate.reset;
            self.counts.merged += 1;
            self.schedule(
                now,
                bytes,
                SegmentFate { reset, lost, stalled, corrupt, split: None, ..fate },
                [first.event, event],
            );
        } else if fate.merged && !fate.reset {
            self.waiting = Some(Waiting { until: now + MERGE_WAIT, bytes: segment.to_vec(), fate, event });
        } else {
            self.schedule(now, segment.to_vec(), fate, [event, None]);
        }
    }

    /// Nothing came to be merged with.
    fn release(&mut self, now: Duration) {
        if let Some(waiting) = self.waiting.take() {
            self.schedule(now, waiting.bytes, waiting.fate, [waiting.event, None]);
        }
    }

    fn schedule(
        &mut self,
        now: Duration,
        mut bytes: Vec<u8>,
        fate: SegmentFate,
        events: [Option<LinkEvent>; 2],
    ) {
        let Some(entry) = self.profile.whole_again(self.direction, now) else {
            self.counts.cut += 1;
            self.over = true;
            self.note(events, Outcome::Cut, &[]);
            return;
        };
        self.counts.cut += u64::from(entry > now);
        // A loss holds the link and not only the segment: TCP, too, sends little more before it is repaired.
        let hold = [(fate.lost, RETRANSMISSION), (fate.stalled, self.profile.stall_for)];
        let hold: Duration = hold.into_iter().filter(|(held, _)| *held).map(|(_, time)| time).sum();
        let sent = self.busy_until.max(entry) + self.profile.serialisation(bytes.len()) + hold;
        self.busy_until = sent;
        let at = (sent + self.profile.travel(self.direction) + fate.jitter).max(self.in_order);
        self.in_order = at;
        self.counts.lost += u64::from(fate.lost);
        self.counts.stalled += u64::from(fate.stalled);
        if fate.reset {
            self.counts.resets += 1;
            self.over = true;
            self.bytes -= bytes.len();
            self.pieces.push_back((at, Piece::Reset));
            self.note(events, Outcome::Reset, &[arrival(at, false)]);
            return;
        }
        Passage { corrupt: fate.corrupt, ..Passage::default() }.apply(&mut bytes);
        self.counts.corrupted += u64::from(fate.corrupt.is_some());
        let corrupted = fate.corrupt.is_some();
        match fate.split.filter(|_| bytes.len() > 1) {
            Some(place) => {
                let second = bytes.split_off(1 + (place % (bytes.len() as u64 - 1)) as usize);
                self.counts.split += 1;
                self.in_order = at + SPLIT_GAP;
                self.pieces.push_back((at, Piece::Bytes(bytes)));
                self.pieces.push_back((self.in_order, Piece::Bytes(second)));
                self.note(
                    events,
                    Outcome::Passed,
                    &[arrival(at, corrupted), arrival(at + SPLIT_GAP, corrupted)],
                );
            }
            None => {
                self.pieces.push_back((at, Piece::Bytes(bytes)));
                self.note(events, Outcome::Passed, &[arrival(at, corrupted)]);
            }
        }
    }

    fn note(&mut self, noted: [Option<LinkEvent>; 2], outcome: Outcome, arrivals: &[Arrival]) {
        noted.into_iter().for_each(|event| self.events.end(event, outcome, arrivals.iter().copied()));
    }
}

fn arrival(at: Duration, corrupted: bool) -> Arrival {
    Arrival { at, reordered: false, corrupted }
}

#[cfg(test)]
mod tests;
