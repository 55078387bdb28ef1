//! `compare`: the simulator against every model, side by side.
//!
//! ```text
//!   for each scenario
//!     for each repetition
//!       for each model, in an order drawn anew          each model meets the same moods of the machine
//!         start the server as its own process  ──►  warm up  ──►  simulate  ──►  stop it, ask what it used
//!     medians and spreads                               summary.rs
//!   table · JSON · HTML                                 common::report
//! ```

mod contestant;
mod pace;
pub mod process;
mod summary;
mod timeline;
mod usage;

use std::fs::{self, File};
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use common::bench::machine;
use common::core::trace;
use common::loadgen::{self, Plan, Scenario, Unwatched};
use common::report::{self, Comparison, Row, ScenarioNote};
use common::support::cli::{duration, human, stdout, writable};
use common::support::interrupt;

use self::contestant::Contestant;
use self::pace::Pace;
use crate::model::Model;
use crate::plan_args::PlanArgs;

/// Servers that run side by side when their clients mostly wait.
const SIDE_BY_SIDE: usize = 6;

/// The arguments of `compare`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo ch3 compare                       all models, all scenarios, inside a minute and a half
  cargo ch3 compare -m sequential,thread-pool,epoll -s patience,stay
  cargo ch3 compare -s echo -c 1000 --json echo.json
  cargo ch3 compare -s echo --with 'python3 my.py --port {port}'
In --with, {port} is replaced by a free port; {service} and {delay_ms}, if they are there, by what is to be served.")]
pub struct CompareArgs {
    /// The models, with commas between them [default: all]
    #[arg(short, long, value_enum, value_delimiter = ',', value_name = "MODEL,...")]
    models: Vec<Model>,
    /// The scenarios, with commas between them [default: all]
    #[arg(short, long, value_enum, value_delimiter = ',', value_name = "SCENARIO,...")]
    scenario: Vec<Scenario>,
    /// A server of your own, in any language, as one more row; may be given several times
    #[arg(long, value_name = "COMMAND")]
    with: Vec<String>,
    /// Longer and more often: up to 10 minutes
    #[arg(long)]
    full: bool,
    /// How often each model is measured [default: 3, with --full 5]
    #[arg(short = 'n', long, value_name = "N")]
    repetitions: Option<u32>,
    /// Threads, processes or loops of the models that have a number of them [default: each model's own]
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// How long a request of `heavy` takes, before it is scaled
    #[arg(long, value_parser = duration, default_value = "5s", value_name = "TIME")]
    delay: Duration,
    #[command(flatten)]
    numbers: PlanArgs,
    /// Write the rows as JSON, too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Where the report goes
    #[arg(long, value_name = "FILE", default_value = "target/compare.html")]
    report: PathBuf,
}

/// Compares, prints the table, writes the report.
///
/// # Errors
/// Arguments that make no sense, files that cannot be written. A server that cannot run is a row that says so.
pub fn run(args: &CompareArgs) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let scenarios = if args.scenario.is_empty() { Scenario::ALL.to_vec() } else { args.scenario.clone() };
    if let Some((flag, theirs)) = args.numbers.meaningless_to(&scenarios).first() {
        bail!("{flag} means nothing to these scenarios; it belongs to {theirs}");
    }
    if let Some(folder) = args.report.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    writable(args.json.iter().chain([&args.report]))?;
    let interrupted = interrupt::flag()?;
    let pace = if args.full { pace::FULL } else { pace::SHORT };
    let pace = Pace {
        repetitions: args.repetitions.unwrap_or(pace.repetitions).max(1),
        time_scale: args.numbers.time_scale.unwrap_or(pace.time_scale),
        ..pace
    };
    let race = Race {
        contestants: contestants(args),
        seed: args.numbers.seed.unwrap_or_else(rand::random),
        pace,
        args,
        interrupted,
        bar: ProgressBar::new(0),
    };
    writeln!(stdout(), "seed {}, the notes' seconds × {}", race.seed, pace.time_scale)?;
    race.bar.set_length((scenarios.len() * race.contestants.len()) as u64 * u64::from(pace.repetitions));
    race.bar.set_style(
        ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );

    let mut comparison = Comparison {
        command: std::env::args()
            .skip(1)
            .fold("cargo ch3".into(), |line: String, word| line + " " + &quoted(&word)),
        made_at: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
        machine: machine::describe(),
        seed: race.seed,
        time_scale: pace.time_scale,
        took_s: 0.0,
        scenarios: Vec::new(),
        rows: Vec::new(),
    };
    for scenario in scenarios {
        if interrupted.load(Ordering::SeqCst) {
            break;
        }
        comparison.scenarios.push(race.note(scenario)?);
        comparison.rows.extend(race.run(scenario)?);
    }
    race.bar.finish_and_clear();
    comparison.took_s = began.elapsed().as_secs_f64();
    present(&comparison, args, interrupted.load(Ordering::SeqCst))
}

