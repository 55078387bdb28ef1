//! Chapter 3: every model of a concurrent server, and the client simulator that compares them.

pub mod compare;
pub mod model;
pub mod plan_args;
pub mod serve;
pub mod service;
pub mod show;
pub mod simulate;
