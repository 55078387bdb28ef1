//! One loop over `select(2)`: csd's `server02.py`, the first of the three ways to wait for many.
//!
//! ```text
//!   main ──► build the sets ──► select ──► look at every connection ──► serve the ready ones ──┐
//!             ▲────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! - **Accepts, answers:** the one thread, in turns.
//! - **Waits in:** `select(2)`, for the listening socket, the stop and every connection at once.
//! - **The price:** the sets are built anew and looked through at every turn; a slow request stops everybody. And a set
//!   is a bitmap of 1024 bits: descriptor 1024 has no bit. The C macro writes beyond the set and corrupts memory
//!   (select(2), BUGS); here such a client is refused.
//! - **Differs from `sequential`:** idle clients cost nothing but a bit, and block nobody.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::Arc;
use std::time::Instant;

use nix::sys::select::{FD_SETSIZE, FdSet, select};
use nix::sys::time::TimeVal;

use common::core::connection::{Interest, NonBlocking, Waker, drain};
use common::core::limits::TICK;
use common::core::listener::{ACCEPT_BACKOFF, AcceptOutcome, Listener};
use common::core::server::Server;
use common::core::trace::Event;

use super::helpers::READ_AT_ONCE;
use super::slot::{Slot, Slots};

/// Serves every client in one loop until the stop.
pub fn run(server: &Server, listener: Listener) -> io::Result<()> {
    let listener = listener.nonblocking()?;
    let waker = Arc::new(Waker::new()?);
    let mut slots = Slots::default();
    let mut scratch = vec![0; READ_AT_ONCE];
    let mut accept_resumes = Instant::now();
    let mut now = Instant::now();
    let mut next_look = now + TICK;
    server.ready();
    while !server.stop.requested() {
        let accept_paused = Instant::now() < accept_resumes;
        let (mut readable, mut writable) = (FdSet::new(), FdSet::new());
        readable.insert(server.stop.fd());
        readable.insert(waker.as_fd());
        if !accept_paused {
            readable.insert(listener.as_fd());
        }
        for slot in slots.by_fd.values() {
            match slot.interest {
                Interest::Read => readable.insert(slot.connection.as_fd()),
                Interest::Write => writable.insert(slot.connection.as_fd()),
                Interest::Nothing => {}
            }
        }
        let idle = next_look.saturating_duration_since(now);
        let timeout = slots.timers.timeout(if accept_paused { ACCEPT_BACKOFF } else { idle });
        let mut timeout = TimeVal::new(0, timeout.as_micros() as i64);
        server.trace.record(Event::Wait, None);
        if select(None, &mut readable, &mut writable, None, &mut timeout).is_err() {
            continue; // EINTR: the stop
        }
        server.trace.record(Event::Turn, None);
        now = Instant::now();
        let listener_ready = readable.contains(listener.as_fd());
        let is_ready = |slot: &&Slot| {
            let fd = slot.connection.as_fd();
            readable.contains(fd) || writable.contains(fd)
        };
        let ready: Vec<RawFd> =
            slots.by_fd.values().filter(is_ready).map(|slot| slot.connection.as_raw_fd()).collect();

        for fd in ready {
            slots.serve_ready(fd, server, &mut scratch, now);
        }
        for fd in waker.drain() {
            slots.serve(fd, server, &mut scratch, now);
        }
        while let Some(fd) = slots.timers.poll_due(now) {
            slots.serve(fd, server, &mut scratch, now);
        }
        if listener_ready {
            match server.accept(&listener)? {
                AcceptOutcome::Accepted(stream, peer) if stream.as_raw_fd() as usize >= FD_SETSIZE => {
                    server.counters.refused.count();
                    tracing::warn!(
                        "client {peer} is refused: select has no place beyond {FD_SETSIZE} descriptors"
                    );
                }
                AcceptOutcome::Accepted(stream, peer) => {
                    let connection = NonBlocking::open(server, stream, peer);
                    connection.wake_with(&waker);
                    let fd = connection.as_raw_fd();
                    slots.by_fd.insert(fd, Slot { connection, interest: Interest::Read });
                    slots.serve(fd, server, &mut scratch, now); // its greeting
                }
                AcceptOutcome::Full => accept_resumes = now + ACCEPT_BACKOFF,
                AcceptOutcome::WouldBlock => {}
                AcceptOutcome::Closed => break,
            }
        }
        if now >= next_look {
            next_look = now + TICK;
            for fd in slots.overdue(now) {
                slots.serve(fd, server, &mut scratch, now);
            }
        }
    }
    drain(server, slots.into_connections());
    Ok(())
}
