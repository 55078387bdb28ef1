//! Chapter 3: every model of a concurrent server, and the client simulator that compares them.
//!
//! `ch3-threads/README.md` is the chapter; here is where its parts are, in reading order:
//!
//! | module | what it is |
//! |---|---|
//! | [`show`] | threads, locks, processes and signals, one by one |
//! | [`service`] | what the servers do: one file each |
//! | [`model`] | how connections are run: one file each |
//! | [`serve`] | a service under a model, as a program |
//! | [`lab_server`] | the lab's server, with its faults to choose from |
//! | [`simulate`], [`plan_args`] | the client simulator as a program, and its arguments |
//! | [`progress`] | how far a long run is: a bar, or a line now and then |
//! | [`random_client`] | the client of the random-bytes note |
//! | [`compare`] | every model under every scenario |
//! | [`factor`] | factorising integers, the work of one service |

#![warn(
    clippy::print_stderr,
    reason = "it panics where stderr cannot be written: support::log::line does not"
)]

pub mod compare;
pub mod factor;
pub mod lab_server;
pub mod model;
pub mod plan_args;
pub mod progress;
pub mod random_client;
pub mod serve;
pub mod service;
pub mod show;
pub mod simulate;
