//! The arguments of `cargo ch3 compare`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use common::loadgen::Scenario;
use common::support::cli::{duration_within, within};

use crate::model::Model;
use crate::plan_args::PlanArgs;
use crate::progress::ProgressArgs;
use crate::serve::workers;

/// The arguments of `compare`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo ch3 compare                       all models, all scenarios, inside a minute and a half
  cargo ch3 compare -m sequential,thread-pool,epoll -s patience,stay
  cargo ch3 compare -s echo -c 1000 --json echo.json
  cargo ch3 compare -s echo --with 'python3 my.py --port {port}'
In --with, {port} is replaced by a free port; {service} and {delay_ms}, if they are there, by what
is to be served.")]
pub struct CompareArgs {
    /// The models, with commas between them [default: all]
    #[arg(short, long, value_enum, value_delimiter = ',', value_name = "MODEL,...")]
    pub(super) models: Vec<Model>,
    /// The scenarios, with commas between them [default: all]
    #[arg(short, long, value_enum, value_delimiter = ',', value_name = "SCENARIO,...")]
    pub(super) scenario: Vec<Scenario>,
    /// A server of your own, in any language, as one more row; may be given several times
    #[arg(long, value_name = "COMMAND")]
    pub(super) with: Vec<String>,
    /// Longer and more often: up to 10 minutes
    #[arg(long)]
    pub(super) full: bool,
    /// How often each model is measured [default: 3, with --full 5]
    #[arg(long, short_alias = 'n', value_name = "N", value_parser = within(1..=1000u32))]
    pub(super) repetitions: Option<u32>,
    /// Threads, processes or loops of the models that have a number of them [default: each model's own]
    #[arg(long, value_name = "N", value_parser = workers)]
    pub(super) workers: Option<NonZeroUsize>,
    /// How long a request of `heavy` takes, before it is scaled
    #[arg(long, value_parser = duration_within(Duration::ZERO..=Duration::from_secs(3600)), default_value = "5s", value_name = "TIME")]
    pub(super) delay: Duration,
    #[command(flatten)]
    pub(super) numbers: PlanArgs,
    /// Write the rows as JSON, too
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// Where the report goes
    #[arg(long, value_name = "FILE", default_value = "target/compare.html")]
    pub(super) report: PathBuf,
    #[command(flatten)]
    pub(super) progress: ProgressArgs,
}
