//! How long each part of a call in memory takes.

use std::time::Instant;

use super::tally::Tally;

/// A part of a call that needs no other process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    ClientEncodes,
    ServerDecodes,
    Procedure,
    ServerEncodes,
    ClientDecodes,
}

impl Part {
    /// In the order of a call, as the tables have them.
    pub const NAMES: [&str; 5] =
        ["client encodes", "server decodes", "procedure", "server encodes", "client decodes"];

    /// Whether it is the server's.
    pub fn is_server(index: usize) -> bool {
        (Part::ServerDecodes as usize..=Part::ServerEncodes as usize).contains(&index)
    }
}

/// Notes how long each part takes.
pub struct Stopwatch {
    last: Instant,
    /// By [`Part`].
    pub spent: [Tally; 5],
}

impl Default for Stopwatch {
    fn default() -> Stopwatch {
        Stopwatch { last: Instant::now(), spent: Default::default() }
    }
}

impl Stopwatch {
    /// A call begins.
    pub fn start(&mut self) {
        self.last = Instant::now();
    }

    /// A part ends, and the next begins.
    pub fn lap(&mut self, part: Part) {
        let now = Instant::now();
        self.spent[part as usize].add(now - self.last);
        self.last = now;
    }
}

/// One publish in memory. It returns the bytes of request and answer on the wire.
pub type InMemory = Box<dyn FnMut(&mut Stopwatch) -> anyhow::Result<[usize; 2]>>;
