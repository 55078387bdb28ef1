//! What is on the board. One call brings all; where its answer is too long for a frame, or `--chatty` asks for it, it is done as in the
//! notes: `last`, and then a `get` for each id. That is one round trip for each message, which is where RPC is bad.

use super::args::BoardClientArgs;
use super::show::Screen;
use super::stopped::Stopped;
use crate::rpc::board::{Board, CallContext, CallError};
use crate::rpc::interface::BoardError;

/// Reads and shows the last messages.
pub async fn read(
    args: &BoardClientArgs,
    board: &impl Board,
    context: impl Fn() -> CallContext,
    screen: &mut Screen,
) -> Result<(), Stopped> {
    if !args.chatty {
        match board.last_with_text(context(), args.last).await {
            Ok(messages) => return messages.iter().try_for_each(|message| screen.message(message)),
            Err(CallError::Failed(BoardError::AnswerTooLong { .. })) => {
                tracing::debug!("all messages are too long for one answer: asking for each");
            }
            Err(error) => return Err(error.into()),
        }
    }
    for id in board.last(context(), args.last).await? {
        read_one(board, context(), id, screen).await?;
    }
    Ok(())
}

/// Reads and shows one message. One that is gone, or that no frame can carry, is left out, and that is said.
pub async fn read_one(
    board: &impl Board,
    context: CallContext,
    id: u64,
    screen: &mut Screen,
) -> Result<(), Stopped> {
    match board.get(context, id).await {
        Ok(message) => screen.message(&message),
        // The server was started anew between the two calls.
        Err(CallError::Failed(BoardError::NoMessage(_))) => {
            tracing::warn!("the board no longer has message {id}");
            Ok(())
        }
        Err(CallError::Failed(BoardError::AnswerTooLong { limit })) => {
            tracing::warn!(
                "message {id} is left out: it is longer than the {limit} bytes of a frame or datagram"
            );
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}
