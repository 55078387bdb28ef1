//! A thread per connection: the notes' delegation pattern, "thread-per-socket" (figure 4.8).
//!
//! ```text
//!   main ──► accept ──► spawn ──┐
//!             ▲─────────────────┘  └──► thread: converse, end
//! ```
//!
//! - **Accepts:** the main thread. **Answers:** a thread per connection.
//! - **Waits in:** main in `accept(2)`, a thread in `recv(2)`.
//! - **The price:** a stack per client and a context switch per request; the number of threads is the number of clients,
//!   from zero to too many.
//! - **Differs from `fork-per-connection`:** the threads share memory, so nothing has to be closed twice and a board can
//!   be written by one and read by another. Nobody is reaped: the scope waits for all at the end.

use std::io;
use std::thread;

use common::core::connection::converse;
use common::core::listener::Listener;
use common::core::server::Server;

/// Address space per thread; the kernel backs only the pages that are used. The default of 2 MiB would do as well, but
/// ten thousand threads of it look like 20 GiB to those who watch.
const STACK: usize = 256 * 1024;

/// Spawns a thread per connection until the stop, then waits for all of them.
pub fn run(server: &Server, listener: &Listener) -> io::Result<()> {
    thread::scope(|scope| {
        let mut number = 0;
        server.ready();
        while let Some(connected) = server.next_client(listener)? {
            number += 1;
            let peer = connected.peer;
            let spawned = thread::Builder::new()
                .name(format!("connection-{number}"))
                .stack_size(STACK)
                .spawn_scoped(scope, move || converse(server, connected));
            if let Err(error) = spawned {
                // The connection went into the closure, and the closure is dropped: the client is disconnected.
                tracing::warn!("client {peer} is refused: no thread for it: {error}");
                server.counters.refused.count();
            }
        }
        Ok(())
    })
}
