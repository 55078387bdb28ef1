//! What the fuzzers of chapter 6's own parsers and machines call. How it works, and how to run one:
//! [common/fuzz](../../../common/fuzz/README.md).

mod amqp;
#[path = "../../../common/fuzz/src/converse.rs"]
mod converse;
mod log;
#[allow(dead_code, reason = "a script of ours needs a part of it")]
#[path = "../../../common/fuzz/src/tape.rs"]
mod tape;

pub use amqp::{amqp_methods, amqp_streams};
pub use log::log_recovery;
