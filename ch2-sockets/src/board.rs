//! The message board's server and client, over three transports.

pub mod client;
pub mod server;
