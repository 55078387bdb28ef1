//! What is said of a run: lines on standard output, the history as JSON, the picture.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use common::support::cli::{human, stdout};
use common::support::count::count;
use common::support::terminal;
use common::verify::picture::{self, About, Shown, sentence};
use common::verify::{
    Decided, Explanation, History, Limit, SearchResult, Specification, Verdict, check, decided_prefix,
    explain,
};
use serde_json::{Value, json};

use super::args::VerifyArgs;
use super::recorder::Silence;

/// No order explains the answers.
const VIOLATION: u8 = 3;
/// The search was given up, or there was nothing to search.
const UNKNOWN: u8 = 4;

/// One run of the clients.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    /// How they were run.
    pub args: &'a VerifyArgs,
    /// Against what.
    pub subject: &'a str,
    /// With which seed.
    pub seed: u64,
}

impl Trial<'_> {
    /// Searches an order, and says, writes and draws what came of it.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn judge<S: Specification>(
        &self,
        specification: &S,
        silence: Silence,
        history: &History<S::Operation, S::Answer>,
    ) -> anyhow::Result<ExitCode> {
        let run = format!(
            "{}: {} of {}{silence}, at most {} at once, seed {}",
            self.subject,
            count(history.calls().len() - silence.lost, "call"),
            count(history.clients(), "client"),
            history.most_at_once(),
            self.seed
        );
        say(&run)?;
        if silence.unanswered > 0 {
            tracing::warn!(
                "calls without an answer may have taken effect at any time, or never: the more of them, the less is checked"
            );
        }
        let mut outcome = self.in_time(|limit| check(specification, history, limit));
        let unheard = silence.is_nearly_all() && matches!(outcome.verdict, Verdict::Linearizable(_));
        if unheard {
            outcome.verdict = Verdict::Unknown;
        }
        // What the search cannot tell of the whole, it may tell of the beginning.
        let decided = match outcome.verdict {
            Verdict::Unknown if !unheard => {
                self.in_time(|limit| decided_prefix(specification, history, limit))
            }
            _ => None,
        };
        let whole = history;
        let mut history = history;
        if let Some(Decided { history: beginning, result }) = &decided
            && let Verdict::Violation(_) = result.verdict
        {
            history = beginning;
            outcome = result.clone();
        }
        let explanation = match &outcome.verdict {
            Verdict::Violation(violation) => {
                Some(self.in_time(|limit| explain(specification, history, violation, limit)))
            }
            _ => None,
        };
        let verdict = if unheard {
            format!(
                "unknown: of {} only {} was served, and alone it has met nobody",
                count(silence.served + silence.unserved, "client"),
                silence.served
            )
        } else {
            self.words(whole, silence, &outcome, explanation.as_ref())
        };
        say(&verdict)?;
        let decided = decided.as_ref().map(|decided| decided.history.returns());
        if let Some(decided) = decided {
            let all = whole.returns();
            say(&match outcome.verdict {
                Verdict::Violation(_) => format!(
                    "(the first {decided} of {all} answers are enough to see it; all of them were too many)"
                ),
                _ => format!(
                    "an order explains the first {decided} of {all} answers; with more the search was given up"
                ),
            })?;
        }
        if let Some(explanation) = &explanation {
            self.say_why(history, explanation)?;
        }
        if let Some(path) = &self.args.json {
            write_json(path, &self.json(history, &outcome, explanation.as_ref(), decided))?;
        }
        if let Some(path) = &self.args.picture {
            self.draw(path, history, &outcome, explanation.as_ref(), &run, &verdict)?;
        }
        Ok(match outcome.verdict {
            Verdict::Linearizable(_) => ExitCode::SUCCESS,
            Verdict::Violation(_) => ExitCode::from(VIOLATION),
            Verdict::Unknown => ExitCode::from(UNKNOWN),
        })
    }

    /// A search, each with as many steps and as much time as the user allows.
    fn in_time<T>(&self, search: impl FnOnce(Limit<'_>) -> T) -> T {
        let start = Instant::now();
        search(Limit { steps: self.args.steps, is_late: Some(&|| start.elapsed() >= self.args.limit) })
    }

    fn say_why<O: std::fmt::Display, A: std::fmt::Display>(
        &self,
        history: &History<O, A>,
        explanation: &Explanation,
    ) -> anyhow::Result<()> {
        let calls = history.calls();
        say(&format!("  {}", sentence(&calls[explanation.culprit])))?;
        say(&format!("  in the order of the calls before it: → {}", explanation.right.join(" or ")))?;
        if !explanation.rivals.is_empty() {
            say("open at the same time:")?;
        }
        for &rival in &explanation.rivals {
            say(&format!("  {}", sentence(&calls[rival])))?;
        }
        if self.args.picture.is_none() {
            say("(--picture FILE draws it)")?;
        }
        Ok(())
    }

    fn draw<O: std::fmt::Display, A: std::fmt::Display>(
        &self,
        path: &Path,
        history: &History<O, A>,
        outcome: &SearchResult,
        explanation: Option<&Explanation>,
        run: &str,
        verdict: &str,
    ) -> anyhow::Result<()> {
        let shown = match (&outcome.verdict, explanation) {
            (_, Some(explanation)) => Shown::Violation(explanation),
            (Verdict::Linearizable(order), _) => Shown::Order(order),
            _ => Shown::Order(&[]),
        };
        let look_longer = format!("{} --seeds 100", self.command());
        let facts = [
            ("Run", run.to_owned()),
            ("Ask for the same again", self.command()),
            (
                "Who meets whom",
                "no seed says: that is for the machine to decide, in every run anew".to_owned(),
            ),
            ("Look longer", look_longer + " (until there is a violation, with as many seeds at most)"),
        ];
        let about = About {
            title: format!("{}: concurrent calls", self.args.what.name()),
            verdict: verdict.to_owned(),
            facts: facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        };
        std::fs::write(path, picture::html(history, shown, &about))
            .with_context(|| format!("cannot write {}", path.display()))?;
        say(&format!("drawn in {}", path.display()))
    }

    /// What asks for the same again. When each request arrives, and so whether there is a violation, is not the seed's to say.
    fn command(&self) -> String {
        let args = self.args;
        let what = clap::ValueEnum::to_possible_value(&args.what);
        let what = what.map_or_else(String::new, |what| what.get_name().to_owned());
        let mut command = format!("cargo ch4 verify --what {what}");
        if let Some(host) = &args.host {
            command += &format!(" -H {host}");
        }
        if let Some(port) = args.port {
            command += &format!(" -p {port}");
        }
        if let Some(model) = args.model {
            command += &format!(" --model {}", model.name());
        }
        if let Some(pause) = args.racy {
            command += &format!(" --racy {}", human(pause));
        }
        command
            + &format!(" --clients {} --operations {} --seed {}", args.clients, args.operations, self.seed)
    }

    fn json<O: std::fmt::Display, A: std::fmt::Display>(
        &self,
        history: &History<O, A>,
        outcome: &SearchResult,
        explanation: Option<&Explanation>,
        decided: Option<usize>,
    ) -> Value {
        let order: &[usize] = match &outcome.verdict {
            Verdict::Linearizable(order) => order,
            Verdict::Violation(violation) => &violation.order,
            Verdict::Unknown => &[],
        };
        let us = |time: std::time::Duration| time.as_nanos() as f64 / 1e3;
        let calls: Vec<Value> = history
            .calls()
            .iter()
            .map(|call| {
                json!({
                    "client": call.client,
                    "operation": call.operation.to_string(),
                    "answer": call.answer().map(ToString::to_string),
                    "called_us": us(call.called),
                    "returned_us": call.returned.as_ref().map(|(at, _)| us(*at)),
                })
            })
            .collect();
        let violation = explanation.map(|explanation| {
            json!({
                "culprit": explanation.culprit,
                "right": explanation.right,
                "rivals": explanation.rivals,
                "needed": explanation.needed,
            })
        });
        json!({
            "command": self.command(),
            "server": self.subject,
            "seed": self.seed,
            "verdict": name(&outcome.verdict),
            "steps": outcome.steps,
            "decided_answers": decided,
            "order": order,
            "violation": violation,
            "calls": calls,
        })
    }

    fn words<O, A>(
        &self,
        history: &History<O, A>,
        silence: Silence,
        outcome: &SearchResult,
        explanation: Option<&Explanation>,
    ) -> String {
        let steps = outcome.steps;
        match (&outcome.verdict, explanation) {
            (Verdict::Linearizable(_), _) => format!(
                "linearizable: one after another, the {} calls would have been answered the same (found in {steps} steps)",
                history.calls().len() - silence.lost,
            ),
            (Verdict::Violation(_), Some(explanation)) => format!(
                "violation: no order explains this answer, and {} calls are enough to see it (found in {steps} steps)",
                explanation.needed.len(),
            ),
            _ if steps < self.args.steps => format!(
                "unknown: given up after {} and {steps} steps; fewer clients or operations, or more --limit, may tell",
                human(self.args.limit)
            ),
            _ => format!(
                "unknown: given up after {steps} steps; fewer clients or operations, or more --steps, may tell"
            ),
        }
    }
}

fn name(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Linearizable(_) => "linearizable",
        Verdict::Violation(_) => "violation",
        Verdict::Unknown => "unknown",
    }
}

fn write_json(path: &Path, value: &Value) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    let mut file = BufWriter::new(File::create(path).with_context(cannot)?);
    serde_json::to_writer_pretty(&mut file, value).with_context(cannot)?;
    writeln!(file).and_then(|()| file.flush()).with_context(cannot)
}

fn say(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(stdout(), "{}", terminal::line(line))?)
}
