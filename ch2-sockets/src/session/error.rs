//! Why an exchange came to nothing, as a client tells it.

use common::support::count::count;
use std::time::Duration;

use thiserror::Error;

use super::datagram::Reason;

/// Why there is no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ExchangeError {
    /// Not one datagram came for so long.
    #[error("no answer for {} s: is there a server at this address?", .after.as_secs_f64())]
    NoAnswer {
        /// How long the server was silent.
        after: Duration,
    },
    /// The server said so.
    #[error("the server refuses: {0}")]
    Refused(Reason),
    /// The server speaks the original block protocol only: [`BlockClient`](super::BlockClient) can upload to it.
    #[error("the server knows only the original block protocol")]
    Original,
    /// The message is longer than the protocol's or our own limit.
    #[error("a message of {}, the limit is {limit}", count(*length, "byte"))]
    TooLong {
        /// Bytes of the message.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// Blocks were lost on the server's side: it had not all of them at the end.
    #[error("the server has not got all blocks")]
    Incomplete,
    /// The server of the original protocol answered `z`: it does not know the session, or does not like the blocks.
    #[error("the server does not take the blocks")]
    NotTaken,
}
