//! Chapter 5: remote procedure calls and remote objects.
//!
//! `ch5-rpc/README.md` is the chapter; here is where its parts are, in reading order:
//!
//! | module | what it is |
//! |---|---|
//! | [`pyro`] | remote objects in Pyro's wire: messages, values, objects, the service and a client |
//! | [`announce`] | how a server is heard of without its address |
//! | [`names`] | the name server |
//! | [`chat`] | a chat of remote objects |
//! | [`semantics`] | how often a call is run: maybe, at least once, at most once, conditional |

#![warn(
    clippy::print_stderr,
    reason = "it panics where stderr cannot be written: support::log::line does not"
)]

pub mod announce;
pub mod chat;
pub mod names;
pub mod pyro;
pub mod semantics;
