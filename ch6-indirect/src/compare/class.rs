//! What is asked, and what must have survived a crash when it is answered.

use clap::ValueEnum;
use serde::Serialize;

use crate::client::engine::Pace;

/// Bytes of a message.
pub const BODY: usize = 128;
/// Publications that may be on their way.
pub const WINDOW: u64 = 1000;
/// Consumers of the fan-out.
pub const CONSUMERS: usize = 100;
/// Messages on their way in the fan-out: each is a hundred deliveries.
const FANOUT_WINDOW: u64 = 500;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// 1 publisher, 100 consumers, in memory
    FanOut,
    /// 1 publisher, 1 consumer, acknowledged, in memory
    Transient,
    /// 1 publisher, 1 consumer, confirmed and acknowledged, on disk
    Durable,
    /// The same, each message confirmed before the next
    One,
    /// 1 publisher, nobody consumes, on disk
    Publish,
    /// Durable at half of its rate: the time until the confirm
    Half,
    /// Memory of connections that do nothing
    Idle,
    /// Memory of messages that wait, and the time until they are there again after kill -9
    Backlog,
}

impl Class {
    /// As `--class` has it.
    pub fn name(self) -> &'static str {
        match self {
            Class::FanOut => "fan-out",
            Class::Transient => "transient",
            Class::Durable => "durable",
            Class::One => "one",
            Class::Publish => "publish",
            Class::Half => "half",
            Class::Idle => "idle",
            Class::Backlog => "backlog",
        }
    }

    /// In words.
    pub fn about(self) -> &'static str {
        match self {
            Class::FanOut => "1 publisher, 100 consumers, 128 B, no acknowledgements, in memory; deliveries",
            Class::Transient => "1 publisher, 1 consumer, 128 B, acknowledged, window 1000, in memory",
            Class::Durable => {
                "1 publisher, 1 consumer, 128 B, confirmed and acknowledged, window 1000, on disk"
            }
            Class::One => {
                "1 publisher, 1 consumer, 128 B, one at a time, on disk; until the confirm (less is better)"
            }
            Class::Publish => "1 publisher, 128 B, confirmed, window 1000, on disk, nobody consumes",
            Class::Half => "durable at half of the rate just reached; p99 until the confirm (less is better)",
            Class::Idle => "memory of an idle connection with a channel, measured once (less is better)",
            Class::Backlog => {
                "128 B each, on disk, nobody consumes; memory of the server, measured once (less is better)"
            }
        }
    }

    /// Of the figure that is compared.
    pub fn unit(self) -> &'static str {
        match self {
            Class::FanOut => "M/s",
            Class::Transient | Class::Durable | Class::Publish => "messages/s",
            Class::One | Class::Half => "µs",
            Class::Idle => "KiB",
            Class::Backlog => "MiB",
        }
    }

    /// What the figure is divided by to be in that unit.
    pub fn scale(self) -> f64 {
        if self == Class::FanOut { 1e6 } else { 1.0 }
    }

    /// Whether a confirm says that the message is on disk.
    pub fn is_durable(self) -> bool {
        !matches!(self, Class::FanOut | Class::Transient | Class::Idle)
    }

    /// Whether the least server shows what the generator can do: on disk it shows what the disk can.
    pub fn has_ceiling(self) -> bool {
        matches!(self, Class::FanOut | Class::Transient)
    }

    /// Whether memory is measured: that takes long, and starts servers anew.
    pub fn is_memory(self) -> bool {
        matches!(self, Class::Idle | Class::Backlog)
    }

    /// How many consumers there are.
    pub fn consumers(self) -> usize {
        match self {
            Class::FanOut => CONSUMERS,
            Class::Publish | Class::Backlog => 0,
            _ => 1,
        }
    }

    /// When messages are published, in a closed loop.
    pub fn pace(self) -> Pace {
        Pace::Window(match self {
            Class::FanOut => FANOUT_WINDOW,
            Class::One => 1,
            _ => WINDOW,
        })
    }
}
