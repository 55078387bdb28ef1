//! What the fuzzers of chapter 2's own parsers call. How it works, and how to run one: [common/fuzz](../../../common/fuzz/README.md).
//!
//! The sessions are machines, and one datagram says little about a machine: there the bytes are a [script](tape) of datagrams
//! and pauses.

mod messages;
mod session_clients;
mod session_datagrams;
mod session_pdus;
mod session_server;
#[path = "../../../common/fuzz/src/tape.rs"]
mod tape;

pub use messages::{files_messages, numbering, parts};
pub use session_clients::{block_client, session_client};
pub use session_datagrams::session_datagrams;
pub use session_pdus::session_pdus;
pub use session_server::session_server;
