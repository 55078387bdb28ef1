//! Chapter 5: remote procedure calls and remote objects.
//!
//! `ch5-rpc/README.md` is the chapter; here is where its parts are, in reading order:
//!
//! | module | what it is |
//! |---|---|
//! | [`rpc`] | the message board as remote procedures, on tarpc |
//! | [`anatomy`] | one call taken apart: steps, bytes, conversion, stub and skeleton by hand |
//! | [`procedures`] | the board as procedures, whatever the wire: values, faults, introspection, several calls in one |
//! | [`xmlrpc`], [`jsonrpc`] | two wires: calls and results as XML and as JSON |
//! | [`document`] | what is sent, written while it is sent where it is long |
//! | [`xmlrpc_server`] | both wires over HTTP, under every model |
//! | [`stub`] | a client without an IDL: call a method, describe a server |
//! | [`semantics`] | how often a call is run: maybe, at least once, at most once, conditional |
//! | [`pyro`] | remote objects in Pyro's wire: messages, values, objects and a client |
//! | [`objects`] | the same objects in a protocol of our own: callbacks, pipelining, leases |
//! | [`daemon`] | a server of such objects: registry, both wires, the program |
//! | [`announce`] | how a server is heard of without its address |
//! | [`names`] | the name server |
//! | [`chat`] | a chat of remote objects |
//! | [`misfit`] | what a client and a server of different kinds tell each other |
//! | [`origin`] | whose share of a table an entry takes |
//! | [`deadline`] | a connection of a client, whose call ends in time whatever the server does |
//! | [`bounded`] | how many parts the lists of a message may have |
//! | [`container`] | components that are wired from a descriptor, in a process per node |
//! | [`compare`] | what a remote call costs |

#![warn(
    clippy::print_stderr,
    reason = "it panics where stderr cannot be written: support::log::line does not"
)]

pub mod anatomy;
pub mod announce;
pub mod bounded;
pub mod chat;
pub mod compare;
pub mod container;
pub mod daemon;
pub mod deadline;
pub mod document;
pub mod jsonrpc;
pub mod misfit;
pub mod names;
pub mod objects;
pub mod origin;
pub mod procedures;
pub mod pyro;
pub mod rpc;
pub mod semantics;
pub mod stub;
pub mod xmlrpc;
pub mod xmlrpc_server;
