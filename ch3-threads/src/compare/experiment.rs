//! Every contestant under every scenario, again and again: what is measured when, and next to what.

use std::fs::File;
use std::io::BufReader;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::Context;
use common::bench::machine::Foreign;
use common::core::trace;
use common::loadgen::{self, Plan, Scenario, Unobserved};
use common::report::{Row, ScenarioNote};
use common::support::cli::human;
use common::support::count::count;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use super::args::CompareArgs;
use super::contestant::Contestant;
use super::preset::{self, Preset};
use super::{summary, timeline};
use crate::model::Model;
use crate::progress::Progress;

/// Servers that run side by side when their clients mostly wait.
const SIDE_BY_SIDE: usize = 6;

/// Everything that stays the same while the scenarios change.
pub(super) struct Experiment<'a> {
    /// Who takes part.
    pub contestants: Vec<Contestant>,
    /// Of the order, and of the first repetition.
    pub seed: u64,
    /// How often and how long.
    pub preset: Preset,
    /// The command line.
    pub args: &'a CompareArgs,
    /// Ctrl-C.
    pub interrupted: &'a AtomicBool,
    /// How far it is.
    pub progress: Progress,
}

impl Experiment<'_> {
    /// All contestants under one scenario: a row each, in their order.
    pub fn run(&self, scenario: Scenario) -> anyhow::Result<Vec<Row>> {
        let count = self.contestants.len();
        let mut rows: Vec<Vec<Row>> = vec![Vec::new(); count];
        let mut skipped: Vec<Option<String>> = self.contestants.iter().map(Contestant::obstacle).collect();
        let at_once = if preset::mostly_waits(scenario) { SIDE_BY_SIDE } else { 1 };
        for repetition in 0..self.preset.repetitions {
            let seed = self.seed.wrapping_add(repetition.into());
            let mut order: Vec<usize> = (0..count).filter(|&who| skipped[who].is_none()).collect();
            order.shuffle(&mut StdRng::seed_from_u64(seed));
            for group in order.chunks(at_once) {
                if self.interrupted.load(Ordering::SeqCst) {
                    break;
                }
                let (found, foreign) = (Mutex::new(Vec::new()), Foreign::watch());
                thread::scope(|scope| {
                    for &who in group {
                        let (found, contestant) = (&found, &self.contestants[who]);
                        scope.spawn(move || {
                            common::core::worker_name::name_worker("compare");
                            let what = format!("{scenario} · {}", contestant.name());
                            self.progress.bar.set_message(what.clone());
                            let row = self.measure(contestant, scenario, seed);
                            self.progress.bar.inc(1);
                            self.tell(&what);
                            found.lock().expect("nobody panics with it").push((who, row));
                        });
                    }
                });
                // All servers of the group have ended, so that their time is known as ours.
                let foreign = Some(foreign.share());
                for (who, row) in found.into_inner().expect("nobody panicked with it") {
                    match row {
                        Ok(row) => rows[who].push(Row { foreign, ..row }),
                        Err(error) => skipped[who] = Some(format!("{error:#}")),
                    }
                }
            }
        }
        let rows =
            rows.into_iter().zip(skipped).zip(&self.contestants).map(|((rows, skipped), contestant)| {
                let row = summary::summarise(rows).unwrap_or_else(|| Row {
                    scenario: scenario.name().into(),
                    model: contestant.name(),
                    service: scenario.service().into(),
                    about: contestant.about().into(),
                    seed: self.seed,
                    skipped: Some("interrupted".into()),
                    ..Row::default()
                });
                Row { skipped: skipped.or(row.skipped), ..row }
            });
        Ok(rows.collect())
    }

    fn tell(&self, what: &str) {
        let bar = &self.progress.bar;
        self.progress.tell(|| {
            format!("{} of {} measured, the last: {what}", bar.position(), bar.length().unwrap_or(0))
        });
    }

    /// One contestant, once.
    fn measure(&self, contestant: &Contestant, scenario: Scenario, seed: u64) -> anyhow::Result<Row> {
        let folder = tempfile::tempdir().context("no temporary folder for the trace")?;
        let trace = preset::mostly_waits(scenario).then(|| folder.path().join("trace"));
        let delay = self.args.delay.mul_f64(self.preset.time_scale);
        let running = contestant.start(scenario.service(), delay, trace.as_deref())?;
        let plan = Plan { seed, ..self.plan(scenario, running.address())? };
        let simulated = self.simulate(contestant, &plan);
        let has_died = running.has_died();
        let (server, clean) = running.stop();
        let run = simulated?;
        // A user's server may well let SIGTERM kill it.
        if !clean && matches!(contestant, Contestant::Model(..)) && !self.interrupted.load(Ordering::SeqCst) {
            self.progress
                .bar
                .suspend(|| tracing::warn!("{} did not end with status 0 after SIGTERM", contestant.name()));
        }
        if run.wrong > 0 {
            self.progress.bar.suspend(|| {
                tracing::error!("{} gave wrong bytes {}", contestant.name(), count(run.wrong, "time"));
            });
        }
        let mut row = run.row(&plan);
        if has_died {
            // Nobody was left who could have refused them.
            row.lost += std::mem::take(&mut row.refused);
            self.progress.bar.suspend(|| tracing::error!("{} died in the middle of it", contestant.name()));
        }
        let timeline = trace.map(|path| timeline::join(&run.timelines, &entries(&path)));
        Ok(Row { model: contestant.name(), about: contestant.about().into(), server, timeline, ..row })
    }

    /// The warm-up, then the scenario itself.
    fn simulate(&self, contestant: &Contestant, plan: &Plan) -> anyhow::Result<loadgen::Run> {
        // The echo has a warm-up of its own, and whoever serves one client must not lose it to a warm-up.
        if plan.scenario == Scenario::Connect && *contestant != Contestant::Model(Model::OneClient, None) {
            loadgen::run(&Plan { connections: 20, ..plan.clone() }, &Unobserved, self.interrupted)?;
        }
        Ok(loadgen::run(plan, &Unobserved, self.interrupted)?)
    }

    fn plan(&self, scenario: Scenario, target: std::net::SocketAddr) -> anyhow::Result<Plan> {
        let plan = self.args.numbers.change(&self.preset.apply(Plan::new(scenario, target)))?;
        let time_scale = if preset::mostly_waits(scenario) { self.preset.time_scale } else { 1.0 };
        // The flags of one scenario are not another's.
        let rate = plan.rate.filter(|_| scenario == Scenario::Echo);
        Ok(Plan { time_scale, rate, seed: self.seed, ..plan })
    }

    /// What a scenario asks, for the heading of its section.
    pub fn note(&self, scenario: Scenario) -> anyhow::Result<ScenarioNote> {
        let about = self.plan(scenario, ([127, 0, 0, 1], 0).into())?.describe();
        let about = match scenario {
            Scenario::Heavy => {
                format!("{about}; a request takes {}", human(self.args.delay.mul_f64(self.preset.time_scale)))
            }
            _ => about,
        };
        let question = match scenario {
            Scenario::Patience => "Who is served when five come at once and each keeps the server busy?",
            Scenario::Stay => "What if clients wait 5 seconds and stay 30?",
            Scenario::Heavy => "Who waits for whom when a request takes long?",
            Scenario::Factor => "Who uses all processors when requests compute and do not wait?",
            Scenario::Echo => "What does a request cost, and how late is its answer?",
            Scenario::Connect => "What does a connection cost?",
            Scenario::Random => {
                "Does the asynchronous server work under greater constraints than the blocking one?"
            }
            Scenario::Crowd => "What happens when thousands come at once?",
        };
        Ok(ScenarioNote { name: scenario.name().into(), about, question: question.into() })
    }
}

/// Who takes part: the models that were asked for, and the user's own servers.
pub(super) fn contestants(args: &CompareArgs) -> Vec<Contestant> {
    let models = if args.models.is_empty() { Model::ALL.to_vec() } else { args.models.clone() };
    let models =
        models.into_iter().map(|model| Contestant::Model(model, args.workers.map(NonZeroUsize::get)));
    models.chain(args.with.iter().cloned().map(Contestant::Command)).collect()
}

/// A server of the user's keeps no trace; a timeline without lanes is still the clients' half.
fn entries(path: &Path) -> Vec<trace::Entry> {
    File::open(path).and_then(|file| trace::read(BufReader::new(file))).unwrap_or_default()
}
