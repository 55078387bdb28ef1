//! One client after the other: the notes' single-threaded server (figure 4.4).
//!
//! ```text
//!   main ──► accept ──► converse ──┐
//!             ▲────────────────────┘
//! ```
//!
//! - **Accepts:** the main thread. **Answers:** the main thread.
//! - **Waits in:** `accept(2)`, then `recv(2)` of the one client it has.
//! - **The price:** everybody waits for the slowest. A client that is idle keeps all others out.
//! - **Differs from `one-client`:** by a loop.

use std::io;

use common::core::connection::converse;
use common::core::listener::Listener;
use common::core::server::Server;

/// Serves clients one at a time until the stop.
pub fn run(server: &Server, listener: &Listener) -> io::Result<()> {
    server.ready();
    while let Some(connected) = server.next_client(listener)? {
        converse(server, connected);
    }
    Ok(())
}
