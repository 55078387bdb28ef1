//! Whether concurrent calls behaved as if they had come one after another. Notes, chapter 4: *shared state*.
//!
//! ```text
//!   clients, all at once ──► History      who called what, from when to when, and what came back
//!                               │
//!   Specification ──────────► check ──►  Linearizable   here is an order
//!   the same thing, written     │    ──►  Violation      there is none: this answer is the first that fits nowhere
//!   as a sequential program     │    ──►  Unknown        the search was too long
//!                               ▼
//!                            picture      lanes of clients, bars of calls, the order as a path through them
//! ```
//!
//! A test of a server with one client asks: is the answer right? With many clients at once there is no *right* answer, only
//! histories that some order explains and histories that none does. Herlihy and Wing (1990) call the first linearizable: each call
//! seems to take effect at one moment between its start and its end. It is what one lock around everything gives, and what
//! check-then-act does not.
//!
//! All of it is sans-I/O: no socket, no thread, no clock, and the same history gives the same verdict after the same steps.
//!
//! | file | what it is |
//! |---|---|
//! | [`history`] | calls with their intervals |
//! | [`specification`] | what one caller alone would be answered |
//! | [`linearizability`] | the search for an order |
//! | [`prefix`] | the beginning of a history that is too long |
//! | [`explanation`] | a violation made small enough to read |
//! | [`board`] | the specification of the message boards |
//! | [`picture`] | the space-time diagram as one HTML file |

pub mod board;
pub mod explanation;
pub mod history;
pub mod linearizability;
pub mod picture;
pub mod prefix;
pub mod specification;

pub use explanation::{Explanation, explain};
pub use history::{Call, History};
pub use linearizability::{Limit, SearchResult, Verdict, Violation, check};
pub use prefix::{Decided, decided_prefix};
pub use specification::Specification;
