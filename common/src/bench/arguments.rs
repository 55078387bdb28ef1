//! The arguments that all benches have: how often and how long, in which order, and where the results go.
//!
//! ```text
//!   #[command(flatten)]
//!   pub measure: Arguments<Times>,       --quick --rounds --time --seed --markdown --json
//!   #[command(flatten)]
//!   pub pinning: Pinning,                --unpinned
//! ```

use std::fmt::Debug;
use std::fs;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use serde::Serialize;

use super::machine::Pins;
use crate::support::cli::{duration, human};

/// How often a bench measures each contestant, and how long each time, when it is not told.
pub trait Schedule: Debug {
    /// For a result.
    const FULL: (u32, Duration);
    /// For a look, with `--quick`.
    const QUICK: (u32, Duration);
}

/// What all benches are told, each with defaults of its own.
#[derive(Debug, Args)]
pub struct Arguments<S: Schedule> {
    /// A look
    #[arg(long, help = format!("{} instead of {}", rounds_of(S::QUICK), rounds_of(S::FULL)))]
    quick: bool,
    /// A number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000),
        help = format!("How often each is measured [default: {}, with --quick {}]", S::FULL.0, S::QUICK.0))]
    rounds: Option<u32>,
    /// A duration
    #[arg(long, value_name = "TIME", value_parser = duration,
        help = format!("How long each is measured [default: {}, with --quick {}]", human(S::FULL.1), human(S::QUICK.1)))]
    time: Option<Duration>,
    /// Seed of the order and of all that is drawn [random, printed]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Write the tables as Markdown, too
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write all that was measured as JSON, too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Given by cargo bench, and by nobody else
    #[arg(long, hide = true)]
    bench: bool,
    #[arg(skip)]
    schedule: PhantomData<S>,
}

/// For benches whose servers and clients are programs of their own.
#[derive(Debug, Args)]
pub struct Pinning {
    /// Leave it to the system who runs where. Otherwise servers have one processor and their clients another
    #[arg(long)]
    unpinned: bool,
}

impl<S: Schedule> Arguments<S> {
    /// Whether a look is wanted, and not a result.
    pub fn is_quick(&self) -> bool {
        self.quick
    }

    /// How often each is measured.
    pub fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(self.schedule().0)
    }

    /// How long each is measured in a round: from 50 ms to ten minutes.
    pub fn time(&self) -> Duration {
        self.time.unwrap_or(self.schedule().1).clamp(Duration::from_millis(50), Duration::from_secs(600))
    }

    /// The seed that was given, or one that nobody knew: ask once.
    pub fn seed(&self) -> u64 {
        self.seed.unwrap_or_else(rand::random)
    }

    /// Runs the bench and says what went wrong. `cargo test --benches` starts benches too, and then nothing is measured.
    pub fn run(&self, command: &str, bench: impl FnOnce() -> anyhow::Result<()>) -> ExitCode {
        if self.bench {
            return conclude(bench());
        }
        println!("This is a benchmark: {command} -- --help");
        ExitCode::SUCCESS
    }

    /// Writes the files that were asked for.
    ///
    /// # Errors
    /// One cannot be written.
    pub fn write(&self, markdown: &str, results: &impl Serialize) -> anyhow::Result<()> {
        if let Some(path) = &self.markdown {
            write(path, markdown)?;
        }
        if let Some(path) = &self.json {
            write(path, &(serde_json::to_string_pretty(results)? + "\n"))?;
        }
        Ok(())
    }

    fn schedule(&self) -> (u32, Duration) {
        if self.quick { S::QUICK } else { S::FULL }
    }
}

impl Pinning {
    /// Who runs where.
    ///
    /// # Errors
    /// There are not two processors, and `--unpinned` was not given.
    pub fn pins(&self) -> anyhow::Result<Pins> {
        if self.unpinned { Ok(Pins::none()) } else { Pins::apart() }
    }
}

/// The end of a program: an error is said, and its status is 1.
pub fn conclude(done: anyhow::Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            crate::support::log::line(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn rounds_of((rounds, time): (u32, Duration)) -> String {
    format!("{rounds} rounds of {}", human(time))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug)]
    struct Times;

    impl Schedule for Times {
        const FULL: (u32, Duration) = (5, Duration::from_secs(2));
        const QUICK: (u32, Duration) = (3, Duration::from_millis(400));
    }

    #[derive(Debug, Parser)]
    struct Bench {
        #[command(flatten)]
        measure: Arguments<Times>,
    }

    fn parsed(words: &[&str]) -> Arguments<Times> {
        Bench::try_parse_from(["bench"].iter().chain(words)).unwrap().measure
    }

    #[test]
    fn what_is_said_counts_more_than_the_schedule() {
        let of = |words: &[&str]| (parsed(words).rounds(), parsed(words).time());
        let ms = Duration::from_millis;
        assert_eq!(of(&[]), (5, ms(2000)));
        assert_eq!(of(&["--quick"]), (3, ms(400)));
        assert_eq!(of(&["--quick", "--rounds", "9"]), (9, ms(400)));
        assert_eq!(of(&["--time", "1s"]), (5, ms(1000)));
        assert_eq!(of(&["--time", "1ms"]), (5, ms(50)));
        assert_eq!(parsed(&["--seed", "7"]).seed(), 7);
    }

    #[test]
    fn the_help_tells_the_schedule() {
        let help = Bench::command().render_help().to_string();
        assert!(help.contains("3 rounds of 400ms instead of 5 rounds of 2s"), "{help}");
        assert!(help.contains("[default: 2s, with --quick 400ms]"), "{help}");
    }

    #[test]
    fn files_are_written_where_they_were_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (markdown, json) = (path("a.md"), path("a.json"));
        parsed(&["--markdown", &markdown, "--json", &json]).write("# A\n", &[1]).unwrap();
        assert_eq!(fs::read_to_string(markdown).unwrap(), "# A\n");
        assert_eq!(fs::read_to_string(json).unwrap(), "[\n  1\n]\n");
        let error = parsed(&["--markdown", &path("no/a.md")]).write("", &()).unwrap_err();
        assert!(error.to_string().starts_with("cannot write"), "{error}");
    }
}
