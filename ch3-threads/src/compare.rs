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

mod args;
mod contestant;
mod experiment;
mod preset;
mod summary;
mod timeline;
mod usage;

use std::fs;
use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow};
use common::bench::machine;
use common::loadgen::Scenario;
use common::report::{self, Comparison};
use common::support::cli::{stdout, writable};
use common::support::interrupt;

pub use args::CompareArgs;
use experiment::{Experiment, contestants};
use preset::Preset;

use crate::progress::Progress;
use crate::simulate::misused;

/// Compares, prints the table, writes the report.
///
/// # Errors
/// Arguments that make no sense, files that cannot be written. A server that cannot run is a row that says so.
pub fn run(args: &CompareArgs) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let scenarios = if args.scenario.is_empty() { Scenario::ALL.to_vec() } else { args.scenario.clone() };
    if let Some((flag, theirs)) = args.numbers.meaningless_to(&scenarios).first() {
        return Ok(misused(&anyhow!("{flag} means nothing to these scenarios; it belongs to {theirs}")));
    }
    if let Some((_, twice)) = args.with.iter().enumerate().find(|(at, with)| args.with[..*at].contains(with))
    {
        return Ok(misused(&anyhow!("--with '{twice}' is given twice")));
    }
    if let Some(folder) = args.report.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    writable(args.json.iter().chain([&args.report]))?;
    let interrupted = interrupt::flag()?;
    let preset = if args.full { preset::FULL } else { preset::SHORT };
    let preset = Preset {
        repetitions: args.repetitions.unwrap_or(preset.repetitions),
        time_scale: args.numbers.time_scale.unwrap_or(preset.time_scale),
        ..preset
    };
    let experiment = Experiment {
        contestants: contestants(args),
        seed: args.numbers.seed.unwrap_or_else(rand::random),
        preset,
        args,
        interrupted,
        progress: Progress::new(args.progress, "{bar:40} {pos}/{len} {msg}"),
    };
    writeln!(stdout(), "seed {}, the notes' seconds × {}", experiment.seed, preset.time_scale)?;
    experiment
        .progress
        .bar
        .set_length((scenarios.len() * experiment.contestants.len()) as u64 * u64::from(preset.repetitions));

    let mut comparison = Comparison {
        command: std::env::args()
            .skip(1)
            .fold("cargo ch3".into(), |line: String, word| line + " " + &quoted(&word)),
        made_at: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
        machine: machine::describe(),
        seed: experiment.seed,
        time_scale: preset.time_scale,
        took_s: 0.0,
        scenarios: Vec::new(),
        rows: Vec::new(),
    };
    for scenario in scenarios {
        if interrupted.load(Ordering::SeqCst) {
            break;
        }
        comparison.scenarios.push(experiment.note(scenario)?);
        comparison.rows.extend(experiment.run(scenario)?);
    }
    experiment.progress.bar.finish_and_clear();
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
    if let Some(warning) = report::warning(comparison) {
        writeln!(stdout(), "\n{warning}")?;
    }
    writeln!(stdout(), "\n{:.0} s. The report: {}", comparison.took_s, path.display())?;
    if interrupted {
        common::support::log::line("interrupted: what is above is not complete");
        return Ok(ExitCode::from(interrupt::STATUS));
    }
    Ok(ExitCode::SUCCESS)
}

/// A word as a shell wants it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,=:".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}
