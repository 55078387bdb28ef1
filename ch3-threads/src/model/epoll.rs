//! One loop over `epoll(7)`, or several: the kernel keeps the list, and names only those who are ready.
//!
//! ```text
//!   loop-0 ──► epoll_wait ──► serve those it named ──┐        (loop-1 … the same, each with connections of its own)
//!               ▲────────────────────────────────────┘
//! ```
//!
//! - **Accepts, answers:** each loop, for the connections it has accepted itself.
//! - **Waits in:** `epoll_wait(2)`.
//! - **The price:** a slow request stops everybody in its loop; a change of interest is a system call of its own.
//! - **Several loops** share the door with `EPOLLEXCLUSIVE`, so that a client wakes one of them and not all.
//! - **Differs from `poll`:** a turn costs as much as there are ready clients, not as there are clients.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use common::core::connection::{Bell, Interest, NonBlocking, TICK, say_goodbye};
use common::core::listener::{Admission, Door, LOOK_AWAY};
use common::core::server::Server;
use common::core::trace::Event;

use super::{READ_AT_ONCE, Seat, keep_working};

/// Connections taken in one turn, so that a flood of new clients does not starve those who are there.
const ACCEPT_AT_ONCE: usize = 16;
const EVENTS_AT_ONCE: usize = 256;

/// Serves every client in `loops` loops until the stop.
pub fn run(server: &Server, door: Door, loops: usize) -> io::Result<()> {
    let door = &door.nonblocking()?;
    if loops == 1 {
        return turn_until_stop(server, door);
    }
    thread::scope(|scope| {
        for number in 0..loops {
            keep_working(scope, server, format!("loop-{number}"), move || {
                if let Err(error) = turn_until_stop(server, door) {
                    tracing::error!("{error}");
                    server.stop.request();
                }
            })?;
        }
        Ok(())
    })
}

fn turn_until_stop(server: &Server, door: &Door) -> io::Result<()> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    let bell = Arc::new(Bell::new()?);
    let (door_key, stop_key, bell_key) = (0, 1, 2); // of standard input, output and error: never a connection's
    let knock = EpollFlags::EPOLLIN | EpollFlags::EPOLLEXCLUSIVE;
    epoll.add(door, EpollEvent::new(knock, door_key))?;
    epoll.add(server.stop.fd(), EpollEvent::new(EpollFlags::EPOLLIN, stop_key))?;
    epoll.add(&*bell, EpollEvent::new(EpollFlags::EPOLLIN, bell_key))?;

    // The key of a connection is its descriptor, and so is its place here: the kernel gives the lowest free number, so
    // the numbers lie close.
    let mut seats: Vec<Option<Seat>> = Vec::new();
    let mut scratch = vec![0; READ_AT_ONCE];
    let mut events = [EpollEvent::empty(); EVENTS_AT_ONCE];
    let mut door_opens = None;
    let mut next_look = Instant::now() + TICK;
    'turns: while !server.stop.requested() {
        server.journal.record(Event::Wait, None);
        let patience = if door_opens.is_some() { LOOK_AWAY } else { TICK };
        let timeout = EpollTimeout::try_from(patience).expect("a tick fits into epoll's milliseconds");
        let Ok(count) = epoll.wait(&mut events, timeout) else { continue }; // EINTR: the stop
        server.journal.record(Event::Turn, None);
        for event in &events[..count] {
            match event.data() {
                key if key == stop_key => break 'turns,
                key if key == bell_key => {
                    for fd in bell.answer() {
                        serve(&epoll, &mut seats, fd as usize, server, &mut scratch)?;
                    }
                }
                key if key == door_key => {
                    for _ in 0..ACCEPT_AT_ONCE {
                        match server.admit(door)? {
                            Admission::Client(stream, client) => {
                                let connection = NonBlocking::open(server, stream, client);
                                connection.ring(&bell);
                                let place = connection.as_raw_fd() as usize;
                                let wanted = EpollEvent::new(EpollFlags::EPOLLIN, place as u64);
                                if let Err(error) = epoll.add(&connection, wanted) {
                                    // ENOSPC, ENOMEM: this client cannot be waited for, the others can.
                                    server.farewell(&client, Err(error.into()));
                                    continue;
                                }
                                if seats.len() <= place {
                                    seats.resize_with(place + 1, || None);
                                }
                                seats[place] = Some(Seat { connection, interest: Interest::Read });
                                serve(&epoll, &mut seats, place, server, &mut scratch)?; // its greeting
                            }
                            Admission::Full => {
                                epoll.delete(door)?; // level-triggered: it would wake us at once, again and again
                                door_opens = Some(Instant::now() + LOOK_AWAY);
                                break;
                            }
                            Admission::Nobody => break,
                            Admission::Closed => break 'turns,
                        }
                    }
                }
                place => serve(&epoll, &mut seats, place as usize, server, &mut scratch)?,
            }
        }
        let now = Instant::now();
        if door_opens.is_some_and(|opens| now >= opens) {
            door_opens = None;
            epoll.add(door, EpollEvent::new(knock, door_key))?;
        }
        if now >= next_look {
            next_look = now + TICK;
            for seat in &mut seats {
                seat.take_if(|seat| seat.is_over(server));
            }
        }
    }
    say_goodbye(server, seats.into_iter().flatten().map(|seat| seat.connection));
    Ok(())
}

/// Serves one connection as far as it goes, and tells the kernel what it waits for now, if that has changed.
fn serve(
    epoll: &Epoll,
    seats: &mut [Option<Seat>],
    place: usize,
    server: &Server,
    scratch: &mut [u8],
) -> io::Result<()> {
    // Nobody there: it ended earlier in this turn, and the kernel had named it already.
    let Some(seat) = seats.get_mut(place).and_then(Option::as_mut) else { return Ok(()) };
    seat.connection.wake();
    match seat.connection.serve(server, scratch) {
        // Dropped, closed, and by that out of the kernel's list.
        None => seats[place] = None,
        Some(interest) if interest == seat.interest => {}
        Some(interest) => {
            seat.interest = interest;
            let flags = match interest {
                Interest::Read => EpollFlags::EPOLLIN,
                Interest::Write => EpollFlags::EPOLLOUT,
                Interest::Nothing => EpollFlags::empty(),
            };
            epoll.modify(seat.connection.as_fd(), &mut EpollEvent::new(flags, place as u64))?;
        }
    }
    Ok(())
}
