//! The server: an accept loop of its own, and a task a connection, on a runtime with one thread.
//!
//! ```text
//!   accept ──► admission ──► first four bytes ──► frames ──► tarpc's channel ──► interceptor ──► procedure
//!   listening   how many      sniff               codec      connection          intercept
//! ```
//!
//! | file | what it is |
//! |---|---|
//! | `settings` | limits and all that connections share |
//! | `accept` | the accept loop |
//! | `listening` | where connections come from: TCP, a Unix socket, memory |
//! | `admission` | how many connections an address may have |
//! | `sniff` | which protocol a connection speaks |
//! | `connection` | one connection from its first request to its end |
//! | `udp` | calls in datagrams, without a connection |
//! | `command`, `endpoint` | `cargo ch5 board-server`, and where it listens |
//!
//! The stop: nothing is accepted any more, calls in flight are answered, later ones are told that the server stops, and each connection
//! is closed when it has nothing in flight. Clients that are connected and idle hold up nothing.

mod accept;
mod admission;
mod command;
mod connection;
mod endpoint;
mod listening;
mod settings;
mod sniff;
mod udp;

pub use command::{BoardServerArgs, TRANSPORT, frame, run};
pub use listening::Listening;
pub use settings::{Limits, Server};
