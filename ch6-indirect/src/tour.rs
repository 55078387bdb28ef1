//! `tour`: the patterns of messaging, run for real, with a picture of what went where. Notes, chapter 6: *message queues*, and RabbitMQ's
//! tutorials, to which they point.
//!
//! | pattern | idea |
//! |---|---|
//! | hello | a queue between two that need not be there at once |
//! | work-queue | several workers share the work; what a dead one had goes to another |
//! | publish-subscribe | everybody gets everything |
//! | routing | everybody gets what it asked for, by a key |
//! | topics | the same, by a pattern of keys |
//! | rpc | a call through queues: the answer has a queue, too |
//! | confirms | what the broker promises, and when |
//! | stream | read again, from any place |

mod patterns;
mod picture;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueEnum};
use common::support::cli::{stdout, writable};
use common::support::interrupt;

use crate::bus::{self, Bus};
pub use patterns::Pattern;
pub use picture::Flow;

/// The arguments of `tour`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo ch6 tour                                   all patterns, with a broker of its own
  cargo ch6 tour work-queue topics                 two of them
  cargo ch6 tour --report tour.html                as pictures
  cargo ch6 tour --broker amqp://127.0.0.1:5672    on a broker that runs: ours, or RabbitMQ")]
pub struct TourArgs {
    /// Which patterns [default: all]
    #[arg(value_enum)]
    pub patterns: Vec<Pattern>,
    /// Draw what went where into this file: HTML
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// The broker: `amqp://USER:PASSWORD@HOST:PORT/VHOST`, of which HOST is enough, or `embedded:` for one of this program's own
    #[arg(long, value_name = "URL", default_value = "embedded:")]
    pub broker: String,
}

/// Runs the patterns.
///
/// # Errors
/// There is no broker, or it does not do what a pattern needs.
pub fn run(args: &TourArgs) -> anyhow::Result<ExitCode> {
    interrupt::ends_at_once()?;
    writable(args.report.iter())?;
    let patterns = if args.patterns.is_empty() { Pattern::value_variants() } else { &args.patterns[..] };
    let flows: Vec<Flow> = bus::run(async {
        let bus = Bus::connect(&args.broker).await?;
        let mut flows = Vec::new();
        for &pattern in patterns {
            let flow = patterns::run(pattern, &bus).await.with_context(|| format!("{pattern:?}"))?;
            let mut out = stdout().lock();
            writeln!(out, "{}", flow.text())?;
            out.flush()?;
            flows.push(flow);
        }
        bus.close().await;
        anyhow::Ok(flows)
    })?;
    if let Some(file) = &args.report {
        std::fs::write(file, picture::page(&flows))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
