//! Whether the other side of a silent connection is still there: the kernel asks (tcp(7)). Notes, chapter 4: long-lived connections.
//!
//! ```text
//!   last word ──── silence ────► ? ── silence/6 ─► ? ─► ? ─► ? ─► ? ─► ? ─► ETIMEDOUT
//! ```
//!
//! A machine that has lost power, or the way to which is cut, never says that it is gone. Who only listens would listen for ever: a
//! server to a client that asks nothing, a client to a server that announces nothing.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

/// How often the silent side is asked before it is taken for gone.
const PROBES: u32 = 6;

/// From now on the kernel asks a peer that has been silent for `silence` whether it is still there, six times in as long again, and
/// ends the connection of one that is not. The same for a peer that acknowledges nothing of what is sent to it
/// (`TCP_USER_TIMEOUT`): while bytes are under way the kernel does not ask, and by itself would send them again for a quarter of
/// an hour.
///
/// Linux hands both down from a listening socket to the connections that it accepts later. `silence` counts in whole seconds, at
/// least 6.
///
/// # Errors
/// What setsockopt(2) says.
pub fn set(socket: &impl AsFd, silence: Duration) -> io::Result<()> {
    let silence = Duration::from_secs(silence.as_secs().max(u64::from(PROBES)));
    let socket = SockRef::from(socket);
    let probes = TcpKeepalive::new().with_time(silence).with_interval(silence / PROBES).with_retries(PROBES);
    socket.set_tcp_keepalive(&probes)?;
    socket.set_tcp_user_timeout(Some(silence * 2))
}
