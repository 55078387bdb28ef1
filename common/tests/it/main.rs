//! The lossy link, the reports, the conversation and the parsers, from outside. One binary, a module per behaviour; the
//! model checks and the test of the stop have a process of their own.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod conversation;
mod fuzz_corpus;
mod link;
mod numbers;
mod pages;
mod pure;
mod report;
mod rooms;
mod sources;
mod strangers;
