//! What `inspect` reads of a snapshot, and what happened between two of them.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::Context;
use serde::Deserialize;

/// A broker at one moment.
#[derive(Debug, Deserialize)]
pub struct Observed {
    /// Its exchanges.
    pub exchanges: Vec<Exchange>,
    /// Its queues.
    pub queues: Vec<Queue>,
    /// Its connections.
    pub connections: Vec<Connection>,
    /// Its channels.
    pub channels: Vec<serde::de::IgnoredAny>,
    /// Its consumers.
    pub consumers: Vec<serde::de::IgnoredAny>,
    /// Bytes of messages in memory, and from how many on publishers are held back.
    pub memory: (u64, u64),
    /// Why publishers are held back, if they are.
    pub alarm: Option<String>,
    /// When it was read.
    #[serde(skip, default = "Instant::now")]
    pub at: Instant,
}

/// An exchange.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "`broker::snapshot` says what each is")]
pub struct Exchange {
    pub vhost: String,
    pub name: String,
    pub kind: String,
    pub published: u64,
    pub routed: u64,
}

/// A queue.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "`broker::snapshot` says what each is")]
pub struct Queue {
    pub vhost: String,
    pub name: String,
    pub kind: String,
    pub ready: u64,
    pub unacknowledged: u64,
    pub consumers: u64,
    pub enqueued: u64,
    pub delivered: u64,
    pub acknowledged: u64,
}

/// A connection.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "`broker::snapshot` says what each is")]
pub struct Connection {
    pub id: u64,
    pub address: String,
    pub user: String,
    pub vhost: String,
    pub channels: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub blocked: Option<String>,
    #[serde(default)]
    pub client: serde_json::Value,
}

/// Counters, by what they count.
pub type Counters<'a> = BTreeMap<(&'a str, &'a str), [u64; 3]>;

impl Observed {
    /// Reads an answer of the API.
    ///
    /// # Errors
    /// It is none.
    pub fn read(text: &str) -> anyhow::Result<Observed> {
        serde_json::from_str(text).context("what answers there is no broker of this chapter")
    }

    /// Seconds since another look; `None` for none, or one at the same time.
    #[must_use]
    pub fn seconds_since(&self, before: &Observed) -> Option<f64> {
        Some(self.at.saturating_duration_since(before.at).as_secs_f64()).filter(|seconds| *seconds > 0.0)
    }

    /// Published and routed, of each exchange.
    #[must_use]
    pub fn exchange_counters(&self) -> Counters<'_> {
        let of = |one: &Exchange| [one.published, one.routed, 0];
        self.exchanges.iter().map(|one| ((&one.vhost[..], &one.name[..]), of(one))).collect()
    }

    /// What came into each queue, was delivered and acknowledged.
    #[must_use]
    pub fn queue_counters(&self) -> Counters<'_> {
        let of = |one: &Queue| [one.enqueued, one.delivered, one.acknowledged];
        self.queues.iter().map(|one| ((&one.vhost[..], &one.name[..]), of(one))).collect()
    }
}

/// How much a second. A counter that went back belongs to another broker on the same port, and one that is new began at 0.
#[must_use]
pub fn rate(now: u64, before: Option<u64>, seconds: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a rate is shown with three digits")]
    let difference = now.saturating_sub(before.unwrap_or(0)) as f64;
    difference / seconds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_difference_and_never_below_zero() {
        assert!((rate(30, Some(10), 2.0) - 10.0).abs() < 1e-9);
        assert!(rate(3, Some(10), 1.0).abs() < 1e-9);
        assert!((rate(5, None, 1.0) - 5.0).abs() < 1e-9);
    }
}
