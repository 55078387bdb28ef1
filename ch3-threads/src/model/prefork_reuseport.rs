//! Children forked beforehand, each with a listening socket of its own on the same port (socket(7), `SO_REUSEPORT`).
//!
//! ```text
//!               ┌─ hash of addresses and ports ─┐
//!   client ──►  │ kernel ├──► door 0 ──► child-0: accept ──► converse
//!               └────────┴──► door 1 ──► child-1: accept ──► …
//! ```
//!
//! - **Accepts:** the child to whose socket the kernel's hash sends the connection. **Answers:** the same.
//! - **Waits in:** a child in `accept(2)`, then `recv(2)`; the parent in `poll(2)` for a death.
//! - **The price:** the hash knows nothing of who is busy. A client may wait behind an idle one while other children
//!   have nothing to do.
//! - **Differs from `prefork`:** no shared accept queue to contend for; the spread is even by count, not by load. The
//!   parent keeps every socket open, so that the clients in the queue of a child that died wait for its successor.

use std::io;

use common::core::connection::converse;
use common::core::listener::Door;
use common::core::server::Server;
use common::core::workers::Crew;

/// Keeps `workers` children until the stop. `door` is the first child's; the others are opened beside it.
pub fn run(server: &Server, door: Door, backlog: i32, workers: usize) -> io::Result<()> {
    let address = door.address();
    let mut doors = vec![door];
    while doors.len() < workers {
        doors.push(Door::open(address, backlog, true, server.stop)?);
    }
    let child = |number: usize| {
        let door = &doors[number];
        move || {
            while let Some((stream, client)) = server.next_client(door)? {
                server.meters.worker(number).count();
                converse(server, stream, client);
            }
            Ok(())
        }
    };
    let mut crew = Crew::new(server, "child")?;
    for number in 0..workers {
        crew.hire(number, child(number))?;
    }
    while let Some(dead) = crew.wait_for_death()? {
        crew.replace(dead, child(dead))?;
    }
    crew.dismiss();
    Ok(())
}
