//! One loop over `poll(2)`: as `select`, without its limit.
//!
//! ```text
//!   main ──► build the list ──► poll ──► look at every entry ──► serve the ready ones ──┐
//!             ▲─────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! - **Accepts, answers:** the one thread, in turns.
//! - **Waits in:** `poll(2)`, for the door, the stop and every connection at once.
//! - **The price:** the list goes into the kernel and is looked through twice at every turn, however few are ready: a
//!   turn costs as much as there are clients. A slow request stops everybody.
//! - **Differs from `select`:** a list of descriptors for a bitmap, so that any number will do.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::Arc;
use std::time::Instant;

use nix::poll::{PollFd, PollFlags, PollTimeout};

use common::core::connection::{Bell, Interest, NonBlocking, TICK, say_goodbye};
use common::core::listener::{Admission, Door, LOOK_AWAY};
use common::core::server::Server;
use common::core::trace::Event;

use super::{READ_AT_ONCE, Seat};

/// Serves every client in one loop until the stop.
pub fn run(server: &Server, door: Door) -> io::Result<()> {
    let door = door.nonblocking()?;
    let bell = Arc::new(Bell::new()?);
    let mut seats: BTreeMap<RawFd, Seat> = BTreeMap::new();
    let mut scratch = vec![0; READ_AT_ONCE];
    let mut door_opens = Instant::now();
    let mut next_look = Instant::now() + TICK;
    while !server.stop.requested() {
        let looks_away = Instant::now() < door_opens;
        let for_door = if looks_away { PollFlags::empty() } else { PollFlags::POLLIN };
        let mut list = vec![
            PollFd::new(door.as_fd(), for_door),
            PollFd::new(server.stop.fd(), PollFlags::POLLIN),
            PollFd::new(bell.as_fd(), PollFlags::POLLIN),
        ];
        list.extend(seats.values().map(|seat| {
            let wanted = match seat.interest {
                Interest::Read => PollFlags::POLLIN,
                Interest::Write => PollFlags::POLLOUT,
                Interest::Nothing => PollFlags::empty(),
            };
            PollFd::new(seat.connection.as_fd(), wanted)
        }));
        let patience = if looks_away { LOOK_AWAY } else { TICK };
        server.journal.record(Event::Wait, None);
        let timeout = PollTimeout::try_from(patience).expect("a tick fits into poll's milliseconds");
        if nix::poll::poll(&mut list, timeout).is_err() {
            continue; // EINTR: the stop
        }
        server.journal.record(Event::Turn, None);
        let ready = |entry: &PollFd| entry.any() == Some(true);
        let knocks = ready(&list[0]);
        let mut ready: Vec<RawFd> =
            list[3..].iter().filter(|entry| ready(entry)).map(|entry| entry.as_fd().as_raw_fd()).collect();
        ready.extend(bell.answer());

        for fd in ready {
            Seat::serve(&mut seats, fd, server, &mut scratch);
        }
        if knocks {
            match server.admit(&door)? {
                Admission::Client(stream, client) => {
                    let connection = NonBlocking::open(server, stream, client);
                    connection.ring(&bell);
                    let fd = connection.as_raw_fd();
                    seats.insert(fd, Seat { connection, interest: Interest::Read });
                    Seat::serve(&mut seats, fd, server, &mut scratch); // its greeting
                }
                Admission::Full => door_opens = Instant::now() + LOOK_AWAY,
                Admission::Nobody => {}
                Admission::Closed => break,
            }
        }
        if Instant::now() >= next_look {
            next_look = Instant::now() + TICK;
            Seat::clear_expired(&mut seats, server);
        }
    }
    say_goodbye(server, seats.into_values().map(|seat| seat.connection));
    Ok(())
}
