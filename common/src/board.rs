//! The message board: texts with who left them when, in the order in which they came. Notes, chapters 2 to 6.
//!
//! ```text
//! publish ──▶ [ 0 | 1 | 2 | 3 ]     last(2) → 2 3     message(1)     since(2) → 2 3 …
//! ```
//!
//! The same board stands behind every server of the course: over UDP, over TCP, with notifications, as remote procedures and
//! behind a broker. It knows nothing of them. [`answer`](answer()) is where the text PDUs of [`mboard`](crate::protocol::mboard) meet it.
//!
//! There is no lock in it: a server with many threads puts **one** `Mutex` around the whole board. Two locks, one for the
//! list and one for its size, would be two chances to see one without the other. Keep the lock short: [`Message`] is cheap to
//! clone and shares its text, so take the message out, unlock, and only then write to a socket.
//!
//! There are no callbacks either. A subscriber remembers the next id it wants and asks [`Board::since`] when it is woken: it
//! cannot miss a message by being slow, and nothing of its own runs under the lock.
//!
//! Not done: nothing is forgotten and nothing is on disk. A full board refuses.

mod answer;
mod lists;
mod messages;
mod service;

pub use crate::protocol::mboard::Id;
pub use answer::{answer, answer_into};
pub use messages::{Board, Full, Limits, Message};
pub use service::{Asked, BoardService, Publication};
