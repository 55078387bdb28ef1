//! What the bytes mean: sans-I/O, no socket, no thread, no clock.

pub mod frame;
