//! `call` and `describe`: a stub without an IDL. What a compiler would have known, it asks the server when it calls. Notes, chapter 5:
//! Python "is skipping the IDL part completely".
//!
//! ```text
//!   call URL get 7 ──► system.methodSignature("get") ──► [[array, int]] ──► "7" is an int ──► get(7) ──► the result, as JSON
//!                      └─ no such method there: by looks, 7 is a number and hello is a text
//! ```
//!
//! The price: a call more, an error that a compiler would have found only when it runs, and arguments that are guessed where the server
//! does not tell.

mod argument;
mod call;
pub(crate) mod connection;
mod describe;
mod error;
mod server;
mod show;
pub(crate) mod wire;

pub use call::{CallArgs, call};
pub use describe::{DescribeArgs, describe};
