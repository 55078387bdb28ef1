//! One connection driven to its end: the loop of [`Conversation`](crate::core::conversation::Conversation) over a real socket.
//!
//! | driver | waits in | for |
//! |---|---|---|
//! | [`Blocking`] | `recv(2)` and `send(2)` | a thread or process that has time for one client |
//! | [`NonBlocking`] | nothing: it says what it waits for | a loop that has many clients |

mod blocking;
mod nonblocking;
mod timers;
mod waker;

pub use crate::core::wakeup::{Connected, Wakeup};
pub use blocking::{Blocking, converse};
pub use nonblocking::{Interest, NonBlocking, Step, drain};
pub use timers::Timers;
pub use waker::Waker;

use std::io::{self, IoSlice, Write};
use std::net::TcpStream;

use crate::core::conversation::{Conversation, GATHERED};

/// The error of a connection whose client does not take its answer.
#[must_use]
pub fn stalled() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "it does not read its answer")
}

/// One `send` of what the conversation wants to send; returns how many bytes it took.
fn send(mut stream: &TcpStream, conversation: &Conversation) -> io::Result<usize> {
    let first = conversation.transmit();
    if first.len() == conversation.unsent() {
        return stream.write(first);
    }
    let mut slices = [IoSlice::new(&[]); GATHERED];
    let count = conversation.gather(&mut slices);
    stream.write_vectored(&slices[..count])
}
