//! One client, and that is all: the notes' first server (figure 4.3).
//!
//! ```text
//!   main ── accept ── converse ── end
//! ```
//!
//! - **Accepts:** the main thread, once. **Answers:** the main thread.
//! - **Waits in:** `accept(2)`, then `recv(2)`.
//! - **The price:** whoever comes second waits in the backlog, and is reset when the server ends.

use std::io;

use common::core::connection::converse;
use common::core::listener::Listener;
use common::core::server::Server;

/// Serves the first client, then ends.
pub fn run(server: &Server, listener: &Listener) -> io::Result<()> {
    server.ready();
    if let Some(connected) = server.next_client(listener)? {
        converse(server, connected);
    }
    Ok(())
}
