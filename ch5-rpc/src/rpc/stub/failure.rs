//! What the errors of tarpc say about what has happened, and what they do not.
//!
//! | tarpc | here | because |
//! |---|---|---|
//! | `Send` | not begun | the request did not fit in a frame: nothing of it was written |
//! | `Server` | by its [case](crate::rpc::refusal) | the server's machinery has spoken |
//! | `DeadlineExceeded` | unknown | the call was sent, and may be running now |
//! | `Shutdown` | unknown | "never sent" and "sent, and then the connection ended" are one error |
//! | `Channel` | unknown | the same; but not begun, if what has come first is no answer of a board |

use std::error::Error;
use std::io;

use tarpc::ChannelError;
use tarpc::client::RpcError;

use crate::rpc::board::CallError;
use crate::rpc::codec::Misfit;
use crate::rpc::interface::{Behind, BoardError};
use crate::rpc::refusal::{NotBegun, Refusal};

/// The result of a call.
pub fn result<T>(answer: Result<Result<T, BoardError>, RpcError>, frame: usize) -> Result<T, CallError> {
    match answer {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(BoardError::Behind(Behind::NotBegun(why)))) => Err(CallError::NotBegun(NotBegun::Behind(why))),
        Ok(Err(BoardError::Behind(Behind::Unknown(why)))) => Err(CallError::Unknown(why)),
        Ok(Err(error)) => Err(CallError::Failed(error)),
        Err(RpcError::Server(error)) => Err(match Refusal::from(&error) {
            Refusal::NotBegun(why) => CallError::NotBegun(why),
            Refusal::AnswerTooLong(limit) => CallError::Failed(BoardError::AnswerTooLong { limit }),
            // The procedure has run; only its result is lost.
            no_room @ Refusal::NoRoomForAnswer => CallError::Unknown(no_room.to_string()),
            Refusal::Crashed(why) => CallError::Unknown(why),
        }),
        Err(RpcError::Send(_)) => Err(CallError::NotBegun(NotBegun::RequestTooLong(frame as u64))),
        Err(RpcError::DeadlineExceeded) => Err(silence()),
        Err(RpcError::Channel(error)) if let Some(other) = misfit(&error) => {
            Err(CallError::NotBegun(NotBegun::OtherServer(other.into())))
        }
        Err(RpcError::Shutdown | RpcError::Channel(_)) => Err(CallError::Unknown(
            "the connection has ended without an answer. Is it a `board-server`, with the same -t?".into(),
        )),
    }
}

/// What answers there instead of a board.
fn misfit(error: &ChannelError<dyn Error + Send + Sync>) -> Option<&'static str> {
    let ChannelError::Read(error) = error else { return None };
    let Misfit(other) = error.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref()?;
    Some(other)
}

/// Nothing has come until the deadline.
pub fn silence() -> CallError {
    CallError::Unknown("no answer has come until the deadline".into())
}
