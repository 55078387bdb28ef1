//! `board-server`: the notification board under any model whose handlers share memory. Notes, chapter 4.
//!
//! ```text
//!   any model of chapter 3 ──► NotificationService ──► one lock ──► Log
//!                                      └──► an outbox per connection ──► the model sends
//! ```

use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use ch3_threads::model::Model;
use ch3_threads::serve::{RunArgs, serve};
use clap::{Args, ValueEnum};
use common::board::Limits;
use common::core::outbox::WhenFull;
use common::support::cli::duration;

use crate::notification::service::{NotificationService, OUTBOX_BYTES};
use crate::spacing::DEFAULT_GAP;

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
    /// With --when-full disconnect: who has more bytes of notifications waiting is hung up on; three for each
    #[arg(long, value_name = "N", default_value_t = OUTBOX_BYTES)]
    pub outbox_bytes: usize,
    /// How far apart rounds of notifications are in the long run, when they may be coalesced (--when-full skip): after a burst of
    /// twenty, up to 32 messages wait for so long to be announced together; 0 announces each at once
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "15ms")]
    pub pace: Duration,
    /// Between two messages to a client of the notes, which takes what comes at once for one message; 0 is no gap.
    /// A client that says on connecting that it knows better, by `2:;2:;`, waits for nothing
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = DEFAULT_GAP)]
    pub gap: Duration,
    /// Most bytes of all messages together; a full board refuses
    #[arg(long, value_name = "N", default_value_t = Limits::default().bytes)]
    pub max_bytes: usize,
    /// Most messages
    #[arg(long, value_name = "N", default_value_t = Limits::default().messages)]
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
    /// A notification for each message, and who has --outbox-bytes of them waiting is hung up on
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
    if args.model == Model::ProcessPipeline {
        bail!("the board needs one memory, and the handlers of {} are other programs", args.model.name());
    }
    let limits = Limits { bytes: args.max_bytes, messages: args.max_messages };
    // A model that forks must do so before there is a second thread.
    let coalesces = args.when_full == Policy::Skip && !args.model.copies_memory();
    let interval = if coalesces { args.pace } else { Duration::ZERO };
    let service = NotificationService::new(limits, args.when_full.into(), interval, args.gap);
    let service = Arc::new(service.with_outbox(args.outbox_bytes));
    // No model that is left here starts a program.
    let serve = || serve(args.model, service.clone(), &args.run, Box::new(|| Command::new("false")));
    if interval.is_zero() {
        serve()?;
        return Ok(ExitCode::SUCCESS);
    }
    thread::scope(|scope| {
        let notifier = thread::Builder::new().name("notifier".into());
        notifier
            .spawn_scoped(scope, || service.notify_when_due())
            .context("no thread for the notifications")?;
        let _end = End(&service);
        serve()
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Ends the notifier, whether the server returns or panics: the scope waits for it.
struct End<'a>(&'a NotificationService);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}
