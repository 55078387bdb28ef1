//! The rows of the kernel's table that belong to one listening socket, printed whenever they change.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::kernel::{self, Protocol, SocketRow};

/// How often the table is looked at: a state that lasts less may be missed.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Watches the connections of a server, both ends of those on this machine.
pub(super) struct Watch {
    server: SocketAddr,
    started: Instant,
    seen: Vec<SocketRow>,
}

impl Watch {
    pub(super) fn new(server: SocketAddr) -> Watch {
        Watch { server, started: Instant::now(), seen: Vec::new() }
    }

    /// Prints the table if it has changed, with the time since the start.
    pub(super) fn look(&mut self, out: &mut impl Write) -> io::Result<()> {
        let mut rows = kernel::rows(Protocol::Tcp)?;
        rows.retain(|row| self.is_server(row.local) || self.is_server(row.remote));
        rows.sort_by_key(|row| (row.state != "LISTEN", self.is_server(row.remote), row.local, row.remote));
        if rows != self.seen {
            writeln!(out, "after {} ms:", self.started.elapsed().as_millis())?;
            let lines: Vec<_> = rows.iter().map(|row| (self.role(row), Some(row))).collect();
            write!(out, "{}", kernel::table::text(&lines))?;
            self.seen = rows;
        }
        Ok(())
    }

    fn role(&self, row: &SocketRow) -> &'static str {
        match row.state {
            "LISTEN" => "listener",
            "ESTABLISHED" | "CLOSE-WAIT" if self.is_server(row.local) && row.inode == 0 => "not accepted",
            _ if self.is_server(row.local) => "server's end",
            _ => "client's end",
        }
    }

    fn is_server(&self, address: SocketAddr) -> bool {
        let (own, other) = (self.server.ip().to_canonical(), address.ip().to_canonical());
        address.port() == self.server.port() && (own.is_unspecified() || other == own)
    }
}
