//! What came of a run.

use hdrhistogram::Histogram;
use serde::Serialize;

/// One run's figures.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Outcome {
    /// Messages published, the warm-up's included.
    pub published: u64,
    /// Messages that were due in the open loop and were never sent, because the server took no more.
    pub never_sent: u64,
    /// Messages that subscribers got, together, the warm-up's included.
    pub delivered_in_all: u64,
    /// Deliveries that never came.
    pub missing: u64,
    /// How long was counted, seconds.
    pub seconds: f64,
    /// Deliveries in that time.
    pub delivered: u64,
    /// Deliveries per second.
    pub per_s: f64,
    /// From when a message was due until a subscriber had it, microseconds.
    pub latency_us: Option<Latency>,
    /// The fraction of a processor that the clients used. Near 1 it is they who were measured.
    pub generator_busy: f64,
    /// Of the server, if it is ours to look at.
    pub server: Option<ServerUse>,
}

/// What the server used.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct ServerUse {
    /// Processor time per delivery, or per guess, microseconds.
    pub cpu_us: f64,
    /// The fraction of a processor.
    pub busy: f64,
    /// Resident memory at the end, MiB: all of it, and the part that no other process shares in (Pss).
    pub rss_mib: f64,
    /// See above.
    pub pss_mib: f64,
}

/// A distribution, microseconds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Latency {
    /// Half of all were faster.
    pub p50: f64,
    /// 99 of 100.
    pub p99: f64,
    /// 999 of 1000.
    pub p999: f64,
    /// All.
    pub max: f64,
}

impl Latency {
    /// `None` when nothing was recorded. The histogram counts nanoseconds.
    pub fn of(histogram: &Histogram<u64>) -> Option<Latency> {
        let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1e3;
        (!histogram.is_empty()).then(|| Latency {
            p50: at(0.5),
            p99: at(0.99),
            p999: at(0.999),
            max: histogram.max() as f64 / 1e3,
        })
    }
}
