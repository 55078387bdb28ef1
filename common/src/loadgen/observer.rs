//! How a simulation is watched while it runs.

use std::io;

/// Is told how a simulation goes on. Called from every event loop: be quick.
pub trait Observer: Sync {
    /// `done` of `total`: clients that are gone, connections that were made (`connect`), milliseconds (`echo`).
    fn progress(&self, done: u64, total: u64) {
        let _ = (done, total);
    }

    /// Client number `client` (counted from 1) has come to this point of its timeline.
    fn happened(&self, client: usize, event: &Event<'_>) {
        let _ = (client, event);
    }
}

/// No observer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {}

/// The points in the timeline of a client that the simulator of the notes logs.
#[derive(Debug)]
pub enum Event<'a> {
    /// It sets out.
    Connecting,
    /// The connection is there; now it waits.
    Connected,
    /// Service began, or its answer is there.
    Served,
    /// It stayed as long as it wanted.
    Finished,
    /// Its timeout came.
    TimedOut,
    /// The server refused it or hung up.
    Refused(&'a io::Error),
    /// The server answered something else than it should.
    WrongBytes,
    /// It is gone.
    Disconnected,
}
