//! The shared concurrent-server core.
//!
//! A server is three independent things, and a reader must be able to change one and hold the other two still:
//!
//! ```text
//! Protocol   what the bytes mean          sans-I/O: no socket, no clock, no thread
//! Service    what the server does         shared state; never touches a socket
//! Model      how connections are run      one file each, in ch3-threads/src/model
//! ```
//!
//! Read in this order: [`service`] (the contract), [`conversation`] (the bytes between a service and its model),
//! [`framing`] (how a stream is cut into requests), [`door`] (the listening socket), [`connection`] (one connection
//! driven to its end), [`stop`] (how it all ends). What a model needs besides: [`queue`], [`process`], [`outbox`],
//! [`meter`], [`journal`].

// The sans-I/O half: what a server means.
pub mod board;
pub mod conversation;
pub mod factor;
pub mod framing;
pub mod input;
pub mod outbox;
pub mod protocol;
pub mod service;

// The other half: sockets, signals, processes. Some of it is left out when the small shared pieces (the queue, the
// stop) are model-checked with loom.
pub mod cli;
#[cfg(not(loom))]
pub mod connection;
#[cfg(not(loom))]
pub mod datagram;
#[cfg(not(loom))]
pub mod door;
pub mod interrupt;
#[cfg(not(loom))]
pub mod journal;
pub mod keep_alive;
pub mod local_time;
pub mod log;
pub mod meter;
#[cfg(not(loom))]
pub mod process;
pub mod queue;
#[cfg(not(loom))]
pub mod server;
pub mod shared_memory;
pub mod stop;
pub mod visible;

// What stands between a client and a server.
pub mod link;

// What compares servers: simulated clients, and what is told of them.
pub mod bench;
pub mod report;
#[cfg(not(loom))]
pub mod sim;

// What checks them: histories of concurrent clients, and whether an order explains them.
pub mod verify;
