//! The broker as a service on the core: `cargo ch6 broker`.
//!
//! ```text
//!   any model of chapter 3 that shares memory
//!     bytes ──► decoder ──► handshake, then commands ──► state (one lock): Broker ──► outputs ──► outboxes ──► bytes
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`service`] | what happens when a client comes, speaks, falls silent and goes |
//! | [`decoder`] | bytes to commands; several that come together are one request |
//! | `handshake`, [`users`] | who may come in, and what was agreed |
//! | `state`, `client` | what is behind the lock: the broker, its store, its clients |
//! | `incoming` | what a client says, one thing after the other |
//! | `sending`, `unsent` | from an output of the broker to a client's outbox |
//! | `heartbeat`, `looking`, [`traffic`] | who is alive |
//! | `watched` | how it is looked at: for the page and `inspect` |
//! | [`tls`] | what may stand below |
//! | [`arguments`], [`user`] | the commands |

pub mod arguments;
mod client;
pub mod decoder;
mod handshake;
mod heartbeat;
mod incoming;
mod looking;
mod sending;
pub mod service;
mod state;
pub mod tls;
pub mod traffic;
mod unsent;
pub mod user;
pub mod users;
mod watched;

pub use service::BrokerService;
