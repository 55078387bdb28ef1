//! One connection driven to its end: the loop of [`Conversation`](crate::core::conversation::Conversation) over a real socket.
//!
//! | driver | waits in | for |
//! |---|---|---|
//! | [`Blocking`] | `recv(2)` and `send(2)` | a thread or process that has time for one client |
//! | [`NonBlocking`] | nothing: it says what it waits for | a loop that has many clients |

mod blocking;
mod nonblocking;
mod send;
mod timers;
mod waker;

pub use crate::core::wakeup::{Connected, Wakeup};
pub use blocking::{Blocking, converse};
pub use nonblocking::{Interest, NonBlocking, Step, drain};
pub use send::stalled;
pub use timers::Timers;
pub use waker::Waker;
