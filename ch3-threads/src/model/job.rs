//! A connection on its way through the queues of a pipeline, and what its stages do with it.
//!
//! ```text
//!   accept ──► [ jobs ] ──► receive ──► [ jobs ] ──► handle ──► [ jobs ] ──► send ──┐
//!                 ▲─────────────────────────────────────────────────────────────────┘
//! ```
//!
//! The pending request travels inside the connection: it is not decoded twice, and no stage sees it.

use std::io;

use common::core::connection::Blocking;
use common::core::listener::Listener;
use common::core::queue::Queue;
use common::core::server::Server;
use common::core::trace::Event;

use super::semaphore::{Permit, Semaphore};

/// A connection and the permit that it holds.
pub struct Job<'a> {
    pub connection: Blocking,
    _permit: Permit<'a>,
}

/// Accepts connections and puts them into `jobs`, until the stop.
pub fn accept<'a>(
    server: &Server,
    listener: &Listener,
    permits: &'a Semaphore,
    jobs: &Queue<Job<'a>>,
) -> io::Result<()> {
    server.ready();
    loop {
        let permit = permits.take();
        let Some(connected) = server.next_client(listener)? else { return Ok(()) };
        let peer = connected.peer;
        match Blocking::open(server, connected) {
            Ok(connection) => pass_on(Job { connection, _permit: permit }, jobs),
            Err(error) => server.log_disconnect(&peer, Err(error)),
        }
    }
}

/// Reads until a request is whole, then passes the job on to those who handle it.
pub fn receive<'a>(server: &Server, mut job: Job<'a>, to_handle: &Queue<Job<'a>>) {
    let peer = job.connection.peer();
    server.trace.record(Event::Hold, Some(&peer));
    let received = job.connection.next_request();
    server.trace.record(Event::Release, Some(&peer));
    match received {
        Ok(true) => pass_on(job, to_handle),
        Ok(false) => server.log_disconnect(&peer, Ok(())),
        Err(error) => server.log_disconnect(&peer, Err(error)),
    }
}

/// Sends the answer, then passes the job on to those who receive.
pub fn send<'a>(server: &Server, mut job: Job<'a>, to_receive: &Queue<Job<'a>>) {
    match job.connection.flush() {
        Ok(()) => pass_on(job, to_receive),
        Err(error) => server.log_disconnect(&job.connection.peer(), Err(error)),
    }
}

/// A push into a closed queue gives back what was pushed; dropped, the connection is closed.
pub fn pass_on<'a>(job: Job<'a>, to: &Queue<Job<'a>>) {
    drop(to.push(job));
}
