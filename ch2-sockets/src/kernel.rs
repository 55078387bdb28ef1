//! What the kernel shows of a socket: the descriptor and the row of its table (lecture notes, "UDP Socket", "TCP Socket").
//!
//! ```text
//!   /proc/self/fd/3 ──► socket:[129069931] ──► /proc/net/{tcp,tcp6,udp,udp6}: the row with inode 129069931
//! ```
//!
//! The same facts as `ls -l /proc/PID/fd`, `netstat -an` and `ss -an`, see proc(5). Three things surprise:
//! a TCP socket that is bound but neither listens nor connects is in no table; a connection that nobody has accepted
//! yet and one that nobody holds any more (TIME-WAIT, say) have inode 0, so they are found by their addresses; and the
//! file does not hold a LISTEN row's limit, which `ss` shows as Send-Q.

pub mod endpoint;
pub mod socket;
pub mod table;
pub mod unix;
pub mod wait;

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use procfs::net::{TcpState, UdpState};
use procfs::process::{FDTarget, Process};

/// How soon [`settled`] looks at the table again at first, and at most: to read it costs the kernel a walk over all sockets.
const LOOK_AGAIN: [Duration; 2] = [Duration::from_millis(2), Duration::from_millis(50)];

/// Which of the kernel's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// `/proc/net/udp` and `udp6`.
    Udp,
    /// `/proc/net/tcp` and `tcp6`.
    Tcp,
}

/// An open descriptor of this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// Its number, 0 and up.
    pub number: i32,
    /// What it refers to, as `ls -l` shows it: `socket:[1234]`, or a path.
    pub target: String,
}

/// A row of the kernel's table of sockets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketRow {
    /// The table it is from.
    pub protocol: Protocol,
    /// Its own address; port 0 is none.
    pub local: SocketAddr,
    /// The other end; port 0 is none.
    pub remote: SocketAddr,
    /// As RFC 9293 writes it (`FIN-WAIT-1`); a UDP socket is `UNCONNECTED`, or `CONNECTED` to one peer.
    pub state: &'static str,
    /// Bytes received and not yet read; for LISTEN, connections not yet accepted.
    pub receive_queue: u32,
    /// Bytes sent and not yet acknowledged.
    pub send_queue: u32,
    /// The socket's number, 0 when no descriptor refers to it.
    pub inode: u64,
}

/// The open descriptors of this process, by number.
///
/// # Errors
/// When `/proc` is not there.
pub fn descriptors() -> io::Result<Vec<Descriptor>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let entry = entry?;
        // The descriptor that reads this very directory may be gone already, and is nobody's business.
        let (Ok(number), Ok(target)) =
            (entry.file_name().to_string_lossy().parse(), std::fs::read_link(entry.path()))
        else {
            continue;
        };
        let target = target.to_string_lossy().into_owned();
        if !target.starts_with("/proc/") {
            all.push(Descriptor { number, target });
        }
    }
    all.sort_by_key(|descriptor| descriptor.number);
    Ok(all)
}

/// The inode of a socket: the number in `socket:[1234]`.
///
/// # Errors
/// When `/proc` is not there, or the descriptor is no socket.
pub fn inode(socket: &impl AsFd) -> io::Result<u64> {
    let link = std::fs::read_link(format!("/proc/self/fd/{}", socket.as_fd().as_raw_fd()))?;
    inode_in(&link.to_string_lossy())
        .ok_or_else(|| io::Error::other(format!("{} is no socket", link.display())))
}

/// All rows of a protocol, IPv4 before IPv6.
///
/// # Errors
/// When `/proc/net` cannot be read. A machine without IPv6 has no IPv6 rows, which is no error.
pub fn rows(protocol: Protocol) -> io::Result<Vec<SocketRow>> {
    let mut rows = Vec::new();
    match protocol {
        Protocol::Tcp => {
            let entries = procfs::net::tcp().map_err(io::Error::other)?;
            for entry in entries.into_iter().chain(procfs::net::tcp6().unwrap_or_default()) {
                rows.push(SocketRow {
                    protocol,
                    local: entry.local_address,
                    remote: entry.remote_address,
                    state: tcp_state(&entry.state),
                    receive_queue: entry.rx_queue,
                    send_queue: entry.tx_queue,
                    inode: entry.inode,
                });
            }
        }
        Protocol::Udp => {
            let entries = procfs::net::udp().map_err(io::Error::other)?;
            for entry in entries.into_iter().chain(procfs::net::udp6().unwrap_or_default()) {
                rows.push(SocketRow {
                    protocol,
                    local: entry.local_address,
                    remote: entry.remote_address,
                    state: if matches!(entry.state, UdpState::Established) {
                        "CONNECTED"
                    } else {
                        "UNCONNECTED"
                    },
                    receive_queue: entry.rx_queue,
                    send_queue: entry.tx_queue,
                    inode: entry.inode,
                });
            }
        }
    }
    Ok(rows)
}

