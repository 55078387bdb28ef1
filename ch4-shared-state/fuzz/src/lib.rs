//! What the fuzzers of chapter 4's own parsers and machines call. How it works, and how to run one:
//! [common/fuzz](../../../common/fuzz/README.md).
//!
//! A parser is given any bytes, in any pieces. A service is given a [script](tape) of what several clients do at once, and is
//! held to what it promises all of them.

mod browser;
mod caller;
mod canvas;
#[path = "../../../common/fuzz/src/converse.rs"]
mod converse;
#[path = "../../../common/fuzz/src/decoding.rs"]
mod decoding;
mod game;
mod http;
mod notification_board;
#[path = "../../../common/fuzz/src/tape.rs"]
mod tape;
mod text_services;

pub use browser::{websocket, whiteboard_heads, whiteboard_messages};
pub use canvas::{crdt, rooms};
pub use game::game;
pub use http::{files_requests, http_answers, urls};
pub use notification_board::notification_board;
pub use text_services::{guessword, notify};
