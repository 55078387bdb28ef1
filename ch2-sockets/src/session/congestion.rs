//! How many blocks may be on their way at once: congestion control, in the style of RFC 5681.
//!
//! ```text
//! window
//!   │            ╱│           slow start: one more per block acknowledged, so double per round trip
//!   │          ╱  │    ╱╲     congestion avoidance: one more per round trip
//!   │        ╱    │  ╱   ╲    congestion: half, at most once per round trip
//!   │    __╱      │╱      …   three timeouts in a row: one block, and slow start again
//!   └──────────────────────▶ time
//! ```
//!
//! | | a loss counts as congestion | price |
//! |---|---|---|
//! | [`Congestion::Reno`] | always, as in TCP | 1 % random loss, and the window is about a dozen blocks |
//! | [`Congestion::Tolerant`] | if the round trip has grown, or two blocks in five are lost; else it is only repaired | greedy at shallow queues |
//!
//! The tolerant one asks what TCP Veno and Vegas ask: how many of our blocks stand in a queue on the way? That is `window ·
//! (SRTT − shortest) / SRTT`. Losses without a queue are taken for noise of the link. Where queues are so short that they overflow
//! before the round trip shows it, that is wrong: it then pushes others aside, and is no fair neighbour of TCP. Reno is
//! there to choose.
//!
//! Not done: pacing. What one acknowledgement frees leaves at once. Growth counts blocks, not acknowledgements (RFC 3465 without its
//! limit), as one acknowledgement here answers a whole batch.

use common::protocol::rto::{RoundTrip, SCHEDULER};

/// Which rule decides the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Congestion {
    /// RFC 5681: every loss is congestion.
    Reno,
    /// Losses without a growing round trip are repaired, not taken for congestion.
    #[default]
    Tolerant,
}

/// RFC 6928.
pub const INITIAL_WINDOW: u32 = 10;

/// RFC 5681: not less than two, whatever was lost.
const MINIMUM_WINDOW: u32 = 2;
/// Enough for any buffer we ask for; the receiver's window is smaller.
const MAXIMUM_WINDOW: u32 = 1 << 20;
/// Blocks in a queue that are no sign of anything.
const QUEUE: u32 = 4;
/// Fates of so many blocks make a judgement of the loss.
const JUDGED: u32 = 64;

/// The congestion window of one session and direction, in blocks.
#[derive(Debug, Clone, Copy)]
pub struct Controller {
    rule: Congestion,
    window: u32,
    slow_start_threshold: u32,
    /// Blocks acknowledged since the window last grew in congestion avoidance.
    credit: u32,
    /// A loss of a transmission before this one belongs to a congestion that was answered.
    recovered_at: u32,
    /// Fates since the last judgement, for the tolerant rule.
    delivered: u32,
    lost: u32,
}

impl Controller {
    /// At its initial window.
    pub fn new(rule: Congestion) -> Controller {
        Controller {
            rule,
            window: INITIAL_WINDOW,
            slow_start_threshold: u32::MAX,
            credit: 0,
            recovered_at: 0,
            delivered: 0,
            lost: 0,
        }
    }

    /// How many blocks may be on their way.
    pub fn window(&self) -> u32 {
        self.window
    }

    /// A new message, its sequences from 0 on. What was learnt stays, but after silence no big burst (RFC 5681, section 4.1).
    pub fn begin_message(&mut self, after_silence: bool) {
        self.recovered_at = 0;
        if after_silence {
            self.slow_start_threshold = self.slow_start_threshold.max(self.window * 3 / 4);
            self.window = self.window.min(INITIAL_WINDOW);
        }
    }

    /// So many blocks were acknowledged. `limited`: the window was what held the sender back; else there is nothing to learn.
    pub fn handle_ack(&mut self, blocks: u32, limited: bool, round_trip: &RoundTrip) {
        self.delivered += blocks;
        if !limited {
            return;
        }
        if self.window >= self.slow_start_threshold {
            self.credit += blocks;
            if self.credit >= self.window {
                self.credit -= self.window;
                self.window = (self.window + 1).min(MAXIMUM_WINDOW);
            }
        } else if self.rule == Congestion::Tolerant && self.queues(round_trip) {
            // The queue is found: go on slowly from here, before it overflows.
            self.slow_start_threshold = self.window;
        } else {
            self.window = (self.window + blocks).min(self.slow_start_threshold).min(MAXIMUM_WINDOW);
        }
    }

