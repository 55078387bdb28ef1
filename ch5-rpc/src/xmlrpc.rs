//! XML-RPC: values and calls as XML. <http://xmlrpc.com/spec.md>
//!
//! ```text
//!   a document ──► tokens ──► read ──► a call, a result or a fault
//!   a document ◄───────────── write ◄── the same
//! ```

pub mod read;
pub mod tokens;
pub mod write;
