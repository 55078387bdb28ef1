//! What is asked. An operation is one call, or the calls that one task needs.

use clap::ValueEnum;
use serde::Serialize;

/// Messages that a reader reads at once.
pub const MESSAGES: u64 = 20;
/// Bytes that are published one by one, or together.
pub const BYTES: usize = 100;
/// The text that is published.
pub const TEXT: [u8; 50] = [b'x'; 50];
/// A large argument, bytes.
pub const LARGE: usize = 10_000_000;
/// Binary data, bytes.
pub const BINARY: usize = 100_000;

/// A load, and how many calls a second if it is one with a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    pub load: Load,
    pub rate: Option<u32>,
}

impl Asked {
    /// Of its table.
    pub fn name(self) -> String {
        match self.rate {
            Some(rate) => format!("{}-{rate}", self.load.name()),
            None => self.load.name().to_owned(),
        }
    }

    /// That of a table, by its name.
    pub fn of(table: &str) -> Option<Asked> {
        let (load, rate) = match table.strip_prefix("open-") {
            Some(rate) => ("open", Some(rate.parse().ok()?)),
            None => (table, None),
        };
        let load = *Load::value_variants().iter().find(|one| one.name() == load)?;
        Some(Asked { load, rate })
    }

    /// In words.
    pub fn about(self) -> String {
        match self.rate {
            Some(rate) => format!("{}: {rate} a second", self.load.about()),
            None => self.load.about().to_owned(),
        }
    }
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Load {
    /// Publish 50 B, 1 in flight
    Publish,
    /// The same, and where its time goes
    Where,
    /// Last, and get of the id, 1 in flight
    Read,
    /// Publish 50 B, 64 in flight
    Many,
    /// The same from the load generator, for the server alone
    Served,
    /// Publish 50 B at a fixed rate, whatever is answered
    Open,
    /// 20 messages: last, and a get for each
    Chatty,
    /// The same 20 messages in one call
    AtOnce,
    /// 100 bytes, each in a publish of its own
    Tiny,
    /// The same 100 bytes in one publish
    Together,
    /// Publish of 100 kB that are no text
    Binary,
    /// Publish of 10 MB
    Large,
}

impl Load {
    /// As `--load` has it.
    pub fn name(self) -> &'static str {
        match self {
            Load::Publish => "publish",
            Load::Where => "where",
            Load::Read => "read",
            Load::Many => "many",
            Load::Served => "served",
            Load::Open => "open",
            Load::Chatty => "chatty",
            Load::AtOnce => "at-once",
            Load::Tiny => "tiny",
            Load::Together => "together",
            Load::Binary => "binary",
            Load::Large => "large",
        }
    }

    /// In words.
    pub fn about(self) -> &'static str {
        match self {
            Load::Publish => "publish 50 B, 1 in flight",
            Load::Where => "publish 50 B, 1 in flight: where the time goes, in per cent of the p50",
            Load::Read => "last and then get, 1 in flight; both together",
            Load::Many => "publish 50 B, 64 in flight",
            Load::Served => {
                "publish 50 B, 64 in flight, prepared requests from one thread: what the server alone can do"
            }
            Load::Open => {
                "publish 50 B at a fixed rate (open loop), times from when a call was meant to begin"
            }
            Load::Chatty => "20 messages are read by 21 calls: last, and a get for each",
            Load::AtOnce => "the same 20 messages are read by one call",
            Load::Tiny => "100 bytes are published by 100 calls",
            Load::Together => "the same 100 bytes are published by one call",
            Load::Binary => "publish of 100 kB that are no text",
            Load::Large => "publish of 10 MB",
        }
    }

    /// Whether it is one of the tasks, and not an operation of the board.
    pub fn is_task(self) -> bool {
        !matches!(self, Load::Publish | Load::Where | Load::Read | Load::Many | Load::Served | Load::Open)
    }

    /// Whether the load generator asks, and not the client of the wire.
    pub fn is_prepared(self) -> bool {
        matches!(self, Load::Served | Load::Open)
    }

    /// Whether its bytes are counted. Of the others they are those of a publish.
    pub fn is_counted(self) -> bool {
        !self.is_prepared() && self != Load::Where
    }

    /// Operations in flight, at the most.
    pub fn in_flight(self) -> usize {
        if matches!(self, Load::Many | Load::Served | Load::Open) { 64 } else { 1 }
    }

    /// Whether the rate is compared, and not the time.
    pub fn is_rate(self) -> bool {
        matches!(self, Load::Many | Load::Served)
    }

    /// Of the figure that is compared.
    pub fn unit(self) -> &'static str {
        if self.is_rate() { "calls/s" } else { "µs" }
    }

    /// Bytes that an operation publishes.
    pub fn payload(self) -> usize {
        match self {
            Load::Publish | Load::Where | Load::Many | Load::Served | Load::Open => TEXT.len(),
            Load::Read | Load::Chatty | Load::AtOnce => 0,
            Load::Tiny | Load::Together => BYTES,
            Load::Binary => BINARY,
            Load::Large => LARGE,
        }
    }

    /// Messages that an operation publishes.
    pub fn publishes(self) -> u64 {
        match self {
            Load::Read | Load::Chatty | Load::AtOnce => 0,
            Load::Tiny => BYTES as u64,
            _ => 1,
        }
    }

    /// Messages that must be on the board before.
    pub fn before(self) -> u64 {
        match self {
            Load::Read => 1,
            Load::Chatty | Load::AtOnce => MESSAGES,
            Load::Served | Load::Open => 1, // the one that was recorded
            _ => 0,
        }
    }

    /// What is published: one text.
    pub fn text(self) -> Vec<u8> {
        match self {
            Load::Together => vec![b'x'; BYTES],
            Load::Tiny => vec![b'x'],
            // No two bytes in a row are UTF-8, so each wire must take it for bytes.
            Load::Binary => vec![0xff; BINARY],
            Load::Large => vec![b'x'; LARGE],
            _ => TEXT.to_vec(),
        }
    }
}
