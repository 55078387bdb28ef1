//! Children forked beforehand, each with a listening socket of its own on the same port (socket(7), `SO_REUSEPORT`).
//!
//! ```text
//!               ┌─ hash of addresses and ports ─┐
//!   client ──►  │ kernel ├──► listener 0 ──► child-0: accept ──► converse
//!               └────────┴──► listener 1 ──► child-1: accept ──► …
//! ```
//!
//! - **Accepts:** the child to whose socket the kernel's hash sends the connection. **Answers:** the same.
//! - **Waits in:** a child in `accept(2)`, then `recv(2)`; the parent in `poll(2)` for a death.
//! - **The price:** the hash knows nothing of who is busy. A client may wait behind an idle one while other children
//!   have nothing to do.
//! - **Differs from `prefork`:** no shared accept queue to contend for; the spread is even by count, not by load. The
//!   parent keeps every socket open, so that the clients in the queue of a child that died wait for its successor.

use std::io;

use common::core::connection::converse;
use common::core::listener::Listener;
use common::core::server::Server;
use common::core::workers::WorkerPool;

/// Keeps `workers` children until the stop. `listener` is the first child's; the others are opened beside it.
pub fn run(server: &Server, listener: Listener, backlog: i32, workers: usize) -> io::Result<()> {
    let address =
        listener.address().ip().ok_or_else(|| io::Error::other("a Unix socket has no port to share"))?;
    let mut listeners = vec![listener];
    while listeners.len() < workers {
        listeners.push(Listener::open(address, backlog, true, server.stop)?);
    }
    let child = |number: usize| {
        let listener = &listeners[number];
        move || {
            while let Some(connected) = server.next_client(listener)? {
                server.counters.worker(number).count();
                converse(server, connected);
            }
            Ok(())
        }
    };
    let mut pool = WorkerPool::new(server, "child")?;
    for number in 0..workers {
        pool.spawn(number, child(number))?;
    }
    server.ready();
    while let Some(dead) = pool.wait_for_exit()? {
        pool.replace(dead, child(dead))?;
    }
    pool.shutdown();
    Ok(())
}
