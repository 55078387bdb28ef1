//! A stub and a skeleton written by hand, to be read: what an RPC compiler writes for its user.
//!
//! ```text
//!  request   ┌────────┬─────────┬────────┬───────────────┐      reply   ┌────────┬─────────┬────────┬──────────────────┐
//!            │ length │ call id │ method │ argument      │              │ length │ call id │ status │ result, or text  │
//!            │ u32    │ u32     │ u16    │               │              │ u32    │ u32     │ u8     │ of the error     │
//!            └────────┴─────────┴────────┴───────────────┘              └────────┴─────────┴────────┴──────────────────┘
//!  number: u64     flag: u8     text: u32 length, UTF-8     list: u32 count, u64 each
//! ```
//!
//! All integers are big endian: the order that the network protocols have agreed on, and this machine probably has the other one.

mod reply;
pub mod skeleton;
pub mod stub;
mod values;

pub use reply::{CallError, DONE, FAILED, Malformed};
pub use values::{MESSAGE_LIMIT, Marshal, Unmarshal};
