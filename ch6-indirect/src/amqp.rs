//! AMQP 0-9-1 on the wire. Methods, tables and properties are those of the crate `amq-protocol`; frames, the assembly of commands
//! and the contents of messages are ours.
//!
//! | module | what it is |
//! |---|---|
//! | [`frame`] | frames: read from bytes, and written straight from a shared message |
//! | [`known`], [`table`] | what is looked at before anything is read: numbers of methods, depth of tables |
//! | [`command`] | a method with its content: what a client asks, whole |
//! | [`assembly`] | how frames become commands |
//! | [`json`] | tables as JSON, and back |
//! | [`headers`] | a header that is added to a message on its way out |
//! | [`exception`] | how the specification says no: code, text, and whether the channel or the connection ends |

pub mod assembly;
pub mod command;
pub mod exception;
pub mod frame;
pub mod headers;
pub mod json;
pub mod known;
pub mod table;

pub use amq_protocol::protocol::{AMQPClass, basic, channel, confirm, connection, exchange, queue, tx};
pub use amq_protocol::types::{AMQPValue, FieldTable, LongString, ShortString};
