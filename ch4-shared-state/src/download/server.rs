//! A small HTTP server of files, slow on purpose: so that it shows what waiting costs whoever downloads from it.
//!
//! ```text
//!   GET /file-1.bin ──► latency … head ─► piece … piece … piece      … = a pause, so that a connection
//!                                                                        gets no more than its rate
//! ```
//!
//! A service of the core under any of chapter 3's models. No handler sleeps: a piece that may not leave yet says when it may, and
//! a model that serves all clients in one loop serves the others meanwhile.

mod catalogue;
mod protocol;
mod service;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use ch3_threads::model::Model;
use ch3_threads::serve::{RunArgs, serve};
use clap::Args;
use common::support::child_server::{ChildServer, this_program};
use common::support::cli::duration;

pub use catalogue::Catalogue;
use common::support::size;
pub use service::Files;

/// The longest pause before an answer: a stop waits for those who are in one.
const LATENCY_LIMIT: Duration = Duration::from_secs(10);

/// The arguments of this command.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: four files of 2 MB at 1 MB/s each, and one of them fetched by another client:
  cargo ch4 files-server -p 8080 --rate 1MB/s --latency 300ms
  curl http://127.0.0.1:8080/                     (the list, in another terminal)
  curl -O http://127.0.0.1:8080/file-1.bin
  cargo ch4 download --mode threads http://127.0.0.1:8080/file-{1,2,3,4}.bin"
)]
pub struct FilesServerArgs {
    /// How connections are run
    #[arg(short, long, value_enum, default_value = "thread-per-connection")]
    pub model: Model,
    #[allow(missing_docs, reason = "flattened: a comment here would replace the command's own")]
    #[command(flatten)]
    pub offer: OfferArgs,
    /// Serve the files of this directory (not of those in it) instead of made ones
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    #[allow(missing_docs, reason = "flattened: a comment here would replace the command's own")]
    #[command(flatten)]
    pub run: RunArgs,
}

/// What is served, and how slowly; `download --demo` takes the same.
#[derive(Debug, Clone, Args)]
pub struct OfferArgs {
    /// How many files are made up: file-1.bin and so on [default: 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub files: Option<u32>,
    /// The size of each made file [default: 2MB]
    #[arg(long, value_name = "SIZE", value_parser = size::up_to_1_tb)]
    pub size: Option<u64>,
    /// What the made files are made from: the same seed, the same bytes [default: 1]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Most bytes per second to one connection [default: as fast as it can; for download 4MB/s]
    #[arg(long, value_name = "RATE", value_parser = size::rate)]
    pub rate: Option<u64>,
    /// How long each answer waits for its first byte [default: 0; for download 100ms]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub latency: Option<Duration>,
}

impl OfferArgs {
    /// How many files.
    #[must_use]
    pub fn files(&self) -> u32 {
        self.files.unwrap_or(4)
    }

    /// The size of each, bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size.unwrap_or(2_000_000)
    }

    /// What they are made from.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed.unwrap_or(1)
    }

    /// Whether any of it was said.
    #[must_use]
    pub fn is_asked_for(&self) -> bool {
        let OfferArgs { files, size, seed, rate, latency } = self;
        files.is_some() || size.is_some() || seed.is_some() || rate.is_some() || latency.is_some()
    }
}

/// Serves files until the stop.
///
/// # Errors
/// The directory cannot be read, or the address not listened on.
pub fn run(args: &FilesServerArgs) -> anyhow::Result<std::process::ExitCode> {
    let latency = args.offer.latency.unwrap_or_default();
    if latency > LATENCY_LIMIT {
        bail!("a latency of more than {} s looks like a server that has died", LATENCY_LIMIT.as_secs());
    }
    let catalogue = match &args.dir {
        Some(dir) => {
            Catalogue::of_directory(dir).with_context(|| format!("cannot read {}", dir.display()))?
        }
        None => Catalogue::made(args.offer.files(), args.offer.size(), args.offer.seed()),
    };
    let service = Arc::new(Files::new(catalogue, args.offer.rate, latency));
    serve(args.model, service, &args.run, None)?;
    Ok(std::process::ExitCode::SUCCESS)
}

/// Starts this server, as a process of its own, on a free port of `listen`; `options` are its further arguments.
///
/// # Errors
/// It does not come up.
pub fn start_child(listen: IpAddr, options: &[String]) -> anyhow::Result<ChildServer> {
    let mut command = this_program(["files-server", "--log", "warn", "-p", "0", "-l", &listen.to_string()])?;
    ChildServer::start(command.args(options)).context("the server of files")
}
