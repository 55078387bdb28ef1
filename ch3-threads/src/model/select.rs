//! One loop over `select(2)`: csd's `server02.py`, the first of the three ways to wait for many.
//!
//! ```text
//!   main ──► build the sets ──► select ──► look at every connection ──► serve the ready ones ──┐
//!             ▲────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! - **Accepts, answers:** the one thread, in turns.
//! - **Waits in:** `select(2)`, for the door, the stop and every connection at once.
//! - **The price:** the sets are built anew and looked through at every turn; a slow request stops everybody. And a set
//!   is a bitmap of 1024 bits: descriptor 1024 has no bit. The C macro writes beyond the set and corrupts memory
//!   (select(2), BUGS); here such a client is refused.
//! - **Differs from `sequential`:** idle clients cost nothing but a bit, and block nobody.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::Arc;
use std::time::Instant;

use nix::sys::select::{FD_SETSIZE, FdSet, select};
use nix::sys::time::TimeVal;

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
        let (mut readable, mut writable) = (FdSet::new(), FdSet::new());
        readable.insert(server.stop.fd());
        readable.insert(bell.as_fd());
        if !looks_away {
            readable.insert(door.as_fd());
        }
        for seat in seats.values() {
            match seat.interest {
                Interest::Read => readable.insert(seat.connection.as_fd()),
                Interest::Write => writable.insert(seat.connection.as_fd()),
                Interest::Nothing => {}
            }
        }
        let patience = if looks_away { LOOK_AWAY } else { TICK };
        let mut timeout = TimeVal::new(0, patience.as_micros() as i64);
        server.journal.record(Event::Wait, None);
        if select(None, &mut readable, &mut writable, None, &mut timeout).is_err() {
            continue; // EINTR: the stop
        }
        server.journal.record(Event::Turn, None);
        let knocks = readable.contains(door.as_fd());
        let mut ready: Vec<RawFd> = seats
            .values()
            .map(|seat| seat.connection.as_fd())
            .filter(|&fd| readable.contains(fd) || writable.contains(fd))
            .map(|fd| fd.as_raw_fd())
            .collect();
        ready.extend(bell.answer());

        for fd in ready {
            Seat::serve(&mut seats, fd, server, &mut scratch);
        }
        if knocks {
            match server.admit(&door)? {
                Admission::Client(stream, client) if stream.as_raw_fd() as usize >= FD_SETSIZE => {
                    server.meters.refused.count();
                    tracing::warn!(
                        "client {client} is refused: select has no place beyond {FD_SETSIZE} descriptors"
                    );
                }
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
