//! Who is measured, how, and in which order.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context, bail};
use ch3_threads::model::Model;
use ch4_shared_state::simulate::measure;
use ch4_shared_state::simulate::outcome::Outcome;
use ch4_shared_state::simulate::plan::{Dialect, Load, Plan};
use common::bench::machine::Pins;
use common::bench::peers::{Peer, redis_server};
use common::bench::results::Table;
use common::bench::rounds::Row;
use common::bench::session::Session;
use common::bench::undisturbed::{Undisturbed, Watched};
use common::support::child_server::{ChildServer, free_port};
use common::support::interrupt;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::args::{Args, Times};

const SUBSCRIBERS: usize = 100;
const BYTES: usize = 128;
/// Messages per second to 100 subscribers.
const CALM_RATE: f64 = 500.0;
/// At half load it is about the tail, and a tail is made of few messages: so many times as long as the others. In two seconds, one
/// short pause of the machine is its whole p99.
pub const HALF_LOAD_TIMES: u32 = 3;
/// The name of the row that the others are compared with.
pub const REDIS: &str = "redis";
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

impl Part {
    const ALL: [Part; 5] = [Part::Throughput, Part::HalfLoad, Part::Calm, Part::Stalled, Part::Crowd];

    /// The name of its table.
    pub fn name(self) -> &'static str {
        match self {
            Part::Throughput => "throughput",
            Part::HalfLoad => "half load",
            Part::Calm => "calm",
            Part::Stalled => "stalled",
            Part::Crowd => "crowd",
        }
    }
}

impl Who {
    /// In the tables.
    pub fn name(self) -> String {
        match self {
            Who::Redis => REDIS.into(),
            Who::Board(model) => format!("board ({})", model.name()),
        }
    }

    fn start(self, redis: &Peer) -> anyhow::Result<ChildServer> {
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
                ChildServer::start(command.stderr(Stdio::piped()))
            }
            Who::Redis => {
                let port = free_port()?;
                let mut command = redis_server(redis, port)?;
                // The window keeps it far below; without a limit it never drops a subscriber.
                command
                    .args(["--client-output-buffer-limit", "pubsub 0 0 0"])
                    .current_dir(std::env::temp_dir());
                ChildServer::start_on(port, command.stderr(Stdio::piped()))
            }
        }
    }
}

/// Measures everything: a table for each [`Part`], with a row for each contestant.
///
/// # Errors
/// A server that does not come up, or that delivers anything but every message once and in one order.
pub fn run<'a>(args: &'a Args) -> anyhow::Result<Session<'a, Outcome, Times>> {
    let interrupted = interrupt::flag()?;
    let redis = Peer::at("redis", "redis-server", &["--version"]);
    let mut session = Session::start(&args.measure, Some(args.pinning.pins()?), vec![redis.describe()])?;
    let mut order = StdRng::seed_from_u64(session.seed);
    let mut field: Vec<Who> = args.models.iter().copied().map(Who::Board).collect();
    field.extend(redis.is_there().then_some(Who::Redis));
    session.results.tables = Part::ALL.map(|part| table(part, &field)).into();
    let seeds = StdRng::seed_from_u64(session.seed);
    let mut testbed = Testbed { args, pins: session.pins, redis, interrupted, seeds };
    let mut undisturbed = Undisturbed::new(interrupted);
    let mut sample = |who: Who, part: Part, load| {
        let measured = undisturbed.measure(|| testbed.measure(who, part, load));
        let measured: Watched<Outcome> = measured.with_context(|| who.name())?;
        if undisturbed.is_interrupted() {
            bail!("interrupted");
        }
        let per_s = measured.sample.per_s;
        let rows = &mut session.results.tables[part as usize].rows;
        let row = rows.iter_mut().find(|row| row.name == who.name());
        row.context("no such contestant")?.samples.push(Some(measured));
        Ok(per_s)
    };
    for round in 0..args.measure.rounds() {
        common::support::log::line(format_args!("round {} of {}", round + 1, args.measure.rounds()));
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
                let per_s = sample(who, part, load)?;
                if part == Part::Throughput {
                    reached.insert(who, per_s);
                }
            }
        }
    }
    for &who in &field {
        sample(who, Part::Crowd, Load::Rate(2.0))?;
    }
    session.end(|_| Vec::new());
    Ok(session)
}

fn table(part: Part, field: &[Who]) -> Table<Outcome> {
    let mut names: Vec<String> = field.iter().map(|who| who.name()).collect();
    names.sort();
    let rows = names.into_iter().map(Row::named).collect();
    Table { rows, ratio_to: REDIS.into(), ..Table::new(part.name(), "", "deliveries/s") }
}

struct Testbed<'a> {
    args: &'a Args,
    pins: Pins,
    redis: Peer,
    interrupted: &'a AtomicBool,
    seeds: StdRng,
}

impl Testbed<'_> {
    fn measure(&mut self, who: Who, part: Part, load: Load) -> anyhow::Result<Outcome> {
        self.pins.go_to_servers()?;
        let server = who.start(&self.redis);
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
