//! The board over TCP: a thread per connection, a connection per request.
//!
//! ```text
//!   main ──► place? ──► accept ──► spawn ──┐
//!             ▲────────────────────────────┘  └──► thread: converse, end, give the place back
//! ```
//!
//! Chapter 3 runs the same service under seventeen other models; this is the plainest that serves more than one client. The
//! notes' own server accepts the next client only when it has done with the last.
//!
//! **The price:** every client may send 200 MiB before it is answered. What all of them together may hold is bounded by `--memory`,
//! and how long each may take by `--first-request` and `--grace`.

use std::io;
use std::sync::Arc;
use std::thread;

use common::board::{BoardService, Limits};
use common::core::connection::converse;
use common::core::counters::Counters;
use common::core::limits as core;
use common::core::listener::Listener;
use common::core::queue::Queue;
use common::core::server::Server;
use common::core::stop::Stop;

/// Connections that may wait in the kernel until they are accepted; it caps the number at `net.core.somaxconn`.
pub const BACKLOG: i32 = 4096;

/// Serves clients, `connections` at a time, until the stop; then waits for those in service.
pub fn serve(listener: &Listener, stop: Stop, board: Limits, limits: core::Limits) -> io::Result<()> {
    let mut server = Server::new(Arc::new(BoardService::new(board)), stop, Counters::shared()?);
    server.limits = limits;
    let server = server;
    // A bounded queue of units is a counting semaphore: to push is to take a place, to pop is to give it back.
    let places = Queue::new(limits.connections);
    thread::scope(|scope| {
        let mut number = 0;
        while places.push(()).is_ok() {
            let Some(connected) = server.next_client(listener)? else { break };
            number += 1;
            let peer = connected.peer;
            let (server, places) = (&server, &places);
            let spawned =
                thread::Builder::new().name(format!("connection-{number}")).spawn_scoped(scope, move || {
                    converse(server, connected);
                    places.pop();
                });
            if let Err(error) = spawned {
                // The connection went into the closure, and the closure is dropped: the client is disconnected.
                tracing::warn!("client {peer} is refused: no thread for it: {error}");
                server.counters.refused.count();
                places.pop();
            }
        }
        io::Result::Ok(())
    })?;
    tracing::info!("Terminating: {}", server.counters);
    Ok(())
}
