//! What a measurement needs, and what it finds before it is a sample.

use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context;
use common::bench::machine::{process_ms, process_switches};
use tokio::runtime::Runtime;

use super::contestant::Contestant;
use super::load::Load;
use super::tally::Tally;

/// What a run of calls found: the time that is measured, and the publications before it.
#[derive(Debug, Default)]
pub struct Run {
    pub tally: Tally,
    /// Calls that never began: how long they have waited.
    pub waiting: Tally,
    pub warm: u64,
    pub seconds: f64,
    /// Operations a second, where that is not what was answered by the time.
    pub per_s: Option<f64>,
    pub used: Used,
}

/// Processor time, milliseconds, and context switches: of the server, and of this program. Threads that have ended are not seen any more.
#[derive(Debug, Clone, Copy, Default)]
pub struct Used {
    pub ms: [f64; 2],
    pub switches: [f64; 2],
}

impl Used {
    pub fn now(server: u32) -> Used {
        let processes = [server, std::process::id()];
        Used { ms: processes.map(process_ms), switches: processes.map(process_switches) }
    }

    pub fn since(self, server: u32) -> Used {
        Used::now(server).minus(self)
    }

    pub fn minus(self, before: Used) -> Used {
        let less = |now: [f64; 2], before: [f64; 2]| [now[0] - before[0], now[1] - before[1]];
        Used { ms: less(self.ms, before.ms), switches: less(self.switches, before.switches) }
    }
}

/// All that a run needs.
pub struct Setting<'a> {
    pub contestant: Contestant,
    pub load: Load,
    pub text: &'a [u8],
    pub server: SocketAddr,
    pub id: u32,
    pub warm_up: Duration,
    pub time: Duration,
    pub interrupted: &'static AtomicBool,
}

/// One thread, as the servers have it.
pub fn runtime() -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")
}
