//! The message board over a broker: client and servers know the broker and nobody else, and need not be there at the same time. Notes,
//! chapter 6, where the board's shortcomings are the reason for the whole chapter.
//!
//! ```text
//!   client ──► [board.requests] ──► one of the servers ──► [board.history]  (a stream)
//!     ▲          a work queue            ▲                      │
//!     │                                  └──── each server reads all of it: so all hold the same board
//!     └── [board.client.NAME] ◄── answers; they wait while the client is away
//! ```
//!
//! - **Nobody there?** The broker keeps requests until a server comes, and answers until the client does.
//! - **One order.** A message is on the board when it is in the stream. Its place is the same for all servers, because they all count
//!   the same stream. A server that comes late reads it from the beginning.
//! - **Nothing twice.** A request has a number of the client's. A server that dies between the stream and the answer leaves the request to
//!   another, which puts it into the stream again; the second entry with a number is not counted.
//! - **Your own message.** A server may be behind another. A request to read says how far the client has seen the board; the server
//!   answers when it has come as far.

pub mod client;
mod history;
mod messages;
pub mod server;

use anyhow::Context;
use lapin::Channel;
use lapin::options::QueueDeclareOptions;
use lapin::types::AMQPValue;

use crate::bus::{arguments, said};

/// What servers work at.
const REQUESTS: &str = "board.requests";

/// What is on the board, in its order.
const HISTORY: &str = "board.history";

/// A client's queue goes when nobody has used it for so long, milliseconds: a day.
const UNUSED: i32 = 24 * 3600 * 1000;

/// The longest message, bytes, and the longest answer.
const MOST_BYTES: u32 = 8 << 20;

/// Makes the queues that all share, if they are not there.
async fn declare(channel: &Channel) -> anyhow::Result<()> {
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    for (name, kind) in [(REQUESTS, "quorum"), (HISTORY, "stream")] {
        let kind = arguments([("x-queue-type", AMQPValue::LongString(kind.into()))]);
        channel.queue_declare(name.into(), durable, kind).await.map_err(said).context(name)?;
    }
    Ok(())
}

/// The queue of the answers to this client.
fn client_queue(name: &str) -> String {
    format!("board.client.{name}")
}
