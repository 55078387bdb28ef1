//! `board-server`: the notification board under any model whose handlers share memory. Notes, chapter 4.
//!
//! ```text
//!   any model of chapter 3 ──► NotificationService ──► one lock ──► Log
//!                                      └──► an outbox per connection ──► the model sends
//! ```

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use ch3_threads::model::Model;
use ch3_threads::serve::{RunArgs, serve};
use clap::{Args, ValueEnum};
use common::board::Limits;
use common::core::outbox::WhenFull;
use common::support::cli::{duration, within};

use crate::notification::legacy_pacing::DEFAULT_GAP;
use crate::notification::service::{NotificationService, OUTBOX_BYTES};

/// The arguments of this command.
#[derive(Debug, Args)]
#[command(after_help = "Example: a board and two clients of it, in three terminals:
  cargo ch4 board-server
  cargo ch4 board-client
  cargo ch4 board-client --follow")]
pub struct BoardServerArgs {
    /// How connections are run
    #[arg(short, long, value_enum, default_value = "epoll")]
    pub model: Model,
    /// What happens to a client that does not read its notifications; the others wait for it under neither
    #[arg(long, value_enum, default_value = "skip")]
    pub when_full: Policy,
    /// With --when-full disconnect: a client with more bytes of notifications waiting is disconnected; three for each
    #[arg(long, value_name = "N", default_value_t = OUTBOX_BYTES, value_parser = within(1..=1_000_000_000_000usize))]
    pub outbox_bytes: usize,
    /// How far apart rounds of notifications are in the long run, when they may be coalesced (--when-full skip): after a burst of
    /// twenty, up to 32 messages wait for so long to be announced together; 0 announces each at once
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "15ms")]
    pub pace: Duration,
    /// Serve the notes' clients, which take what comes at once for one message: leave this much time between any two messages to
    /// a client [default: 5ms], and repeat a notification that no question has followed
    #[arg(
        long,
        value_name = "GAP",
        value_parser = duration,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = DEFAULT_GAP
    )]
    pub legacy_clients: Option<Duration>,
    /// Most bytes of all messages together; a full board refuses
    #[arg(long, value_name = "N", default_value_t = Limits::default().bytes, value_parser = within(0..=1_000_000_000_000usize))]
    pub max_bytes: usize,
    /// Most messages
    #[arg(long, value_name = "N", default_value_t = Limits::default().messages, value_parser = within(0..=1_000_000_000_000usize))]
    pub max_messages: usize,
    #[allow(missing_docs, reason = "flattened: a comment here would replace the command's own")]
    #[command(flatten)]
    pub run: RunArgs,
}

/// What happens to a client that does not keep up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Policy {
    /// One notification waits and stands for all that would follow: the client catches up when it reads again
    Skip,
    /// A notification for each message, and a client with --outbox-bytes of them waiting is disconnected
    Disconnect,
}

impl From<Policy> for WhenFull {
    fn from(policy: Policy) -> WhenFull {
        match policy {
            Policy::Skip => WhenFull::Skip,
            Policy::Disconnect => WhenFull::Disconnect,
        }
    }
}

/// Serves the board until the stop.
///
/// # Errors
/// The model cannot run it, or the address cannot be listened on.
pub fn run(args: &BoardServerArgs) -> anyhow::Result<ExitCode> {
    let limits = Limits { bytes: args.max_bytes, messages: args.max_messages };
    let interval = if args.when_full == Policy::Skip { args.pace } else { Duration::ZERO };
    let service = NotificationService::new(limits, args.when_full.into(), interval);
    let mut service = service.with_outbox(args.outbox_bytes);
    if let Some(gap) = args.legacy_clients {
        service = service.with_legacy_clients(gap);
    }
    serve(args.model, Arc::new(service), &args.run, None)?;
    Ok(ExitCode::SUCCESS)
}
