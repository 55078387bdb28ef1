//! Sockets that are no stream, and options of sockets.

pub mod abort;
#[cfg(not(loom))]
pub mod datagram;
pub mod interface;
pub mod multicast;
pub mod send_queue;