/// Writes what was found: the files where they belong, then the table to stdout, which may be closed (`… | head`).
fn present(comparison: &Comparison, args: &CompareArgs, interrupted: bool) -> anyhow::Result<ExitCode> {
    if let Some(path) = &args.json {
        report::write_json(comparison, path).with_context(|| format!("cannot write {}", path.display()))?;
    }
    report::write(comparison, &args.report)
        .with_context(|| format!("cannot write {}", args.report.display()))?;
    let path = args.report.canonicalize().unwrap_or_else(|_| args.report.clone());
    write!(stdout(), "{}", report::table(comparison))?;
    writeln!(stdout(), "\n{:.0} s. The report: {}", comparison.took_s, path.display())?;
    if interrupted {
        eprintln!("interrupted: what is above is not complete");
        return Ok(ExitCode::from(130));
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything that stays the same while the scenarios change.
struct Race<'a> {
    contestants: Vec<Contestant>,
    seed: u64,
    pace: Pace,
    args: &'a CompareArgs,
    interrupted: &'a AtomicBool,
    bar: ProgressBar,
}

impl Race<'_> {
    /// Everybody under one scenario: a row each, in their order.
    fn run(&self, scenario: Scenario) -> anyhow::Result<Vec<Row>> {
        let count = self.contestants.len();
        let mut rows: Vec<Vec<Row>> = vec![Vec::new(); count];
        let mut skipped: Vec<Option<String>> = self.contestants.iter().map(Contestant::obstacle).collect();
        let at_once = if pace::mostly_waits(scenario) { SIDE_BY_SIDE } else { 1 };
        for repetition in 0..self.pace.repetitions {
            let seed = self.seed.wrapping_add(repetition.into());
            let mut order: Vec<usize> = (0..count).filter(|&who| skipped[who].is_none()).collect();
            order.shuffle(&mut StdRng::seed_from_u64(seed));
            for group in order.chunks(at_once) {
                if self.interrupted.load(Ordering::SeqCst) {
                    break;
                }
                let found = Mutex::new(Vec::new());
                thread::scope(|scope| {
                    for &who in group {
                        let (found, contestant) = (&found, &self.contestants[who]);
                        scope.spawn(move || {
                            common::support::log::name_worker("compare");
                            self.bar.set_message(format!("{scenario} · {}", contestant.name()));
                            let row = self.measure(contestant, scenario, seed);
                            self.bar.inc(1);
                            found.lock().expect("nobody panics with it").push((who, row));
                        });
                    }
                });
                for (who, row) in found.into_inner().expect("nobody panicked with it") {
                    match row {
                        Ok(row) => rows[who].push(row),
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

    /// One contestant, once.
    fn measure(&self, contestant: &Contestant, scenario: Scenario, seed: u64) -> anyhow::Result<Row> {
        let folder = tempfile::tempdir().context("no temporary folder for the trace")?;
        let trace = pace::mostly_waits(scenario).then(|| folder.path().join("trace"));
        let delay = self.args.delay.mul_f64(self.pace.time_scale);
        let running = contestant.start(scenario.service(), delay, trace.as_deref())?;
        let plan = Plan { seed, ..self.plan(scenario, running.address())? };
        let simulated = self.simulate(contestant, &plan);
        let (server, clean) = running.stop();
        let run = simulated?;
        // A user's server may well let SIGTERM kill it.
        if !clean && matches!(contestant, Contestant::Model(..)) && !self.interrupted.load(Ordering::SeqCst) {
            self.bar
                .suspend(|| tracing::warn!("{} did not end with status 0 after SIGTERM", contestant.name()));
        }
        if run.wrong > 0 {
            self.bar.suspend(|| {
                tracing::error!("{} answered wrong bytes to {} clients", contestant.name(), run.wrong);
            });
        }
        let timeline = trace.map(|path| timeline::join(&run.lives, &entries(&path)));
        Ok(Row {
            model: contestant.name(),
            about: contestant.about().into(),
            server,
            timeline,
            ..run.row(&plan)
        })
    }

    /// The warm-up, then the scenario itself.
    fn simulate(&self, contestant: &Contestant, plan: &Plan) -> anyhow::Result<loadgen::Run> {
        // The echo has a warm-up of its own, and whoever serves one client must not lose it to a warm-up.
        if plan.scenario == Scenario::Connect && *contestant != Contestant::Model(Model::OneClient, None) {
            loadgen::run(&Plan { connections: 20, ..plan.clone() }, &Unwatched, self.interrupted)?;
        }
        Ok(loadgen::run(plan, &Unwatched, self.interrupted)?)
    }

    fn plan(&self, scenario: Scenario, target: std::net::SocketAddr) -> anyhow::Result<Plan> {
        let plan = self.args.numbers.change(&self.pace.set(Plan::new(scenario, target)))?;
        let time_scale = if pace::mostly_waits(scenario) { self.pace.time_scale } else { 1.0 };
        // The flags of one scenario are not another's.
        let rate = plan.rate.filter(|_| scenario == Scenario::Echo);
        Ok(Plan { time_scale, rate, seed: self.seed, ..plan })
    }

    fn note(&self, scenario: Scenario) -> anyhow::Result<ScenarioNote> {
        let about = self.plan(scenario, ([127, 0, 0, 1], 0).into())?.describe();
        let about = match scenario {
            Scenario::Heavy => {
                format!("{about}; a request takes {}", human(self.args.delay.mul_f64(self.pace.time_scale)))
            }
            _ => about,
        };
        let question = match scenario {
            Scenario::Patience => "Who is served when five come at once and each keeps the server busy?",
            Scenario::Stay => "What if clients wait 5 seconds and stay 30?",
            Scenario::Heavy => "Who waits for whom when a request takes long?",
            Scenario::Echo => "What does a request cost, and how late is its answer?",
            Scenario::Connect => "What does a connection cost?",
            Scenario::Crowd => "What happens when thousands come at once?",
        };
        Ok(ScenarioNote { name: scenario.name().into(), about, question: question.into() })
    }
}

fn contestants(args: &CompareArgs) -> Vec<Contestant> {
    let models = if args.models.is_empty() { Model::ALL.to_vec() } else { args.models.clone() };
    let models = models.into_iter().map(|model| Contestant::Model(model, args.workers));
    models.chain(args.with.iter().cloned().map(Contestant::Command)).collect()
}

/// A server of the user's keeps no trace; a timeline without lanes is still the clients' half.
fn entries(path: &Path) -> Vec<trace::Entry> {
    File::open(path).and_then(|file| trace::read(BufReader::new(file))).unwrap_or_default()
}

/// A word as a shell wants it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,=:".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}
