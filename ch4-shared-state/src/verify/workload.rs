//! Clients that begin at once and do as their seeds say.
//!
//! ```text
//!   prepare, one after another ──► [ barrier ] ──► play, all at once ──► one client looks at the end
//! ```

use std::net::SocketAddr;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::recorder::{Clock, Lane};

/// How long one answer may take; a call without one has never returned, and its client ends.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// How many clients do how much, and where.
#[derive(Debug, Clone, Copy)]
pub struct Workload<'a> {
    /// The server.
    pub address: SocketAddr,
    /// What tells the names and texts of this run from those that another has left behind.
    pub tag: &'a str,
    /// How many clients.
    pub clients: usize,
    /// Most calls of each.
    pub operations: usize,
    /// When the last call may begin.
    pub until: Instant,
    /// What each client does.
    pub seed: u64,
    /// Set by Ctrl-C.
    pub interrupted: &'a AtomicBool,
}

impl Workload<'_> {
    /// Whether a client that has made so many calls makes another.
    pub fn goes_on(&self, calls: usize) -> bool {
        calls < self.operations && Instant::now() < self.until && !self.interrupted.load(Ordering::Relaxed)
    }

    /// Lets the clients play at once, each with a lane and a generator of its own; then one makes the last calls, which come after all
    /// others. A client that fails ends, and its lane stays; the last calls are then another's, because an answer that came too late
    /// would be taken for theirs.
    ///
    /// # Errors
    /// No client could make a call.
    pub fn run<P: Send, O: Clone + Send, A: Clone + Send>(
        &self,
        mut players: Vec<P>,
        play: impl Fn(&mut P, &mut Lane<O, A>, StdRng) -> anyhow::Result<()> + Sync,
        finish: impl FnOnce(&mut P, &mut Lane<O, A>) -> anyhow::Result<()>,
    ) -> anyhow::Result<Vec<Lane<O, A>>> {
        let clock = Clock::start();
        let mut lanes: Vec<Lane<O, A>> = (0..players.len()).map(|client| Lane::new(client, clock)).collect();
        let begin = Barrier::new(players.len());
        let mut failures: Vec<Option<anyhow::Error>> = Vec::new();
        thread::scope(|scope| {
            let threads: Vec<_> = players
                .iter_mut()
                .zip(&mut lanes)
                .enumerate()
                .map(|(client, (player, lane))| {
                    let (play, begin) = (&play, &begin);
                    // Neighbouring seeds give unlike generators: StdRng mixes them well.
                    let rng =
                        StdRng::seed_from_u64(self.seed.wrapping_mul(1 << 16).wrapping_add(client as u64));
                    scope.spawn(move || {
                        begin.wait();
                        play(player, lane, rng)
                    })
                })
                .collect();
            for (client, thread) in threads.into_iter().enumerate() {
                let failure = thread.join().expect("a client does not panic").err();
                if let Some(error) = &failure {
                    tracing::warn!("client {client} ends: {error:#}");
                }
                failures.push(failure);
            }
        });
        let well = failures.iter().position(Option::is_none);
        if let Some((player, lane)) = well.and_then(|well| players.get_mut(well).zip(lanes.get_mut(well)))
            && let Err(error) = finish(player, lane)
        {
            tracing::warn!("the last look failed: {error:#}");
            failures.push(Some(error));
        }
        match failures.into_iter().flatten().next() {
            Some(error) if lanes.iter().all(|lane| !lane.has_answers()) => {
                Err(error).context("no call was answered")
            }
            _ => Ok(lanes),
        }
    }
}
