//! What is seen while a simulation runs: the log lines of the notes (figure 4.6), or a progress bar.

use common::core::worker_name::speak_as;
use common::loadgen::{Event, Observer, Plan, Scenario};
use common::support::cli::human;

use crate::progress::{Progress, ProgressArgs};

/// What is seen while it runs: the log lines of the notes for a handful of clients, a progress bar for many.
pub struct Screen<'a> {
    plan: &'a Plan,
    lines: bool,
    unit: &'static str,
    /// None where there are log lines.
    pub progress: Progress,
}

impl Screen<'_> {
    /// `quiet`: neither lines nor bar.
    pub fn new(plan: &Plan, quiet: bool, progress: ProgressArgs) -> Screen<'_> {
        let lines =
            matches!(plan.scenario, Scenario::Patience | Scenario::Stay | Scenario::Heavy | Scenario::Factor);
        let unit = match plan.scenario {
            Scenario::Echo => "ms",
            Scenario::Connect => "connections",
            _ => "clients gone",
        };
        let progress = if lines || quiet {
            Progress::none()
        } else {
            Progress::new(progress, &format!("{{bar:40}} {{pos}}/{{len}} {unit}"))
        };
        Screen { plan, lines: lines && !quiet, unit, progress }
    }
}

impl Observer for Screen<'_> {
    fn progress(&self, done: u64, total: u64) {
        self.progress.bar.set_length(total);
        self.progress.bar.set_position(done);
        self.progress.tell(|| format!("{done} of {total} {}", self.unit));
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
