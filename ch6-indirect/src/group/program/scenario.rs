//! What happens in a simulated run: members start, send, die; the network is cut and whole again.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use common::support::cli::duration;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::args::SimulateArgs;
use crate::group::Time;
use crate::group::simulation::{Action, Node};

/// All members are there, and in one view, before this.
const SENDING_FROM: u64 = 2000;
/// Messages are sent for so long.
const SENDING_FOR: u64 = 1500;
/// What was sent last has so long to be delivered, views to change and cuts to heal.
const QUIET: Duration = Duration::from_secs(4);

/// What happens, when, and until when the run is watched.
#[derive(Debug)]
pub struct Scenario {
    /// In the order of time.
    pub actions: Vec<(Time, Action)>,
    /// The run ends.
    pub end: Time,
    /// From when to when the network is cut.
    pub cut: Option<(Time, Time)>,
}

impl SimulateArgs {
    /// What these arguments ask for.
    ///
    /// # Errors
    /// A crash or a cut that cannot be read.
    pub fn scenario(&self, seed: u64) -> anyhow::Result<Scenario> {
        let mut random = StdRng::seed_from_u64(seed);
        let mut actions: Vec<(Time, Action)> = (1..=self.members)
            .map(|node| (Duration::from_millis(random.random_range(0..300)), Action::Start(node)))
            .collect();
        for _ in 0..self.casts {
            let at = Duration::from_millis(SENDING_FROM + random.random_range(0..SENDING_FOR));
            actions.push((at, Action::Cast(random.random_range(1..=self.members))));
        }
        for crash in &self.crash {
            let (node, at) = crash.split_once('@').context("--crash is MEMBER@TIME, such as 1@3s")?;
            actions.push((time(at)?, Action::Crash(self.node(node)?)));
        }
        let cut = self.cut.as_deref().map(|cut| self.cut(cut)).transpose()?;
        let times = cut.as_ref().map(|(_, from, to)| (*from, *to));
        if let Some((sides, from, to)) = cut {
            actions.push((from, Action::Cut(sides)));
            actions.push((to, Action::Heal));
        }
        actions.sort_by_key(|(at, _)| *at);
        let end = actions.last().map_or(Duration::ZERO, |(at, _)| *at) + QUIET;
        Ok(Scenario { actions, end, cut: times })
    }

    fn node(&self, text: &str) -> anyhow::Result<Node> {
        let node = text.trim().parse().with_context(|| format!("{text:?} is no member"))?;
        ensure!((1..=self.members).contains(&node), "the members are 1 to {}", self.members);
        Ok(node)
    }

    fn cut(&self, text: &str) -> anyhow::Result<(Vec<Vec<Node>>, Time, Time)> {
        let parts = text.split_once('@').and_then(|(sides, times)| Some((sides, times.split_once('-')?)));
        let Some((sides, (from, to))) = parts else { bail!("--cut is SIDES@FROM-TO, such as 1,2/3@2s-4s") };
        let side = |side: &str| side.split(',').map(|node| self.node(node)).collect();
        let sides: Vec<Vec<Node>> = sides.split('/').map(side).collect::<anyhow::Result<_>>()?;
        let (from, to) = (time(from)?, time(to)?);
        ensure!(from < to, "--cut: {text} ends before it begins");
        Ok((sides, from, to))
    }
}

fn time(text: &str) -> anyhow::Result<Time> {
    let time = duration(text).map_err(anyhow::Error::msg)?;
    ensure!(time <= Duration::from_secs(60), "{text} is too late: a run is watched for a minute at most");
    Ok(time)
}
