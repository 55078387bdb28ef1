//! Sessions over UDP: messages of up to 200 MiB in blocks. Notes, chapter 2, part 2. Sans-I/O: time and seed are arguments.
//!
//! Two protocols on one port, told apart by the first byte. The original one, as the notes have it, is upload only, stop-and-wait:
//!
//! ```text
//! client                        server                                    see pdu, block
//!   │ ── a?0 ─────────────────▶   │   a session, please
//!   │ ◀────────────── 0?17 ────   │   17
//!   │ ── b?17?0?2?65488?… ────▶   │   block 0 of 2, 65488 bytes
//!   │ ◀─────────────── 0?1 ────   │   one block is here
//!   │ ── b?17?1?2?4512?… ─────▶   │
//!   │ ◀─────────────── 0?2 ────   │
//!   │ ── c?17 ────────────────▶   │   that was all
//!   │ ◀─────────────── 0?1 ────   │   delivered
//! ```
//!
//! The extension is ours: both directions, a window instead of one block at a time, and what a server on the open Internet needs.
//!
//! ```text
//! client                        server                                    see token, datagram
//!   │ ── a?0000000000000001 ──▶   │   the extension, please             (an old server answers as to a?0)
//!   │ ◀── 1?8f3a90… ──────────    │   a token, and nothing is kept
//!   │ ── D request, block 0 ──▶   │   the first makes the session
//!   │ ── D request, block 1 ──▶   │
//!   │ ── D request, block 2 ─╳    │   lost
//!   │ ── D request, block 3 ──▶   │
//!   │ ◀── K 0–1, 3 ───────────    │   what is here
//!   │ ── D request, block 2 ──▶   │   the same block, a new sequence
//!   │ ◀── K all ──────────────    │   the request is complete: run, once
//!   │ ◀── D response, block 0 ─   │
//!   │ ── K all ───────────────▶   │   the response's bytes can go
//! ```
//!
//! Both sides are driven alike: datagrams in, results out, datagrams out, and the time in between.
//!
//! ```
//! use std::time::Duration;
//! use ch2_sockets::session::{Batch, Client, ClientMachine, Config, Limits, Server};
//!
//! let (here, there) = ("192.0.2.1:1000".parse()?, "192.0.2.2:7777".parse()?);
//! let mut client = Client::new(Config::default(), there);
//! let mut server = Server::new(Limits::default(), Config::default(), [7; 32]); // a random secret, really
//! let (mut now, mut batch) = (Duration::ZERO, Batch::new());
//!
//! client.request(now, "2:0".into());
//! let response = loop {
//!     let mut quiet = true;
//!     // 1. What has come: here straight from the other side, else from the socket.
//!     while client.poll_transmit(now, &mut batch) {
//!         server.handle_datagram(now, here, batch.segment, &batch.bytes);
//!         quiet = false;
//!     }
//!     // 2. Requests that are complete are run.
//!     while let Some(delivered) = server.poll_request() {
//!         server.respond(now, delivered.exchange, b"0:0:1:2".to_vec());
//!     }
//!     // 3. What is to be sent, until there is nothing.
//!     while server.poll_transmit(now, &mut batch) {
//!         client.handle_datagram(now, there, batch.segment, &batch.bytes);
//!         quiet = false;
//!     }
//!     if let Some(response) = client.poll_response() {
//!         break response?;
//!     }
//!     // 4. Only when there was nothing to send: wait for a datagram, at most until deadline(), then handle_timeout().
//!     if quiet {
//!         let next = [client.deadline(), server.deadline()].into_iter().flatten().min();
//!         now = now.max(next.unwrap_or(now));
//!         client.handle_timeout(now);
//!         server.handle_timeout(now);
//!     }
//! };
//! assert_eq!(response, b"0:0:1:2");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | file | what |
//! |---|---|
//! | [`block`], [`pdu`] | the original: size of a block, the PDUs |
//! | [`token`](common::protocol::token), [`datagram`] | the extension's bytes |
//! | [`path`], [`congestion`], [`rto`](common::protocol::rto) | what a side has learnt of the way to the other, and what it has counted |
//! | [`sender`], [`scoreboard`] | one message out: what is on its way, what is lost, when to send |
//! | [`receiver`], [`block_set`] | one message in, and its acks |
//! | [`server`] | both protocols' server; [`limits`], [`budget`], [`deadlines`] |
//! | [`unanswered`] | what a server answers, and what it does not |
//! | [`client`], [`block_client`] | a client of each, driven alike: [`client_machine`] |
//!
//! What is protected: order, completeness, exactly-once execution in a server's lifetime, against loss, duplication, reordering,
//! flipped bits, and anybody who cannot read the datagrams. What is not: who reads them can forge them, as in TCP; there is no
//! encryption. The original protocol has no check of its own: a flipped bit in a block's data that passes UDP's checksum stays.
//! After a server's restart a request whose acknowledgement was lost may run again, on the new one. The path's MTU is
//! probed with the opening only: it is not found out when it becomes smaller later.

pub mod batch;
pub mod block;
pub mod block_client;
pub mod block_set;
pub mod budget;
pub mod client;
pub mod client_machine;
pub mod config;
pub mod congestion;
pub mod datagram;
pub mod deadlines;
pub mod error;
pub mod label;
pub mod limits;
pub mod path;
pub mod pdu;
pub mod receiver;
pub mod scoreboard;
pub mod sender;
pub mod server;
pub mod statistics;
pub mod unanswered;

pub use batch::Batch;
pub use block_client::BlockClient;
pub use budget::Held;
pub use client::Client;
pub use client_machine::{ClientMachine, Progress};
pub use config::Config;
pub use congestion::Congestion;
pub use datagram::Reason;
pub use error::ExchangeError;
pub use limits::Limits;
pub use server::{ExchangeId, IncomingRequest, Server};
pub use statistics::Statistics;
pub use unanswered::may_be_request;

/// Whether a datagram to the port is the stateless board's (part 1 of the notes), and no session's. The board's codes are digits,
/// those that it knows and those that it answers with "unknown"; the sessions' are letters. An empty datagram is the board's.
pub fn is_stateless(datagram: &[u8]) -> bool {
    datagram.first().is_none_or(u8::is_ascii_digit)
}
