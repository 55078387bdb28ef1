//! `cargo ch5 board-client`: publish if asked, then read what is there. Notes, figure 5.5.
//!
//! ```text
//!   -m TEXT ──► publish ──► Message published
//!               last_with_text ──► time [ip:port] -> text        one call; `--chatty` makes it last, and a get for each
//!   --follow    wait, wait, …                                    each until there is something new, or its deadline
//! ```
//!
//! | file | what it is |
//! |---|---|
//! | `args` | the arguments |
//! | `text` | the text to publish: an argument, or standard input |
//! | `read` | what is on the board, in one call or in many |
//! | `follow` | what comes |
//! | `show` | a message on a line |
//! | `stopped` | why the client ends |

mod args;
mod follow;
mod read;
mod show;
mod stopped;
mod text;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use common::core::stop::Stop;
use common::support::{interrupt, log};

use super::board::{Board, CallContext, CallError};
use super::refusal::NotBegun;
use super::stop::requested;
use super::stub::RemoteBoard;
pub use args::BoardClientArgs;
use stopped::Stopped;

/// The message is not published.
const NOT_PUBLISHED: u8 = 3;
/// Whether the message has been published is not known.
const UNKNOWN: u8 = 4;

/// Runs the client.
///
/// # Errors
/// A sentence about what went wrong, for exit status 1.
pub fn run(args: &BoardClientArgs) -> anyhow::Result<ExitCode> {
    let stop = Stop::install().context("no descriptor for the stop")?;
    let done = match text::read(args, stop) {
        Ok(text) => {
            let target = args.target()?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let stop = runtime.block_on(async { requested(stop) })?;
            let done = runtime.block_on(async {
                let board = RemoteBoard::new(target, args.settings());
                tokio::select! {
                    biased;
                    () = stop => Err(Stopped::Interrupted),
                    done = converse(args, &board, text) => match done {
                        Err(Stopped::Call(error)) => Err(Stopped::Call(told_more(&board, error).await)),
                        done => done,
                    },
                }
            });
            // A call that was in flight is cancelled; that is sent before the connection ends.
            runtime.block_on(async { tokio::time::sleep(Duration::from_millis(1)).await });
            runtime.shutdown_background(); // a name that is still being looked up holds up nobody
            done
        }
        Err(error) => Err(error),
    };
    let Err(error) = done else { return Ok(ExitCode::SUCCESS) };
    let code = match error {
        Stopped::Interrupted => {
            tracing::info!("interrupted");
            return Ok(ExitCode::from(interrupt::STATUS));
        }
        Stopped::NotPublished(_) | Stopped::TooLong(..) => NOT_PUBLISHED,
        Stopped::MaybePublished(_) => UNKNOWN,
        Stopped::Call(error) => return Err(error.into()),
        Stopped::Io(error) => return Err(error.into()),
    };
    log::line(format_args!("error: {error}"));
    Ok(ExitCode::from(code))
}

/// An unknown end is a certain one, if what is there is no board.
async fn told_more(board: &RemoteBoard, error: CallError) -> CallError {
    match error {
        CallError::Unknown(_) => match board.what_is_there().await {
            Some(other) => CallError::NotBegun(NotBegun::OtherServer(other)),
            None => error,
        },
        error => error,
    }
}

async fn converse(args: &BoardClientArgs, board: &RemoteBoard, text: Option<Vec<u8>>) -> Result<(), Stopped> {
    let context = || CallContext {
        trace: args.trace.unwrap_or_else(rand::random),
        ..CallContext::within(args.deadline)
    };
    if let Some(text) = text {
        let call = (!args.no_call_id).then(|| board.next_call());
        let context = context();
        tracing::debug!("publish, trace {:032x}", context.trace);
        if let Err(error) = board.publish(context, text.into(), call).await {
            return Err(match error {
                CallError::NoServer(_) => Stopped::Call(error),
                error => match told_more(board, error).await {
                    CallError::Unknown(why) => Stopped::MaybePublished(why),
                    error => Stopped::NotPublished(error),
                },
            });
        }
        show::published()?;
        if args.publish_only {
            return Ok(());
        }
    }
    let mut screen = show::Screen::default();
    if args.follow {
        return follow::follow(args, board, context, &mut screen).await;
    }
    read::read(args, board, context, &mut screen).await?;
    screen.end()
}
