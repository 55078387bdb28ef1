//! What is seen while a simulation runs: the log lines of the notes (figure 4.6), or a progress bar.

use std::io::IsTerminal;
use std::time::Instant;

use common::core::worker_name::speak_as;
use common::loadgen::{Event, Observer, Plan, Scenario};
use common::support::cli::human;
use common::support::log;
use common::support::progress::Due;
use indicatif::{ProgressBar, ProgressStyle};

/// What is seen while it runs: the log lines of the notes for a handful of clients, a progress bar for many.
pub struct Screen<'a> {
    plan: &'a Plan,
    lines: bool,
    /// Hidden where there are log lines.
    pub bar: ProgressBar,
    unit: &'static str,
    /// Where the bar cannot be seen.
    progress: Option<Due>,
    begin: Instant,
}

impl Screen<'_> {
    /// `quiet`: neither lines nor bar.
    pub fn new(plan: &Plan, quiet: bool) -> Screen<'_> {
        let lines =
            matches!(plan.scenario, Scenario::Patience | Scenario::Stay | Scenario::Heavy | Scenario::Factor);
        // Hides itself where stderr is no terminal.
        let bar = if lines || quiet { ProgressBar::hidden() } else { ProgressBar::new(0) };
        let unit = match plan.scenario {
            Scenario::Echo => "ms",
            Scenario::Connect => "connections",
            _ => "clients gone",
        };
        let template = format!("{{bar:40}} {{pos}}/{{len}} {unit}");
        bar.set_style(
            ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        let progress = (!lines && !quiet && !std::io::stderr().is_terminal()).then(Due::default);
        Screen { plan, lines: lines && !quiet, bar, unit, progress, begin: Instant::now() }
    }
}

impl Observer for Screen<'_> {
    fn progress(&self, done: u64, total: u64) {
        self.bar.set_length(total);
        self.bar.set_position(done);
        if self.progress.as_ref().is_some_and(|progress| progress.is_due(self.begin.elapsed())) {
            log::line(format_args!("{done} of {total} {}", self.unit));
        }
    }

    fn happened(&self, client: usize, event: &Event<'_>) {
        if !self.lines {
            return;
        }
        let plan = self.plan;
        let target = plan.target;
        let heavy = matches!(plan.scenario, Scenario::Heavy | Scenario::Factor);
        // Each client under its own name, as each is a thread in the notes.
        speak_as(&format!("client-{client}"), || match event {
            Event::Connecting => tracing::info!("Trying to connect to {target}"),
            Event::Connected if heavy => {
                tracing::info!("Connected, waiting for the answer ...");
            }
            Event::Connected => tracing::info!("Connected, waiting for service ..."),
            Event::Served if heavy => tracing::info!("Received the whole answer"),
            Event::Served => {
                let stay = human(plan.scaled_stay());
                tracing::info!("Service available! Keeping it busy for {stay} ...");
            }
            Event::Finished if heavy => {}
            Event::Finished => tracing::info!("Finished using a service ..."),
            Event::TimedOut if heavy => tracing::error!("Timeout waiting for the answer!"),
            Event::TimedOut => tracing::error!("Timeout waiting for service!"),
            Event::Refused(error) => tracing::error!("Refused: {error}"),
            Event::WrongBytes => tracing::error!("The server answered wrong bytes!"),
            Event::Disconnected => tracing::info!("Disconnected ..."),
        });
    }
}
