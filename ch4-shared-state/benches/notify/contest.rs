//! Who is measured, how, and in which order.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context, bail};
use ch3_threads::compare::process::{ServerProcess, free_port};
use ch3_threads::model::Model;
use ch4_shared_state::simulate::measure;
use ch4_shared_state::simulate::outcome::Outcome;
use ch4_shared_state::simulate::plan::{Dialect, Load, Plan};
use common::bench::machine::{self, Pins};
use common::bench::undisturbed::{Undisturbed, Watched};
use common::support::interrupt;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use serde::Serialize;

use super::args::Args;

const SUBSCRIBERS: usize = 100;
const BYTES: usize = 128;
/// Messages per second to 100 subscribers.
const CALM_RATE: f64 = 500.0;
/// At half load it is about the tail, and a tail is made of few messages: so many times as long as the others. In two seconds, one
/// short pause of the machine is its whole p99.
pub const HALF_LOAD_TIMES: u32 = 3;
const WARM_UP: Duration = Duration::from_millis(300);

/// A contestant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// redis-server.
    Redis,
    /// The board under a model.
    Board(Model),
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Part {
    /// Closed loop.
    Throughput,
    /// Open loop, at half of what redis reaches.
    HalfLoad,
    /// Open loop, 50 000 deliveries per second.
    Calm,
    /// The same, with one client that never reads.
    Stalled,
    /// 10 000 subscribers.
    Crowd,
}

/// One measurement.
#[derive(Debug, Serialize)]
pub struct Sample {
    /// Of which round.
    pub round: u32,
    /// Of whom.
    pub who: String,
    /// Of what.
    pub part: Part,
    /// The fraction of all processors that other programs used.
    pub foreign: f64,
    /// The figures.
    pub outcome: Outcome,
}

/// Everything.
#[derive(Debug, Serialize)]
pub struct Results {
    /// Processor, number, kernel.
    pub machine: String,
    /// Who runs on which processor.
    pub pinning: String,
    /// Of the order.
    pub seed: u64,
    /// How often each was measured, and how long, seconds.
    pub rounds: u32,
    /// See above.
    pub time_s: f64,
    /// Its version, or why it takes no part.
    pub redis: String,
    /// In the order in which they were taken.
    pub samples: Vec<Sample>,
}

impl Who {
    /// In the tables.
    pub fn name(self) -> String {
        match self {
            Who::Redis => "redis".into(),
            Who::Board(model) => format!("board ({})", model.name()),
        }
    }

    fn start(self) -> anyhow::Result<ServerProcess> {
        match self {
            Who::Board(model) => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_ch4-shared-state"));
                command.args([
                    "board-server",
                    "--listenport",
                    "0",
                    "--log",
                    "warn",
                    "--model",
                    &model.name(),
                ]);
                ServerProcess::start(command, None)
            }
            Who::Redis => {
                let port = free_port()?;
                let mut command = Command::new("redis-server");
                command.args([
                    "--port",
                    &port.to_string(),
                    "--bind",
                    "127.0.0.1",
                    "--save",
                    "",
                    "--appendonly",
                    "no",
                ]);
                command.args(["--daemonize", "no", "--loglevel", "warning", "--tcp-backlog", "4096"]);
                command.args(["--protected-mode", "no", "--maxclients", "20000"]);
                // The window keeps it far below; without a limit it never drops a subscriber.
                command
                    .args(["--client-output-buffer-limit", "pubsub 0 0 0"])
                    .current_dir(std::env::temp_dir());
                ServerProcess::start(command, Some(port))
            }
        }
    }
}

/// Measures everything.
///
/// # Errors
/// A server that does not come up, or that delivers anything but every message once and in one order.
pub fn run(args: &Args) -> anyhow::Result<Results> {
    let interrupted = interrupt::flag()?;
    let (pins, seed) = (args.pinning.pins()?, args.measure.seed());
    let mut order = StdRng::seed_from_u64(seed);
    let redis = version();
    let mut field: Vec<Who> = args.models.iter().copied().map(Who::Board).collect();
    if redis.is_ok() {
        field.push(Who::Redis);
    }
    let mut results = Results {
        machine: machine::describe(),
        pinning: pins.describe(),
        seed,
        rounds: args.measure.rounds(),
        time_s: args.measure.time().as_secs_f64(),
        redis: redis.unwrap_or_else(|why| format!("SKIPPED, {why}")),
        samples: Vec::new(),
    };
    let mut stand = Stand { args, pins, interrupted, seeds: StdRng::seed_from_u64(seed) };
    let mut undisturbed = Undisturbed::new(interrupted);
    let mut sample = |round, who: Who, part, load| {
        let measured = undisturbed.measure(|| stand.measure(who, part, load)).with_context(|| who.name())?;
        if undisturbed.is_interrupted() {
            bail!("interrupted");
        }
        let Watched { sample: outcome, foreign } = measured;
        let per_s = outcome.per_s;
        results.samples.push(Sample { round, who: who.name(), part, foreign, outcome });
        Ok(per_s)
    };
    for round in 0..args.measure.rounds() {
        eprintln!("round {} of {}", round + 1, args.measure.rounds());
        let mut reached = BTreeMap::new();
        for part in [Part::Throughput, Part::HalfLoad, Part::Calm, Part::Stalled] {
            field.shuffle(&mut order);
            for &who in &field {
                if part == Part::Stalled && who == Who::Redis {
                    continue; // it is about the board
                }
                let load = match part {
                    Part::Throughput => Load::Window(args.window),
                    Part::HalfLoad => {
                        let whose = if reached.contains_key(&Who::Redis) { Who::Redis } else { who };
                        Load::Rate(
                            reached.get(&whose).copied().unwrap_or(CALM_RATE) / SUBSCRIBERS as f64 / 2.0,
                        )
                    }
                    _ => Load::Rate(CALM_RATE),
                };
                let per_s = sample(round, who, part, load)?;
                if part == Part::Throughput {
                    reached.insert(who, per_s);
                }
            }
        }
    }
    for &who in &field {
        sample(0, who, Part::Crowd, Load::Rate(2.0))?;
    }
    Ok(results)
}

struct Stand<'a> {
    args: &'a Args,
    pins: Pins,
    interrupted: &'a AtomicBool,
    seeds: StdRng,
}

impl Stand<'_> {
    fn measure(&mut self, who: Who, part: Part, load: Load) -> anyhow::Result<Outcome> {
        self.pins.go_to_servers()?;
        let server = who.start();
        self.pins.go_to_generator()?;
        let server = server?;
        let plan = Plan {
            target: server.address,
            dialect: if who == Who::Redis { Dialect::Redis } else { Dialect::Board },
            subscribers: if part == Part::Crowd { self.args.crowd } else { SUBSCRIBERS },
            publishers: 1,
            stalled: usize::from(part == Part::Stalled),
            bytes: BYTES,
            load,
            warm_up: WARM_UP,
            time: self.args.measure.time() * if part == Part::HalfLoad { HALF_LOAD_TIMES } else { 1 },
            seed: self.seeds.random(),
        };
        let outcome = measure(&plan, Some(&server), self.interrupted)?;
        server.stop();
        if outcome.missing > 0 {
            bail!("{} deliveries have not come", outcome.missing);
        }
        Ok(outcome)
    }
}

fn version() -> Result<String, String> {
    let output = Command::new("redis-server").arg("--version").stdin(Stdio::null()).output();
    let output = output.map_err(|_| "redis-server is not installed".to_owned())?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
