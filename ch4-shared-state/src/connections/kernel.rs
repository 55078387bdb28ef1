//! What the kernel knows: its table of TCP connections, and its counters (proc(5), /proc/net/tcp and /proc/net/snmp).
//!
//! Over loopback both ends of a connection are in one table, one line each, and are told apart by the server's port. A
//! connection in TIME_WAIT is one line: the other end is gone. The counters are of the whole network namespace:
//! whatever else connects at the time is in them too.

use std::fmt::Write;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use procfs::net::TcpState;

/// The states in the order of a connection's life (RFC 9293 section 3.3.2), as `netstat` writes them.
const STATES: [(TcpState, &str); 11] = [
    (TcpState::Listen, "LISTEN"),
    (TcpState::SynSent, "SYN_SENT"),
    (TcpState::SynRecv, "SYN_RECV"),
    (TcpState::Established, "ESTABLISHED"),
    (TcpState::FinWait1, "FIN_WAIT1"),
    (TcpState::FinWait2, "FIN_WAIT2"),
    (TcpState::CloseWait, "CLOSE_WAIT"),
    (TcpState::Closing, "CLOSING"),
    (TcpState::LastAck, "LAST_ACK"),
    (TcpState::TimeWait, "TIME_WAIT"),
    (TcpState::Close, "CLOSE"),
];

/// How many ends of connections with one server are in each state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TcpTable {
    client: [usize; STATES.len()],
    server: [usize; STATES.len()],
}

impl TcpTable {
    /// Reads the table now, and keeps the lines of this server.
    ///
    /// # Errors
    /// /proc is not there, or not ours to read.
    pub fn read(server: SocketAddr) -> anyhow::Result<TcpTable> {
        let lines = if server.is_ipv4() { procfs::net::tcp() } else { procfs::net::tcp6() };
        let mut table = TcpTable::default();
        for line in lines.context("cannot read the kernel's table of connections")? {
            let Some(state) = STATES.iter().position(|(state, _)| *state == line.state) else { continue };
            if line.local_address == server {
                table.server[state] += 1;
            } else if line.remote_address == server {
                table.client[state] += 1;
            }
        }
        Ok(table)
    }

    /// The table once every connection has come to [rest](TcpTable::is_settled), or after a second as it is: a close is
    /// over for the program before it is for the kernel.
    ///
    /// # Errors
    /// As [`TcpTable::read`].
    pub fn settled(server: SocketAddr) -> anyhow::Result<TcpTable> {
        let began = Instant::now();
        loop {
            let table = TcpTable::read(server)?;
            if table.is_settled() || began.elapsed() > Duration::from_secs(1) {
                return Ok(table);
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Ends in TIME_WAIT, the client's and the server's.
    #[must_use]
    pub fn time_wait(&self) -> (usize, usize) {
        let state =
            STATES.iter().position(|(state, _)| *state == TcpState::TimeWait).expect("it is in the list");
        (self.client[state], self.server[state])
    }

    /// Whether there is no connection at all: only who listens.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        STATES.iter().enumerate().all(|(index, (state, _))| {
            *state == TcpState::Listen || self.client[index] + self.server[index] == 0
        })
    }

    /// Whether every connection has come to rest: nothing is left but TIME_WAIT and who listens.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        STATES.iter().enumerate().all(|(index, (state, _))| {
            matches!(state, TcpState::Listen | TcpState::TimeWait)
                || self.client[index] + self.server[index] == 0
        })
    }

    /// In a line, for a display that is renewed: `ESTABLISHED 1+1  TIME_WAIT 812+0`, client's and server's ends.
    #[must_use]
    pub fn line(&self) -> String {
        let parts: Vec<String> = (1..STATES.len()) // not LISTEN
            .filter(|&state| self.client[state] + self.server[state] > 0)
            .map(|state| format!("{} {}+{}", STATES[state].1, self.client[state], self.server[state]))
            .collect();
        if parts.is_empty() { "no connection".into() } else { parts.join("  ") }
    }

    /// As lines: a state, the client's ends in it, the server's.
    #[must_use]
    pub fn lines(&self) -> String {
        let mut lines = format!("  {:<12}{:>9}{:>9}\n", "state", "client", "server");
        for (index, (_, name)) in STATES.iter().enumerate() {
            if self.client[index] + self.server[index] > 0 {
                let _ = writeln!(lines, "  {name:<12}{:>9}{:>9}", self.client[index], self.server[index]);
            }
        }
        lines
    }
}

/// Counters of the whole network namespace.
#[derive(Debug, Clone, Copy)]
pub struct TcpCounters {
    /// Connections begun by a SYN that was sent.
    pub active_opens: u64,
    /// Segments sent, by both ends when both are here.
    pub segments: u64,
}

impl TcpCounters {
    /// Reads them now.
    ///
    /// # Errors
    /// As [`TcpTable::read`].
    pub fn read() -> anyhow::Result<TcpCounters> {
        let counters = procfs::net::snmp().context("cannot read the kernel's counters")?;
        Ok(TcpCounters { active_opens: counters.tcp_active_opens, segments: counters.tcp_out_segs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn both_ends_are_seen_and_told_apart() {
        // A port that was in use a moment ago may still have connections of then, in TIME_WAIT.
        let fresh =
            |listener: &TcpListener| TcpTable::read(listener.local_addr().unwrap()).unwrap().is_fresh();
        let listeners = (0..1000).map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let listener = { listeners }.find(fresh).expect("some port is fresh");
        let address = listener.local_addr().unwrap();
        let before = TcpCounters::read().unwrap();
        let client = TcpStream::connect(address).unwrap();
        let (server, _) = listener.accept().unwrap();
        let table = TcpTable::read(address).unwrap();
        assert_eq!(table.line(), "ESTABLISHED 1+1");
        assert!(!table.is_settled());
        assert!(TcpCounters::read().unwrap().active_opens > before.active_opens);

        // Whoever closes first keeps it.
        drop(server);
        drop(client);
        let past = TcpTable::settled(address).unwrap();
        assert_eq!((past.time_wait(), past.is_fresh()), ((0, 1), false));
    }
}
