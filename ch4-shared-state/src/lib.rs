//! Chapter 4: notification boards, the guess-word game, shared state under concurrency.
//!
//! `ch4-shared-state/README.md` is the chapter; here is where its parts are, in reading order:
//!
//! | module | what it is |
//! |---|---|
//! | [`download`] | downloads one after another and at once, and the slow server of files |
//! | [`connections`] | short-lived and long-lived connections compared |
//! | [`notification`] | the notification board: server, client, service |
//! | [`guessword`] | the guess-word game: server, client, service |
//! | [`whiteboard`] | a shared drawing in browsers |
//! | [`clocks`] | clock synchronisation over a bad network |
//! | [`agree`] | mutual exclusion by agreement over a bad network |
//! | [`locks`] | the same state behind five kinds of lock |
//! | [`simulate`] | many clients of the board and the game |
//! | [`verify`] | whether a server behaves as if its clients came one after another |
//! | [`line_editor`] | a line being typed, and messages printed above it |

#![warn(
    clippy::print_stderr,
    reason = "it panics where stderr cannot be written: support::log::line does not"
)]

pub mod agree;
pub mod clocks;
pub mod connections;
pub mod download;
pub mod guessword;
pub mod line_editor;
pub mod locks;
pub mod notification;
pub mod simulate;
pub mod verify;
pub mod whiteboard;
