//! The notification board: long-lived connections, and every client hears of every message. Notes, chapter 4: *notification
//! board*; the bytes are in [`wire`].
//!
//! ```text
//!   publisher ── 1:…; ──► Log::publish ──► 7:; to every outbox ──► subscribers ── 2:; ──► Log::since(what this one wants next)
//! ```
//!
//! | file | what it is |
//! |---|---|
//! | [`log`] | the messages, each as the bytes in which it leaves |
//! | [`pace`] | how often all are notified, at most |
//! | [`subscriber`] | one who is connected, and how its messages leave |
//! | [`habit`] | what the notes' client asks, to tell it from others |
//! | [`service`] | who is connected and what each has got, under one lock |
//! | [`server`], [`client`] | the programs |

pub mod client;
pub mod habit;
pub mod log;
pub mod pace;
pub mod server;
pub mod service;
pub mod subscriber;
pub mod wire;
