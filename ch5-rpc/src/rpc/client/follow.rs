//! What comes, by asking again and again: each call waits at the server until there is something new, or until its deadline.
//!
//! The server keeps nothing between two calls. The client says how far it has read, so nothing is lost when a connection breaks.

use std::time::Duration;

use tokio::time::sleep;

use super::args::BoardClientArgs;
use super::read::read_one;
use super::show::Screen;
use super::stopped::Stopped;
use crate::rpc::board::{Board, CallContext, CallError};
use crate::rpc::interface::{BoardError, Seen};

/// The pause before a server that is gone is looked for again.
const PAUSE: Duration = Duration::from_millis(200);

/// Shows the last messages, and then every message that comes.
pub async fn follow(
    args: &BoardClientArgs,
    board: &impl Board,
    context: impl Fn() -> CallContext,
    screen: &mut Screen,
) -> Result<(), Stopped> {
    let mut seen = Seen::default();
    if args.last > 0 {
        seen.next = board.last(context(), args.last).await?.first().copied().unwrap_or_default();
    }
    // A server that was there is waited for; one that never was is an error.
    let mut has_been_there = args.last > 0;
    let mut is_gone = false;
    loop {
        match board.wait(context(), seen).await {
            Ok(news) => {
                if has_been_there && seen.board != 0 && news.seen.board != seen.board {
                    tracing::warn!("the server was started anew: its board begins again");
                } else if is_gone {
                    tracing::info!("the server is there again");
                }
                (has_been_there, is_gone, seen) = (true, false, news.seen);
                news.messages.iter().try_for_each(|message| screen.message(message))?;
            }
            Err(CallError::Failed(BoardError::AnswerTooLong { .. })) => {
                read_one(board, context(), seen.next, screen).await?;
                seen.next += 1;
            }
            Err(error @ CallError::Failed(_)) => return Err(error.into()),
            Err(error) if args.no_reconnect || !has_been_there => return Err(error.into()),
            Err(error) => {
                if !std::mem::replace(&mut is_gone, true) {
                    tracing::warn!("{error}; asking again until it is there");
                }
                sleep(PAUSE).await;
            }
        }
        screen.flush()?;
    }
}
