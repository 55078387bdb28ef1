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

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::Arc;
use std::time::Instant;

use nix::poll::{PollFd, PollFlags, PollTimeout};

use common::core::connection::{Interest, NonBlocking, TICK, Waker, drain};
use common::core::listener::{ACCEPT_BACKOFF, AcceptOutcome, Listener};
use common::core::server::Server;
use common::core::trace::Event;

use super::{READ_AT_ONCE, Slot};

/// Serves every client in one loop until the stop.
pub fn run(server: &Server, listener: Listener) -> io::Result<()> {
    let listener = listener.nonblocking()?;
    let waker = Arc::new(Waker::new()?);
    let mut slots: BTreeMap<RawFd, Slot> = BTreeMap::new();
    let mut scratch = vec![0; READ_AT_ONCE];
    let mut accept_resumes = Instant::now();
    let mut next_look = Instant::now() + TICK;
    while !server.stop.requested() {
        let accept_paused = Instant::now() < accept_resumes;
        let for_listener = if accept_paused { PollFlags::empty() } else { PollFlags::POLLIN };
        let mut list = vec![
            PollFd::new(listener.as_fd(), for_listener),
            PollFd::new(server.stop.fd(), PollFlags::POLLIN),
            PollFd::new(waker.as_fd(), PollFlags::POLLIN),
        ];
        list.extend(slots.values().map(|slot| {
            let wanted = match slot.interest {
                Interest::Read => PollFlags::POLLIN,
                Interest::Write => PollFlags::POLLOUT,
                Interest::Nothing => PollFlags::empty(),
            };
            PollFd::new(slot.connection.as_fd(), wanted)
        }));
        let timeout = if accept_paused { ACCEPT_BACKOFF } else { TICK };
        server.trace.record(Event::Wait, None);
        let timeout = PollTimeout::try_from(timeout).expect("a tick fits into poll's milliseconds");
        if nix::poll::poll(&mut list, timeout).is_err() {
            continue; // EINTR: the stop
        }
        server.trace.record(Event::Turn, None);
        let ready = |entry: &PollFd| entry.any() == Some(true);
        let listener_ready = ready(&list[0]);
        let mut ready: Vec<RawFd> =
            list[3..].iter().filter(|entry| ready(entry)).map(|entry| entry.as_fd().as_raw_fd()).collect();
        ready.extend(waker.answer());

        for fd in ready {
            Slot::serve(&mut slots, fd, server, &mut scratch);
        }
        if listener_ready {
            match server.admit(&listener)? {
                AcceptOutcome::Accepted(stream, client) => {
                    let connection = NonBlocking::open(server, stream, client);
                    connection.ring(&waker);
                    let fd = connection.as_raw_fd();
                    slots.insert(fd, Slot { connection, interest: Interest::Read });
                    Slot::serve(&mut slots, fd, server, &mut scratch); // its greeting
                }
                AcceptOutcome::Full => accept_resumes = Instant::now() + ACCEPT_BACKOFF,
                AcceptOutcome::WouldBlock => {}
                AcceptOutcome::Closed => break,
            }
        }
        if Instant::now() >= next_look {
            next_look = Instant::now() + TICK;
            Slot::clear_expired(&mut slots, server);
        }
    }
    drain(server, slots.into_values().map(|slot| slot.connection));
    Ok(())
}
