//! Chapter 3: every model of a concurrent server, and the client simulator that compares them.

pub mod show;
