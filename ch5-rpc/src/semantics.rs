//! Call semantics: how often a remote call is run when datagrams are lost, come twice, come late, and when the server ends in the middle.
//!
//! The notes do not speak of it; their textbook does (Coulouris and others, *Distributed Systems*, chapter 5.3: maybe, at-least-once,
//! at-most-once). A procedure inside one process is run exactly once, or the process is gone. Over a network the two sides have to
//! decide what is sent again, what is filtered and what is remembered:
//!
//! | | sent again | server looks it up | run | what the caller may hear |
//! |---|---|---|---|---|
//! | maybe | no | no | 0 or 1 (a network that duplicates: more) | done, unknown |
//! | at least once | yes | no | 1 or more when it says done | done, unknown |
//! | at most once | yes | yes: [`table`] | 0 or 1 | done, not done, unknown |
//! | conditional | yes | no: the board's length is the condition | 0 or 1 | done, unknown (perhaps by this very call) |
//!
//! Both halves are sans-I/O: time and random numbers are arguments. The same two machines run in [`virtual_time`] and between
//! processes, through the same lossy link.
//!
//! ```
//! use std::time::Duration;
//! use ch5_rpc::semantics::{Client, ClientConfig, Outcome, Semantics, Server, ServerConfig};
//!
//! let config = ClientConfig { semantics: Semantics::AtMostOnce, give_up: Duration::from_secs(1) };
//! let mut client = Client::new(config, 7); // random numbers, really
//! let mut server = Server::new(ServerConfig::default(), Duration::ZERO, 1, [7; 16], Vec::new());
//! let (here, mut now) = ("192.0.2.1:1000".parse()?, Duration::ZERO);
//!
//! client.call(now, b"hello".to_vec());
//! let outcome = loop {
//!     let mut is_quiet = true;
//!     // 1. What is to be sent: here straight to the other side, else to the socket.
//!     while let Some(datagram) = client.poll_transmit(now) {
//!         server.handle_datagram(now, here, &datagram);
//!         is_quiet = false;
//!     }
//!     // 2. Calls are run, each of them once.
//!     while let Some(execution) = server.poll_execution() {
//!         server.complete(&execution, execution.body.to_ascii_uppercase());
//!     }
//!     // 3. The answers.
//!     while let Some((_, datagram)) = server.poll_transmit() {
//!         client.handle_datagram(now, &datagram);
//!         is_quiet = false;
//!     }
//!     if let Some((_, outcome)) = client.poll_outcome() {
//!         break outcome;
//!     }
//!     // 4. Only when there was nothing to send: wait for a datagram, at most until deadline(), then handle_timeout().
//!     if is_quiet {
//!         now = client.deadline().unwrap_or(now).max(now);
//!         client.handle_timeout(now);
//!     }
//! };
//! assert_eq!(outcome, Outcome::Done(b"HELLO".to_vec()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | file | what |
//! |---|---|
//! | [`datagram`] | the bytes; what is no message is dropped |
//! | [`client`], [`outcome`] | the client's half, and what it tells its caller |
//! | [`server`], [`table`] | the server's half, and what it remembers, within bounds |
//! | [`publish`], [`caller`] | the procedures: a board that counts, and its caller |
//! | [`store`], [`memory`], [`disk`], [`host`] | what outlives a server; a server over it, with moments to crash at |
//! | [`virtual_time`] | all of it without a socket and without a clock |
//! | [`scenario`], [`cell`] | what the demonstration tries, and what comes of it |
//! | [`simulated`], [`measure`](mod@measure) | a cell in virtual time; a cell with processes, a relay and kill -9 |
//! | [`not_promised`](mod@not_promised) | what at-most-once cannot help |
//! | [`serve`], [`call`], [`socket`] | the same machines by hand, on UDP sockets |
//! | [`demonstration`], [`report`], [`label`](mod@label) | the command, its page, and the words in its pictures |

mod args;
pub mod call;
pub mod caller;
pub mod cell;
pub mod client;
pub mod datagram;
pub mod demonstration;
pub mod disk;
pub mod host;
pub mod label;
pub mod measure;
pub mod memory;
pub mod not_promised;
pub mod outcome;
mod promise;
pub mod publish;
pub mod report;
pub mod scenario;
pub mod serve;
pub mod server;
pub mod simulated;
pub mod socket;
pub mod store;
pub mod table;
mod table_text;
pub mod virtual_time;

pub use args::SemanticsArgs;
pub use demonstration::run;

pub use client::{Client, ClientConfig};
pub use outcome::{NotDone, Outcome, Unknown};
pub use promise::Semantics;
pub use server::{Execution, Server, ServerConfig};
