//! A fixed number of threads and a bounded queue of connections: the notes' producer-consumer pattern, which they call
//! "pre-fork" (figure 4.9).
//!
//! ```text
//!   main ──► accept ──► push ──┐            ┌──► worker-0: pop ──► converse ──┐
//!             ▲────────────────┘   [ queue ]├──► worker-1                     │
//!                                           └──► …  ▲─────────────────────────┘
//! ```
//!
//! - **Accepts:** the main thread. **Answers:** whichever worker pops the connection.
//! - **Waits in:** main in `accept(2)` and, when the queue is full, in `push`; workers in `pop`, then `recv(2)`.
//! - **The price:** as many clients are served at once as there are workers. An idle client holds its worker: with four
//!   workers the fifth of the notes' clients waits, and leaves.
//! - **Differs from `thread-per-connection`:** no thread is made while clients wait, and their number is ours to choose.

use std::io;
use std::thread;

use common::core::connection::{Connected, converse};
use common::core::listener::Listener;
use common::core::queue::Queue;
use common::core::server::Server;

use super::helpers::keep_working;

/// Serves up to `workers` clients at once, until the stop.
pub fn run(server: &Server, listener: &Listener, workers: usize) -> io::Result<()> {
    let connections = Queue::new(server.limits.connections);
    thread::scope(|scope| {
        let connections = &connections;
        let spawned = (0..workers).try_for_each(|number| {
            keep_working(scope, server, format!("worker-{number}"), move || {
                while let Some(connected) = connections.pop() {
                    converse(server, connected);
                }
            })
        });
        let accepted = spawned.and_then(|()| accept(server, listener, connections));
        // The workers finish what is in the queue (each conversation ends at once: the stop has come), then end.
        connections.close();
        accepted
    })
}

fn accept(server: &Server, listener: &Listener, connections: &Queue<Connected>) -> io::Result<()> {
    server.ready();
    while let Some(connected) = server.next_client(listener)? {
        // Blocks when the queue is full: further clients wait in the kernel's backlog, which is bounded too.
        if connections.push(connected).is_err() {
            break;
        }
    }
    Ok(())
}