/// The row of a socket we hold, if it is in a table.
///
/// # Errors
/// As [`inode`] and [`rows`].
pub fn row_of(socket: &impl AsFd, protocol: Protocol) -> io::Result<Option<SocketRow>> {
    let inode = inode(socket)?;
    Ok(rows(protocol)?.into_iter().find(|row| row.inode == inode))
}

/// One end of a TCP connection, by its two addresses: also when nobody holds it (TIME-WAIT, or not yet accepted).
///
/// # Errors
/// As [`rows`].
pub fn connection(local: SocketAddr, remote: SocketAddr) -> io::Result<Option<SocketRow>> {
    Ok(rows(Protocol::Tcp)?.into_iter().find(|row| same(row.local, local) && same(row.remote, remote)))
}

/// Looks until `enough` is content with what `look` sees, at most for `limit`; returns what was seen last.
///
/// On loopback a segment has nearly always been handled when the call that sent it returns, but nothing promises it.
///
/// # Errors
/// What `look` returns.
pub fn settled<T>(
    limit: Duration,
    mut look: impl FnMut() -> io::Result<T>,
    enough: impl Fn(&T) -> bool,
) -> io::Result<T> {
    let end = Instant::now() + limit;
    let [mut pause, longest] = LOOK_AGAIN;
    loop {
        let seen = look()?;
        if enough(&seen) || Instant::now() >= end {
            return Ok(seen);
        }
        std::thread::sleep(pause);
        pause = (2 * pause).min(longest);
    }
}

/// Who holds a socket: `process 4711 (python3)`. Without privileges only one's own processes can be looked into.
#[must_use]
pub fn holder(inode: u64) -> Option<String> {
    for process in procfs::process::all_processes().ok()?.flatten() {
        let holds = |process: &Process| {
            Some(
                process.fd().ok()?.flatten().any(|fd| matches!(fd.target, FDTarget::Socket(i) if i == inode)),
            )
        };
        if holds(&process) == Some(true) {
            let name = process.stat().map_or_else(|_| "?".into(), |stat| stat.comm);
            return Some(format!("process {} ({name})", process.pid));
        }
    }
    None
}

/// Whether two addresses are one: the tables know no scope, and show an IPv4 peer of an IPv6 socket as `::ffff:1.2.3.4`.
fn same(one: SocketAddr, other: SocketAddr) -> bool {
    one.port() == other.port() && one.ip().to_canonical() == other.ip().to_canonical()
}

fn inode_in(link: &str) -> Option<u64> {
    link.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

/// The names of RFC 9293, section 3.3.2.
fn tcp_state(state: &TcpState) -> &'static str {
    match state {
        TcpState::Established => "ESTABLISHED",
        TcpState::SynSent => "SYN-SENT",
        // The kernel keeps a connection in the making in a smaller structure of its own, `NEW_SYN_RECV`.
        TcpState::SynRecv | TcpState::NewSynRecv => "SYN-RECEIVED",
        TcpState::FinWait1 => "FIN-WAIT-1",
        TcpState::FinWait2 => "FIN-WAIT-2",
        TcpState::TimeWait => "TIME-WAIT",
        TcpState::Close => "CLOSED",
        TcpState::CloseWait => "CLOSE-WAIT",
        TcpState::LastAck => "LAST-ACK",
        TcpState::Listen => "LISTEN",
        TcpState::Closing => "CLOSING",
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn a_bound_socket_is_found_by_its_descriptor() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(socket) = UdpSocket::bind(address) else { continue }; // a machine without IPv6
            let row = row_of(&socket, Protocol::Udp).unwrap().expect("its row");
            assert_eq!((row.local, row.state), (socket.local_addr().unwrap(), "UNCONNECTED"));
            let target = format!("socket:[{}]", row.inode);
            let number = socket.as_raw_fd();
            assert!(descriptors().unwrap().contains(&Descriptor { number, target }));
            assert_eq!(holder(row.inode).unwrap().split(' ').nth(1), Some(&*std::process::id().to_string()));
        }
    }

    #[test]
    fn a_link_is_a_socket_only_when_it_says_so() {
        assert_eq!(inode_in("socket:[129069931]"), Some(129_069_931));
        for other in
            ["pipe:[7]", "socket:[]", "socket:[x]", "socket:[7", "/dev/null", "socket:[99999999999999999999]"]
        {
            assert_eq!(inode_in(other), None, "{other}");
        }
    }
}
