//! What bulk transfers have in common: the size of a message and of a datagram, and how a rate is measured.

use std::time::{Duration, Instant};

/// One message, bytes.
pub const MESSAGE: usize = 16 << 20;
/// One datagram, bytes, headers of the session protocol included.
pub const DATAGRAM: usize = 1400;

/// Bytes delivered in a measured time that begins after a quarter of it has passed as a warm-up.
#[derive(Debug)]
pub struct Meter {
    start: Instant,
    end: Instant,
    first: Option<Instant>,
    last: Instant,
    bytes: u64,
}

impl Meter {
    /// Measures so long, after the warm-up.
    pub fn new(time: Duration) -> Meter {
        let start = Instant::now() + time / 4;
        Meter { start, end: start + time, first: None, last: start, bytes: 0 }
    }

    /// Whether another message is to be sent. There is always one that is measured.
    pub fn goes_on(&self) -> bool {
        self.bytes == 0 || Instant::now() < self.end
    }

    /// One has been delivered. The first one to end after the warm-up starts the clock.
    pub fn delivered(&mut self, bytes: usize) {
        let now = Instant::now();
        match self.first {
            None if now < self.start => {}
            None => self.first = Some(now),
            Some(_) => {
                self.bytes += bytes as u64;
                self.last = now;
            }
        }
    }

    /// The rate between the first and the last.
    pub fn per_s(&self) -> f64 {
        let elapsed = self.first.map_or(0.0, |first| (self.last - first).as_secs_f64());
        if elapsed > 0.0 { self.bytes as f64 / elapsed } else { 0.0 }
    }
}
