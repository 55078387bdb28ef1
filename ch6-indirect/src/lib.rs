//! Chapter 6: indirect communication.
//!
//! `ch6-indirect/README.md` is the chapter; here is where its parts are, in reading order:
//!
//! | module | what it is |
//! |---|---|
//! | [`amqp`] | AMQP 0-9-1 on the wire: frames, commands, exceptions |
//! | [`broker`] | what a broker does, without a socket, a clock or a disk: exchanges, queues, consumers, channels |
//! | [`store`] | what survives a crash: the log of messages, the definitions |
//! | [`server`] | the broker as a service on the core: `cargo ch6 broker` |
//! | [`watch`] | its page and its JSON API |
//! | [`inspect`] | the same in a terminal: `cargo ch6 inspect` |
//! | [`client`] | an AMQP client for load and tests |
//! | [`compare`] | our broker beside others, under one load: `cargo ch6 compare` |
//! | [`bus`] | how the programs below reach a broker: ours or RabbitMQ |
//! | [`tour`] | the patterns of messaging, run for real |
//! | [`events`] | publish and subscribe |
//! | [`board`] | the message board over a broker |
//! | [`bridge`] | two brokers joined |
//! | [`coupling`] | the four corners of space and time |
//! | [`group`] | group communication: a layer for each promise |

#![warn(
    clippy::print_stderr,
    reason = "it panics where stderr cannot be written: support::log::line does not"
)]

pub mod amqp;
pub mod board;
pub mod bridge;
pub mod broker;
pub mod bus;
pub mod client;
pub mod compare;
pub mod coupling;
pub mod events;
pub mod group;
pub mod inspect;
pub mod server;
pub mod store;
pub mod tour;
pub mod watch;
