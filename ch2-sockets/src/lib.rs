//! Chapter 2: sockets, the message board over UDP and TCP, sessions, multicast, a lossy link.
//!
//! A module per command; `ch2-sockets/README.md` is the chapter.

pub mod board_client;
pub mod board_server;
pub mod datagram;
pub mod endpoint;
pub mod files;
pub mod kernel;
pub mod link;
pub mod multicast;
pub mod parts;
pub mod show;
mod size;
pub mod socket;
pub mod stream;
pub mod wait;
pub mod windows;
