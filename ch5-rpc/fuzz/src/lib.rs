//! What the fuzzers of chapter 5's own parsers and machines call. How it works, and how to run one:
//! [common/fuzz](../../../common/fuzz/README.md).

#[path = "../../../common/fuzz/src/converse.rs"]
mod converse;
mod frames;
mod objects;
mod pyro;
mod rpc;
mod semantics;
#[allow(dead_code, reason = "a script of ours needs a part of it")]
#[path = "../../../common/fuzz/src/tape.rs"]
mod tape;

pub use frames::tarpc_frames;
pub use objects::objects;
pub use pyro::{pyro, serpent};
pub use rpc::{jsonrpc_documents, rpc_requests, xmlrpc_documents};
pub use semantics::{semantics, semantics_datagrams};
