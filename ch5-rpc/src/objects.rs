//! Remote objects in a protocol of our own, on the port where Pyro's is spoken, too. The same objects answer on both wires.
//!
//! ```text
//!   caller                                             callee
//!   hello ──────────────────────────────────►
//!   call 1: object 4b1e…, register('Ann'), keep ─────►
//!   call 2: result of call 1, post('hi') ────────────► does one after the other
//!                                                  ◄── hello
//!                                                  ◄── answer 1: reference   answer 2: None
//!                                                  ◄── call 7: exported object 0, message('From Ann : hi'), one-way
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`flat`] | values on the wire: a list of tokens, so that a reader needs no stack |
//! | [`message`] | the messages, in frames of `common`: a length, then bincode |
//! | [`session`] | the caller's side: numbers, deadlines, answers that come too late. Sans-I/O |
//! | [`callee`] | the callee's side: targets, interfaces, results that later calls name. Sans-I/O |
//! | [`callbacks`] | objects of a client, called over the client's own connection |
//! | [`leases`] | which objects are still referred to, and by which clients. Sans-I/O, in virtual time |
//! | [`collector`] | the same with a clock |
//! | [`references`] | the client's side of the leases. Sans-I/O |
//! | [`connection`] | the client's side of a connection |
//! | [`stub`] | an object elsewhere, whichever wire it is called in |
//!
//! The protocol's rules:
//!
//! - Both sides may export objects, and call those of the other: a reference of a server's object is its id, a client's object has a
//!   number, which means something on this connection only.
//! - Calls of one connection are done in their order, and answered in it. Calls of the other side come in between.
//! - A call names the interface that its caller expects. An object with another one is not called.
//! - A call says how much longer its caller waits. One that comes too late is not begun, and its answer says so.
//! - A call may name the result of an earlier call of the same connection as its target or as an argument. If the earlier one has
//!   failed, the later one fails with the same.
//! - A reference in an answer is a lease of the client, which it renews at half the lease. A client whose lease is over is told so.

pub mod callbacks;
pub mod callee;
pub mod collector;
pub mod connection;
pub mod flat;
pub mod leases;
pub mod message;
pub mod references;
pub mod session;
pub mod stub;
