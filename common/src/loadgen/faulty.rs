//! Clients that misbehave beside the real ones: a server must serve the others all the same.
//!
//! ```text
//! slow-reader    asks and asks, reads one byte per 10 ms into a tiny buffer
//! never-reader   asks until no more goes in, reads nothing
//! half-open      sends half a request and falls silent
//! rst            sends a request and resets the connection, every 20 ms
//! garbage        sends random bytes, reads until the server hangs up, comes again
//! ```
//!
//! They leave when the last real client has left. What they did is counted apart.

use std::fmt;
use std::str::FromStr;

/// A way to misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultyKind {
    /// Asks and asks, reads one byte per 10 ms.
    SlowReader,
    /// Asks until no more goes in, reads nothing.
    NeverReader,
    /// Sends half a request and falls silent.
    HalfOpen,
    /// Resets its connection, every 20 ms again.
    Rst,
    /// Sends random bytes.
    Garbage,
}

impl FaultyKind {
    /// Every kind.
    pub const ALL: [FaultyKind; 5] =
        [Self::SlowReader, Self::NeverReader, Self::HalfOpen, Self::Rst, Self::Garbage];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::SlowReader => "slow-reader",
            Self::NeverReader => "never-reader",
            Self::HalfOpen => "half-open",
            Self::Rst => "rst",
            Self::Garbage => "garbage",
        }
    }

    pub(super) fn all_of(faulty: &Faulty) -> impl Iterator<Item = FaultyKind> {
        let faulty = *faulty;
        Self::ALL.into_iter().flat_map(move |kind| std::iter::repeat_n(kind, faulty.count(kind)))
    }
}

/// How many faulty clients of each kind: `slow-reader=2,rst=5` on the command line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faulty {
    counts: [usize; FaultyKind::ALL.len()],
}

impl Faulty {
    /// How many of this kind.
    pub fn count(&self, kind: FaultyKind) -> usize {
        self.counts[kind as usize]
    }

    /// The same with `count` of this kind.
    #[must_use]
    pub fn with(mut self, kind: FaultyKind, count: usize) -> Faulty {
        self.counts[kind as usize] = count;
        self
    }

    /// All together.
    pub fn total(&self) -> usize {
        self.counts.iter().sum()
    }
}

impl FromStr for Faulty {
    type Err = String;

    fn from_str(text: &str) -> Result<Faulty, String> {
        let mut faulty = Faulty::default();
        if text == "none" {
            return Ok(faulty);
        }
        let mut named = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, count) = part.split_once('=').unwrap_or((part, "1"));
            let kind = FaultyKind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
                let names = FaultyKind::ALL.map(FaultyKind::name).join(", ");
                format!("`{name}` is no kind of faulty client; there are {names}")
            })?;
            if named.contains(&kind) {
                return Err(format!("{name} is given twice"));
            }
            named.push(kind);
            let count: usize = count
                .parse()
                .map_err(|_| format!("`{count}` is no number of {name} clients, as in {name}=2"))?;
            if count > 10_000 {
                return Err(format!("{count} {name} clients are too many; at most 10000"));
            }
            faulty = faulty.with(kind, count);
        }
        Ok(faulty)
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let there = FaultyKind::ALL.into_iter().filter(|kind| self.count(*kind) > 0);
        let parts: Vec<String> = there.map(|kind| format!("{}={}", kind.name(), self.count(kind))).collect();
        f.write_str(if parts.is_empty() { "none" } else { "" })?;
        f.write_str(&parts.join(","))
    }
}

/// What the faulty clients did, all together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FaultyCounts {
    /// Connections that came about.
    pub connections: u64,
    /// Bytes they sent.
    pub bytes_sent: u64,
    /// Bytes they read.
    pub bytes_received: u64,
    /// Connections they reset.
    pub resets: u64,
    /// Connections that the server ended: it defended itself.
    pub hung_up_on: u64,
}

impl FaultyCounts {
    pub(super) fn add(&mut self, other: &FaultyCounts) {
        self.connections += other.connections;
        self.bytes_sent += other.bytes_sent;
        self.bytes_received += other.bytes_received;
        self.resets += other.resets;
        self.hung_up_on += other.hung_up_on;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mixture_is_read_and_written_alike() {
        let text = "slow-reader=2,never-reader=1,half-open=3,rst=5,garbage=2";
        let faulty: Faulty = text.parse().unwrap();
        assert_eq!(faulty.to_string(), text);
        assert_eq!(faulty.total(), 13);
        assert_eq!(FaultyKind::all_of(&faulty).filter(|kind| *kind == FaultyKind::Rst).count(), 5);
        assert_eq!("rst".parse(), Ok(Faulty::default().with(FaultyKind::Rst, 1)));
        assert_eq!(Faulty::default().to_string(), "none");
        assert_eq!("none".parse(), Ok(Faulty::default()));
    }

    #[test]
    fn mistakes_name_what_would_be_right() {
        let error = "slow=2".parse::<Faulty>().unwrap_err();
        assert!(error.contains("slow-reader, never-reader, half-open, rst, garbage"), "{error}");
        let error = "rst=many".parse::<Faulty>().unwrap_err();
        assert!(error.contains("rst=2"), "{error}");
        assert!("rst=99999999".parse::<Faulty>().is_err());
    }
}
