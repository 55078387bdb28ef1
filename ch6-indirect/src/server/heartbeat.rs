//! Heartbeats of one connection, sans-I/O: when one is due, and when the client is taken for dead.
//!
//! ```text
//!   agreed: 60 s     we send one after 30 s in which nothing else was sent
//!                    the client is gone after 120 s in which no byte of it came
//! ```
//!
//! Looking at a connection is comparing two counters: ten thousand cost less than a millisecond, and each is looked at four times in
//! an interval.

use std::time::{Duration, Instant};

/// The heartbeats of one connection.
#[derive(Debug)]
pub struct Heartbeat {
    interval: Duration,
    heard: (u64, Instant),
    sent: (u64, Instant),
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nothing yet.
    Nothing,
    /// A heartbeat is to be sent.
    Send,
    /// Nothing has come for two intervals.
    Dead,
}

impl Heartbeat {
    /// Agreed now; `None` for no heartbeats.
    #[must_use]
    pub fn new(seconds: u16, now: Instant) -> Option<Heartbeat> {
        let interval = Duration::from_secs(seconds.into());
        (seconds > 0).then_some(Heartbeat { interval, heard: (0, now), sent: (0, now) })
    }

    /// How often it is to be looked at.
    #[must_use]
    pub fn look_every(&self) -> Duration {
        self.interval / 4
    }

    /// What is to be done, when so many bytes have come and gone. A client that we keep from being heard counts as alive.
    pub fn look(&mut self, heard: u64, sent: u64, is_heard: bool, now: Instant) -> Due {
        if heard != self.heard.0 || !is_heard {
            self.heard = (heard, now);
        }
        if sent != self.sent.0 {
            self.sent = (sent, now);
        }
        if now.duration_since(self.heard.1) >= self.interval * 2 {
            Due::Dead
        } else if now.duration_since(self.sent.1) >= self.interval / 2 {
            self.sent.1 = now;
            Due::Send
        } else {
            Due::Nothing
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is due at each of these times, for a client of which so many bytes have come then.
    fn due(looks: &[(u64, u64, bool)]) -> Vec<Due> {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(4, start).unwrap();
        looks
            .iter()
            .map(|&(second, heard, is_heard)| {
                heartbeat.look(heard, 0, is_heard, start + Duration::from_secs(second))
            })
            .collect()
    }

    #[test]
    fn one_is_sent_every_half_interval_and_the_client_dies_after_two() {
        let silent = [(1, 0, true), (2, 0, true), (3, 0, true), (4, 0, true), (7, 0, true), (8, 0, true)];
        use Due::{Dead, Nothing, Send};
        assert_eq!(due(&silent), [Nothing, Send, Nothing, Send, Send, Dead]);
    }

    #[test]
    fn any_byte_is_life() {
        let slow = [(7, 1, true), (14, 2, true), (21, 3, true)];
        assert!(!due(&slow).contains(&Due::Dead));
    }

    #[test]
    fn a_client_that_we_do_not_read_from_is_not_silent() {
        assert!(!due(&[(7, 0, false), (14, 0, false), (21, 0, true)]).contains(&Due::Dead));
    }

    #[test]
    fn none_is_sent_where_something_else_was() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(4, start).unwrap();
        for second in 1..6 {
            let now = start + Duration::from_secs(second);
            assert_eq!(heartbeat.look(second, second, true, now), Due::Nothing);
        }
        assert!(Heartbeat::new(0, start).is_none());
    }
}