    /// So many transmissions were lost, the last of them numbered `last`; `next` is the number of the next transmission.
    pub fn handle_loss(&mut self, blocks: u32, last: u32, next: u32, round_trip: &RoundTrip) {
        self.lost += blocks;
        let congestion = match self.rule {
            Congestion::Reno => true,
            Congestion::Tolerant => self.queues(round_trip) || self.loses_much(),
        };
        if congestion && last >= self.recovered_at {
            self.recovered_at = next;
            self.slow_start_threshold = (self.window / 2).max(MINIMUM_WINDOW);
            self.window = self.slow_start_threshold;
            self.credit = 0;
        }
    }

    /// So many that had been counted as lost were only late.
    pub fn handle_late_arrival(&mut self, blocks: u32) {
        self.lost = self.lost.saturating_sub(blocks);
    }

    /// Timeout after timeout: nothing arrives, so nothing is known of the link any more.
    pub fn handle_silence(&mut self, next: u32) {
        // Once per silence: further timeouts find the window at 1 and must not forget where it was.
        if self.window > 1 {
            self.slow_start_threshold = (self.window / 2).max(MINIMUM_WINDOW);
        }
        self.window = 1;
        self.credit = 0;
        self.recovered_at = next;
    }

    /// Whether blocks of ours stand in a queue on the way.
    fn queues(&self, round_trip: &RoundTrip) -> bool {
        let (growth, Some(smoothed)) = (round_trip.growth(), round_trip.smoothed()) else { return false };
        growth > SCHEDULER && growth * self.window > smoothed * QUEUE
    }

    /// Whether at least two blocks in five were lost, of enough to tell. Starts counting anew when there are enough.
    fn loses_much(&mut self) -> bool {
        let all = self.delivered + self.lost;
        if all < JUDGED {
            return false;
        }
        let much = self.lost * 5 > all * 2;
        (self.delivered, self.lost) = (0, 0);
        much
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn round_trip(milliseconds: impl IntoIterator<Item = u64>) -> RoundTrip {
        let mut round_trip = RoundTrip::default();
        milliseconds.into_iter().for_each(|sample| round_trip.sample(Duration::from_millis(sample)));
        round_trip
    }

    #[test]
    fn slow_start_doubles_and_avoidance_adds_one() {
        let flat = round_trip([40; 20]);
        let mut reno = Controller::new(Congestion::Reno);
        reno.handle_ack(10, true, &flat);
        assert_eq!(reno.window(), 20);
        reno.handle_loss(1, 5, 30, &flat);
        assert_eq!(reno.window(), 10);
        reno.handle_ack(9, true, &flat);
        assert_eq!(reno.window(), 10);
        reno.handle_ack(1, true, &flat);
        assert_eq!(reno.window(), 11);
    }

    #[test]
    fn a_round_trip_with_losses_halves_once() {
        let flat = round_trip([40; 20]);
        let mut reno = Controller::new(Congestion::Reno);
        for last in [3, 4, 5, 29] {
            reno.handle_loss(1, last, 30, &flat);
            assert_eq!(reno.window(), 5);
        }
        reno.handle_loss(1, 30, 40, &flat);
        assert_eq!(reno.window(), 2);
    }

    #[test]
    fn a_window_that_is_not_used_does_not_grow() {
        let mut reno = Controller::new(Congestion::Reno);
        reno.handle_ack(100, false, &round_trip([40]));
        assert_eq!(reno.window(), INITIAL_WINDOW);
    }

    #[test]
    fn the_tolerant_rule_repairs_noise_and_yields_to_a_queue() {
        let mut tolerant = Controller::new(Congestion::Tolerant);
        tolerant.handle_loss(1, 5, 30, &round_trip([40; 20]));
        assert_eq!(tolerant.window(), INITIAL_WINDOW);
        tolerant.handle_loss(1, 30, 60, &round_trip([[40; 20], [90; 20]].concat()));
        assert_eq!(tolerant.window(), INITIAL_WINDOW / 2);
    }

    #[test]
    fn the_tolerant_rule_yields_when_much_is_lost() {
        let flat = round_trip([40; 20]);
        let mut tolerant = Controller::new(Congestion::Tolerant);
        tolerant.handle_ack(60, false, &flat);
        tolerant.handle_loss(10, 70, 71, &flat);
        assert_eq!(tolerant.window(), INITIAL_WINDOW);
        tolerant.handle_ack(30, false, &flat);
        tolerant.handle_loss(40, 140, 141, &flat);
        assert_eq!(tolerant.window(), INITIAL_WINDOW / 2);
    }

    #[test]
    fn silence_starts_again_from_one() {
        let flat = round_trip([40; 20]);
        let mut reno = Controller::new(Congestion::Reno);
        reno.handle_silence(9);
        reno.handle_silence(10);
        assert_eq!(reno.window(), 1);
        for _ in 0..10 {
            reno.handle_ack(1, true, &flat);
        }
        // Slow start up to half of where it was.
        assert!((5..8).contains(&reno.window()), "{}", reno.window());
    }
}
