//! One connection driven to its end: the loop of [`Conversation`](crate::core::conversation::Conversation) over a real socket.
//!
//! | driver | waits in | for |
//! |---|---|---|
//! | [`Blocking`] | `recv(2)` and `send(2)` | a thread or process that has time for one client |
//! | [`NonBlocking`] | nothing: it says what it waits for | a loop that has many clients |

mod blocking;
mod nonblocking;
mod waker;

pub use blocking::{Blocking, converse};
pub use nonblocking::{Interest, NonBlocking, Step, TICK, drain};
pub use waker::Waker;

use std::io;
use std::time::Duration;

/// How long a client has to end its side after we have closed ours on it (see
/// [`AfterAnswer::Close`](crate::core::service::AfterAnswer::Close)).
pub const LINGER: Duration = Duration::from_secs(1);

/// How much of what it still sends is read meanwhile.
pub const LINGER_BYTES: usize = 16 * 1024 * 1024;

/// What a connection ends with whose client does not take its answer.
#[must_use]
pub fn stalled() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "it does not read its answer")
}
