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
//! | [`legacy_pacing`] | gaps between messages, for the notes' client |
//! | [`service`] | who is connected and what each has got, under one lock |
//! | [`server`], [`client`] | the programs |

pub mod client;
pub mod legacy_pacing;
pub mod log;
pub mod pace;
pub mod server;
pub mod service;
pub mod wire;
