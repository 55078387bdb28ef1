//! The shared concurrent-server core.
//!
//! A server is three independent things, and a reader must be able to change one and hold the other two still:
//!
//! ```text
//! Protocol   what the bytes mean          sans-I/O: no socket, no clock, no thread
//! Service    what the server does         shared state; never touches a socket
//! Model      how connections are run      one file each, in ch3-threads/src/model
//! ```

pub mod cli;
pub mod report;
pub mod sim;
