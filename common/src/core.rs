//! The concurrent-server core: what every model and every service stands on.
//!
//! ```text
//!   listener ──► connection ──► conversation ──► service
//!   (accept)     (one socket)   (bytes, order,    (the work)
//!                                limits, end)
//! ```
//!
//! Read in this order:
//!
//! | module | what it is |
//! |---|---|
//! | [`service`] | the contract between a service and the model that runs it; answers, peers |
//! | [`framing`], [`input`] | how a stream is cut into requests |
//! | [`work`] | a service without its request type: what a model is given |
//! | [`conversation`], [`outbox`] | the bytes between a service and its model, sans-I/O; what may stand below, as TLS |
//! | [`limits`], [`budget`], [`timer`] | how long, how much, and a service's own clock |
//! | [`listener`], [`socket_file`], [`keep_alive`], [`server`] | the listening socket; what accept's errors mean; who is gone |
//! | [`connection`] | one connection driven to its end, blocking or not |
//! | [`stop`] | how it all ends |
//! | [`queue`], [`workers`], [`worker_name`] | what models are made of: bounded queues, worker processes |
//! | [`shared_memory`], [`counters`], [`trace`] | what is counted and recorded, across `fork` |
//!
//! The queue, the stop and the outbox are also model-checked with loom, which knows no sockets: what needs them is left out there.

#![cfg_attr(loom, allow(dead_code, reason = "under loom the server, which uses all of it, is not built"))]

mod answer;
pub mod budget;
mod codec;
#[cfg(not(loom))]
pub mod connection;
pub mod conversation;
pub mod counters;
pub mod framing;
pub mod input;
pub mod keep_alive;
pub mod limits;
#[cfg(not(loom))]
pub mod listener;
pub mod outbox;
mod peer;
pub mod queue;
#[cfg(not(loom))]
pub mod server;
pub mod service;
pub mod shared_memory;
pub mod socket_file;
pub mod stop;
pub mod timer;
#[cfg(not(loom))]
pub mod trace;
#[cfg(not(loom))]
pub mod wakeup;
pub mod work;
pub mod worker_name;
#[cfg(not(loom))]
pub mod workers;
