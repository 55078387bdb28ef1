//! What the chapters share. Each module is a room; read them in this order.
//!
//! A server is three independent things, and a reader must be able to change one and hold the other two still:
//!
//! ```text
//! Protocol   what the bytes mean          sans-I/O: no socket, no clock, no thread
//! Service    what the server does         shared state; never touches a socket
//! Model      how connections are run      one file each, in ch3-threads/src/model
//! ```
//!
//! | room | what is in it |
//! |---|---|
//! | [`core`] | the concurrent-server core: what every model and every service stands on |
//! | [`protocol`] | wire formats that more than one chapter speaks |
//! | [`board`] | the message board that four chapters serve |
//! | [`net`] | sockets that are no stream, and socket options |
//! | [`netem`] | a lossy link, on real sockets and in virtual time |
//! | [`loadgen`] | simulated clients |
//! | [`report`] | tables, JSON and HTML of what was measured |
//! | [`verify`] | histories of concurrent clients, and whether an order explains them |
//! | [`mod@bench`] | measuring side by side |
//! | [`support`] | one of each small tool: command line, log, sizes, terminal, child servers |
//!
//! Dependencies run one way: `protocol` imports nothing of ours, `core` imports `protocol`, and all other rooms may import `core`.

#![warn(
    clippy::print_stderr,
    reason = "it panics where stderr cannot be written: support::log::line does not"
)]

pub mod bench;
pub mod board;
pub mod core;
#[cfg(not(loom))]
pub mod loadgen;
pub mod net;
#[cfg(not(loom))]
pub mod netem;
pub mod protocol;
pub mod report;
pub mod support;
pub mod verify;
