//! One of each small tool that programs need and that no chapter is about.

pub mod child_server;
pub mod cli;
pub mod connect;
pub mod count;
pub mod inherited;
pub mod interrupt;
pub mod interruptible;
pub mod listen;
pub mod local_time;
pub mod log;
pub mod progress;
pub mod reconnect;
pub mod size;
pub mod statistics;
pub mod terminal;
pub mod unfinished;
