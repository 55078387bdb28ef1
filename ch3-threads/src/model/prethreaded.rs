//! A fixed number of threads, each of which accepts for itself (UNP chapter 30, csd's roadmap).
//!
//! ```text
//!   worker-0: accept ──► converse ──┐
//!              ▲────────────────────┘
//!   worker-1: accept ──► …              all on one listening socket: the kernel wakes one of them per client
//! ```
//!
//! - **Accepts:** whichever worker the kernel wakes. **Answers:** the same.
//! - **Waits in:** `accept(2)`, then `recv(2)`.
//! - **The price:** that of `thread-pool`: an idle client holds its worker.
//! - **Differs from `thread-pool`:** no queue and no hand-over between threads: the kernel's backlog is the queue.

use std::io;
use std::thread;

use common::core::connection::converse;
use common::core::listener::Listener;
use common::core::server::Server;

use super::helpers::keep_working;

/// Serves up to `workers` clients at once, until the stop.
pub fn run(server: &Server, listener: &Listener, workers: usize) -> io::Result<()> {
    thread::scope(|scope| {
        for number in 0..workers {
            keep_working(scope, server, format!("worker-{number}"), move || {
                loop {
                    match server.next_client(listener) {
                        Ok(Some(connected)) => {
                            server.counters.worker(number).count();
                            converse(server, connected);
                        }
                        Ok(None) => break,
                        Err(error) => {
                            tracing::error!("accept: {error}");
                            server.stop.request();
                        }
                    }
                }
            })?;
        }
        server.ready();
        Ok(())
    })
}
