//! One loop over `poll(2)`: as `select`, without its limit.
//!
//! ```text
//!   main ──► build the list ──► poll ──► look at every entry ──► serve the ready ones ──┐
//!             ▲─────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! - **Accepts, answers:** the one thread, in turns.
//! - **Waits in:** `poll(2)`, for the listening socket, the stop and every connection at once.
//! - **The price:** the list goes into the kernel and is looked through twice at every turn, however few are ready: a
//!   turn costs as much as there are clients. A slow request stops everybody.
//! - **Differs from `select`:** a list of descriptors for a bitmap, so that any number will do.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::Arc;
use std::time::Instant;

use nix::poll::{PollFd, PollFlags};

use common::core::connection::{Interest, NonBlocking, Waker, drain};
use common::core::limits::TICK;
use common::core::listener::{ACCEPT_BACKOFF, AcceptOutcome, Listener};
use common::core::server::Server;
use common::core::trace::Event;

use super::helpers::{READ_AT_ONCE, poll_timeout};
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
        let for_listener = if accept_paused { PollFlags::empty() } else { PollFlags::POLLIN };
        let mut list = vec![
            PollFd::new(listener.as_fd(), for_listener),
            PollFd::new(server.stop.fd(), PollFlags::POLLIN),
            PollFd::new(waker.as_fd(), PollFlags::POLLIN),
        ];
        list.extend(slots.by_fd.values().filter_map(|slot| match slot.interest {
            Interest::Read => Some(PollFd::new(slot.connection.as_fd(), PollFlags::POLLIN)),
            Interest::Write => Some(PollFd::new(slot.connection.as_fd(), PollFlags::POLLOUT)),
            // Left out: poll reports a reset even to those that ask for nothing, and would spin.
            Interest::Nothing => None,
        }));
        let idle = next_look.saturating_duration_since(now);
        let timeout = slots.timers.timeout(if accept_paused { ACCEPT_BACKOFF } else { idle });
        server.trace.record(Event::Wait, None);
        if nix::poll::poll(&mut list, poll_timeout(timeout)).is_err() {
            continue; // EINTR: the stop
        }
        server.trace.record(Event::Turn, None);
        now = Instant::now();
        let is_ready = |entry: &&PollFd| entry.any() == Some(true);
        let listener_ready = is_ready(&&list[0]);
        let ready: Vec<RawFd> =
            list[3..].iter().filter(is_ready).map(|entry| entry.as_fd().as_raw_fd()).collect();

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
