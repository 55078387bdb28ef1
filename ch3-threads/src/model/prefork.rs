//! Children forked beforehand, each of which accepts for itself: csd's `server03.py`.
//!
//! ```text
//!   parent ── fork × N ── waitpid ◄── a child died: fork another
//!               └──► child-0: accept ──► converse ──┐
//!               │             ▲─────────────────────┘
//!               └──► child-1: accept ──► …            one listening socket, inherited by all
//! ```
//!
//! - **Accepts:** whichever child the kernel wakes. **Answers:** the same.
//! - **Waits in:** the parent in `poll(2)` for a death; a child in `accept(2)`, then `recv(2)`.
//! - **The price:** an idle client holds its child, and children share no memory.
//! - **Thundering herd:** Linux wakes one of those who block in `accept`, not all; see `show herd` for those who wait in
//!   `poll(2)` instead.
//! - **Differs from `prethreaded`:** processes for threads. One that dies takes nobody with it and is replaced.

use std::io;

use common::core::connection::converse;
use common::core::listener::Listener;
use common::core::server::Server;
use common::core::workers::WorkerPool;

/// Keeps `workers` children until the stop.
pub fn run(server: &Server, listener: &Listener, workers: usize) -> io::Result<()> {
    let child = |number: usize| {
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
