//! Chapter 2: sockets, the message board over UDP and TCP, sessions, multicast, a lossy link.
//!
//! `ch2-sockets/README.md` is the chapter; here is where its parts are, in reading order:
//!
//! | module | what it is |
//! |---|---|
//! | [`kernel`] | what the kernel shows of a socket; the command `socket` |
//! | [`datagram`] | one datagram sent and received |
//! | [`parts`] | a message too long for one datagram, and markers that put its parts in order |
//! | [`multicast`] | one sender, a group of receivers |
//! | [`stream`] | TCP: listen, connect, send, receive, and the states of a connection |
//! | [`headers`] | the headers of UDP and TCP, from a capture of our own |
//! | [`board`] | the message board over UDP, sessions and TCP: server and client |
//! | [`session`] | the session protocol on UDP, sans-I/O |
//! | [`windows`] | what each step of the session protocol is worth |
//! | [`files`] | the file dump of the homework |
//! | [`show`] | one fact about sockets in each command |
//! | [`link`] | the lossy link's command |

#![warn(
    clippy::print_stderr,
    reason = "it panics where stderr cannot be written: support::log::line does not"
)]

pub mod board;
pub mod datagram;
pub mod files;
pub mod headers;
pub mod kernel;
pub mod link;
pub mod multicast;
pub mod parts;
pub mod session;
pub mod show;
pub mod stream;
pub mod windows;
