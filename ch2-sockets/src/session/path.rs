//! One side's path to the other: its choices, what it has learnt, what it has counted. It outlives the messages.

use std::time::Duration;

use super::config::Config;
use super::congestion::Controller;
use super::scoreboard::REORDERING;
use super::statistics::Statistics;
use common::protocol::rto::RoundTrip;

/// Taken for granted until the other side says what it takes.
const FIRST_PEER_WINDOW: u32 = 64;

/// The path of one session, seen from one side.
#[derive(Debug, Clone, Copy)]
pub struct Path {
    /// The choices of this side.
    pub config: Config,
    /// What this side has counted. [`Path::statistics`] adds what is known of the path.
    pub counted: Statistics,
    /// Round trips.
    pub round_trip: RoundTrip,
    /// The congestion window.
    pub controller: Controller,
    /// How many later transmissions an acknowledged one may have overtaken before it counts as lost.
    pub reordering: u32,
    /// Blocks that the other side takes at once, as it said last.
    pub peer_window: u32,
    /// When a block was last sent.
    pub last_use: Duration,
}

impl Path {
    /// Nothing is known yet.
    pub fn new(config: Config) -> Path {
        Path {
            config,
            counted: Statistics::default(),
            round_trip: RoundTrip::default(),
            controller: Controller::new(config.congestion),
            reordering: REORDERING,
            peer_window: FIRST_PEER_WINDOW,
            last_use: Duration::ZERO,
        }
    }

    /// How many blocks may be in flight.
    pub fn window(&self) -> u32 {
        self.controller.window().min(self.allowed_window())
    }

    /// How many blocks may be in flight without regard to congestion: what is configured, and what the other side takes.
    pub fn allowed_window(&self) -> u32 {
        let fixed =
            self.config.window.map_or(u32::MAX, |window| u32::try_from(window).unwrap_or(u32::MAX).max(1));
        fixed.min(self.peer_window)
    }

    /// What was counted, and what is known of the path.
    pub fn statistics(&self) -> Statistics {
        Statistics {
            smoothed_round_trip: self.round_trip.smoothed(),
            window: self.window().into(),
            ..self.counted
        }
    }
}
