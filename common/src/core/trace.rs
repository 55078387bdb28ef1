//! What happened in the server, when and in which thread or process: the lanes of the report's timelines.
//!
//! Records lie in memory shared across `fork` and are written without a lock, so that keeping the journal costs a
//! clock reading and three stores per event, and nothing at all when it is off. Times are `CLOCK_MONOTONIC`, which
//! every process of the machine reads alike: the simulator's records and the server's fit on one axis, and a client is
//! recognised by its port.
//!
//! A journal holds [`CAPACITY`] events; later ones are counted and dropped.

#![expect(unsafe_code, reason = "Shareable is an unsafe trait")]

use std::cell::Cell;
use std::io::{self, BufRead, Write};
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::core::service::Peer;
use crate::core::shared_memory::{Shareable, shared};

/// Most events that a journal holds.
pub const CAPACITY: usize = 1 << 17;
const LANES: usize = 4096;
const LANE_NAME: usize = 32;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Event {
    /// This lane took a connection into its hands.
    Hold = 1,
    /// It let go of it.
    Release,
    /// It began to handle a request.
    Begin,
    /// The request is handled.
    End,
    /// An event loop woke up.
    Turn,
    /// It went back to wait.
    Wait,
}

/// One event, as it is written to a file: one JSON object a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// `CLOCK_MONOTONIC`, nanoseconds.
    pub at_ns: u64,
    /// Name of the thread or process.
    pub lane: String,
    /// What happened.
    pub event: Event,
    /// The client's port; 0 when no client is concerned.
    pub port: u16,
}

/// The journal of one server.
#[derive(Debug, Clone, Copy)]
pub struct EventTrace(Option<&'static Records>);

#[derive(Debug)]
struct Records {
    next: AtomicU64,
    lanes: AtomicU32,
    names: [[AtomicU8; LANE_NAME]; LANES],
    times: [AtomicU64; CAPACITY],
    /// Lane, event and port: `lane << 32 | event << 16 | port`. Zero until the record is whole.
    events: [AtomicU64; CAPACITY],
}

// SAFETY: it is made of atomics.
unsafe impl Shareable for Records {}

thread_local! {
    static LANE: Cell<Option<u32>> = const { Cell::new(None) };
}

impl EventTrace {
    /// A journal that keeps nothing.
    #[must_use]
    pub const fn off() -> EventTrace {
        EventTrace(None)
    }

    /// An empty journal, shared with every process forked from now on.
    ///
    /// # Errors
    /// `ENOMEM` when there is no room.
    pub fn shared() -> io::Result<EventTrace> {
        Ok(EventTrace(Some(shared()?)))
    }

    /// From now on this thread's events stand in a lane of this name (cut to 32 bytes). A process just forked calls it
    /// before its first event, or its events would stand in its parent's lane.
    pub fn lane(self, name: &str) {
        let Some(records) = self.0 else { return };
        let lane = records.lanes.fetch_add(1, Ordering::Relaxed).min(LANES as u32 - 1);
        for (place, byte) in records.names[lane as usize].iter().zip(name.bytes().chain([0; LANE_NAME])) {
            place.store(byte, Ordering::Relaxed);
        }
        LANE.set(Some(lane));
    }

    /// Something happened, for `client`.
    pub fn record(self, event: Event, client: Option<&Peer>) {
        let Some(records) = self.0 else { return };
        let lane = LANE.get().unwrap_or_else(|| {
            self.lane(&crate::core::worker_name::worker_name());
            LANE.get().expect("the lane was just set")
        });
        let place = records.next.fetch_add(1, Ordering::Relaxed) as usize;
        if place < CAPACITY {
            let port = client.map_or(0, |client| client.address.socket_address().port());
            records.times[place].store(monotonic_ns(), Ordering::Relaxed);
            let packed = u64::from(lane) << 32 | (event as u64) << 16 | u64::from(port);
            records.events[place].store(packed, Ordering::Release);
        }
    }

    /// Writes all events, in order of time, one JSON object a line. Returns how many did not fit into the journal.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write(self, mut to: impl Write) -> io::Result<u64> {
        let Some(records) = self.0 else { return Ok(0) };
        let count = records.next.load(Ordering::Acquire);
        let mut entries: Vec<Entry> =
            (0..CAPACITY.min(count as usize)).filter_map(|place| records.entry(place)).collect();
        entries.sort_by_key(|entry| entry.at_ns);
        for entry in &entries {
            serde_json::to_writer(&mut to, entry)?;
            to.write_all(b"\n")?;
        }
        to.flush()?;
        Ok(count.saturating_sub(CAPACITY as u64))
    }
}

/// Reads what [`EventTrace::write`] wrote.
///
/// # Errors
/// What the reader says, or `InvalidData` for a line that is not an entry.
pub fn read(from: impl BufRead) -> io::Result<Vec<Entry>> {
    from.lines().map(|line| Ok(serde_json::from_str(&line?)?)).collect()
}

/// The clock of the journal and of the simulator: `CLOCK_MONOTONIC`, nanoseconds.
///
/// # Panics
/// Never on Linux, where this clock always is.
#[must_use]
pub fn monotonic_ns() -> u64 {
    let now =
        nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).expect("Linux has a monotonic clock");
    now.tv_sec() as u64 * 1_000_000_000 + now.tv_nsec() as u64
}

impl Records {
    fn entry(&self, place: usize) -> Option<Entry> {
        let packed = self.events[place].load(Ordering::Acquire);
        let event = match (packed >> 16) as u16 {
            1 => Event::Hold,
            2 => Event::Release,
            3 => Event::Begin,
            4 => Event::End,
            5 => Event::Turn,
            6 => Event::Wait,
            _ => return None, // its process died while it wrote
        };
        let name: Vec<u8> = self.names[(packed >> 32) as usize]
            .iter()
            .map(|byte| byte.load(Ordering::Relaxed))
            .take_while(|&byte| byte != 0)
            .collect();
        Some(Entry {
            at_ns: self.times[place].load(Ordering::Relaxed),
            lane: String::from_utf8_lossy(&name).into_owned(),
            event,
            port: packed as u16,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_it_reads() {
        let journal = EventTrace::shared().unwrap();
        let client = Peer::new("127.0.0.1:4711".parse().unwrap());
        journal.lane("worker-1");
        journal.record(Event::Hold, Some(&client));
        journal.record(Event::Turn, None);
        let mut file = Vec::new();
        assert_eq!(journal.write(&mut file).unwrap(), 0);
        let entries = read(&file[..]).unwrap();
        assert_eq!(
            entries.iter().map(|e| (e.lane.as_str(), e.event, e.port)).collect::<Vec<_>>(),
            [("worker-1", Event::Hold, 4711), ("worker-1", Event::Turn, 0)]
        );
    }

    #[test]
    fn counts_what_does_not_fit() {
        let journal = EventTrace::shared().unwrap();
        for _ in 0..CAPACITY + 3 {
            journal.record(Event::Turn, None);
        }
        assert_eq!(journal.write(io::sink()).unwrap(), 3);
    }
}
