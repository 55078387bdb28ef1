//! `guessword-server`: the guess-word game under any model whose handlers share memory. Notes, chapter 4: *shared state*.
//!
//! ```text
//!   any model of chapter 3 ──► GuessService ──► one lock ──► Game
//!                                   └──► an outbox per connection ──► the model sends
//! ```

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use ch3_threads::model::Model;
use ch3_threads::serve::{RunArgs, serve};
use clap::Args;
use common::support::cli::{duration, human};

use super::service::GuessService;

const EXAMPLES: &str = "\
Example: a game, and three players in three other terminals:
  cargo ch4 guessword-server
  cargo ch4 guessword-client --name Alice          (and Bob, and Carol)

Check-then-act: two players guess one letter at once, and both score. Twenty rounds of
five letters are 100 points, which a listener counts; with --racy it counts more:
  cargo ch4 guessword-server --racy 1ms            (and in another terminal:)
  play() { cargo ch4 guessword-client --until-round 20 --name $*; }
  play Ear | grep -c 'guessed\\|won' &
  for n in Ann Bo Cy; do play $n --propose tallinn --guess talin >/dev/null & done; wait";

/// The arguments of this command.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct GuesswordServerArgs {
    /// How connections are run [default: epoll, and with --racy thread-per-connection]
    #[arg(short, long, value_enum)]
    pub model: Option<Model>,
    /// Show the bug: check a guess and score it under two locks instead of one, with so long between them
    #[arg(
        long,
        visible_alias = "check-then-act",
        value_name = "TIME",
        value_parser = duration,
        num_args = 0..=1,
        default_missing_value = "0"
    )]
    pub racy: Option<Duration>,
    #[allow(missing_docs, reason = "flattened: a comment here would replace the command's own")]
    #[command(flatten)]
    pub run: RunArgs,
}

/// Serves the game until the stop.
///
/// # Errors
/// The model cannot run it, or the address cannot be listened on.
pub fn run(args: &GuesswordServerArgs) -> anyhow::Result<ExitCode> {
    let model = args.model.unwrap_or(match args.racy {
        None => Model::Epoll,
        Some(_) => Model::ThreadPerConnection,
    });
    if let Some(pause) = args.racy {
        tracing::warn!("the lock is let go for {} between the check of a guess and its score", human(pause));
        if handles_one_at_a_time(model) {
            tracing::warn!(
                "{} handles one request at a time: it hides the bug, and is slowed by it",
                model.name()
            );
        }
    }
    let service = Arc::new(GuessService::new(args.racy));
    serve(model, service, &args.run, None)?;
    Ok(ExitCode::SUCCESS)
}

fn handles_one_at_a_time(model: Model) -> bool {
    matches!(
        model,
        Model::OneClient | Model::Sequential | Model::Select | Model::Poll | Model::Epoll | Model::IoUring
    )
}
