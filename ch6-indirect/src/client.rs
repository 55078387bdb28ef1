//! An AMQP client for load and for tests: it counts, and it is not what a measurement waits for.
//!
//! ```text
//!   Session: blocking, one question, one answer    connect ─► declare ─► consume ─► into a Link
//!   Engine:  one thread, one epoll                 Link: a socket and a Wire
//!                                                  Wire: bytes of one connection ─► what they say; no socket, no clock
//! ```
//!
//! | file | what it is |
//! |---|---|
//! | [`frame`] | frames, read in place, and the arguments of methods |
//! | [`method`] | methods, written |
//! | [`session`] | a connection that is set up, one answer after the other |
//! | [`wire`] | what the engine asks of a protocol |
//! | [`amqp`] | AMQP as such a wire: publications, deliveries, acknowledgements |
//! | [`confirms`] | which publications are confirmed |
//! | [`link`] | a socket that does not block, and what waits on both of its sides |
//! | [`engine`] | publishes at a pace, counts what comes, and waits for the rest |
//! | [`times`] | how long it took, from the intended start |

pub mod amqp;
pub mod confirms;
pub mod engine;
pub mod frame;
pub mod link;
pub mod method;
pub mod session;
pub mod times;
pub mod wire;
