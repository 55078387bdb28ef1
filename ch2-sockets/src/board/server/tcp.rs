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
//! **The price:** every client may send 200 MiB before it is answered, and one that sends nothing keeps its place until it goes.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use common::board::{BoardService, Limits};
use common::core::connection::converse;
use common::core::counters::Counters;
use common::core::listener::Listener;
use common::core::queue::Queue;
use common::core::server::{self, Server};
use common::core::stop::Stop;
use common::core::trace::EventTrace;

/// Connections that may wait in the kernel until they are accepted; it caps the number at `net.core.somaxconn`.
pub const BACKLOG: i32 = 4096;

/// Serves clients, `connections` at a time, until the stop; then waits for those in service.
pub fn serve(
    listener: &Listener,
    stop: Stop,
    board: Limits,
    connections: NonZeroUsize,
    stall: Duration,
) -> io::Result<()> {
    let server = Server {
        service: Arc::new(BoardService::new(board)),
        stop,
        counters: Counters::shared()?,
        trace: EventTrace::off(),
        limits: server::Limits { stall, connections },
    };
    // A bounded queue of units is a counting semaphore: to push is to take a place, to pop is to give it back.
    let places = Queue::new(connections);
    thread::scope(|scope| {
        let mut number = 0;
        while places.push(()).is_ok() {
            let Some((stream, client)) = server.next_client(listener)? else { break };
            number += 1;
            let (server, places) = (&server, &places);
            let spawned =
                thread::Builder::new().name(format!("connection-{number}")).spawn_scoped(scope, move || {
                    converse(server, stream, client);
                    places.pop();
                });
            if let Err(error) = spawned {
                // The connection went into the closure, and the closure is dropped: the client is hung up on.
                tracing::warn!("client {client} is turned away: no thread for it: {error}");
                server.counters.refused.count();
                places.pop();
            }
        }
        io::Result::Ok(())
    })?;
    tracing::info!("Terminating: {}", server.counters);
    Ok(())
}
