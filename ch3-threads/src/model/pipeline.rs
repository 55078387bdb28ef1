//! Receivers, handlers and senders: three groups of threads and three queues between them (the notes, "Combining
//! thread-per-socket and thread-per-request").
//!
//! ```text
//!   main: accept
//!           │
//!           ▼
//!    [ connections ] ──► receiver-0…7: read until a request is whole
//!           ▲                          │
//!           │                          ▼
//!           │                     [ requests ] ──► handler-0…7: do the work
//!           │                                              │
//!           │                                              ▼
//!           └──────── sender-0…7: write ◄────────── [ responses ]
//! ```
//!
//! - **Accepts:** the main thread. **Answers:** one thread of each group.
//! - **Waits in:** receivers in `recv(2)`, senders in `send(2)`, handlers in their work; all of them in `pop`.
//! - **The price:** three hand-overs per request, each a context switch; an idle client holds a receiver.
//! - **Differs from `thread-pool`:** reading, working and writing are told apart, so that a slow client takes no handler
//!   and a slow request no receiver: each group is as large as its kind of work needs.

use std::io;
use std::thread;

use common::core::connection::Blocking;
use common::core::listener::Listener;
use common::core::queue::Queue;
use common::core::server::Server;
use common::core::service::{Answer, Request};
use common::core::trace::Event;

use super::keep_working;
use super::semaphore::{Permit, Semaphore};

/// A connection on its way round, and its place.
struct Job<'a> {
    connection: Blocking,
    _permit: Permit<'a>,
}

/// Runs `workers` threads of each kind until the stop.
pub fn run(server: &Server, listener: &Listener, workers: usize) -> io::Result<()> {
    let capacity = server.limits.connections;
    let permits = Semaphore::new(capacity);
    let connections: Queue<Job> = Queue::new(capacity);
    let requests: Queue<(Job, Request)> = Queue::new(capacity);
    let responses: Queue<(Job, Answer)> = Queue::new(capacity);
    thread::scope(|scope| {
        let (connections, requests, responses) = (&connections, &requests, &responses);
        let spawned = (0..workers).try_for_each(|number| {
            keep_working(scope, server, format!("receiver-{number}"), move || {
                while let Some(mut job) = connections.pop() {
                    let client = job.connection.client();
                    server.trace.record(Event::Hold, Some(&client));
                    let received = job.connection.next_request();
                    server.trace.record(Event::Release, Some(&client));
                    match received {
                        // A push into a closed queue gives back what was pushed; dropped, the connection is closed.
                        Ok(Some(request)) => drop(requests.push((job, request))),
                        Ok(None) => server.log_disconnect(&client, Ok(())),
                        Err(error) => server.log_disconnect(&client, Err(error)),
                    }
                }
            })?;
            keep_working(scope, server, format!("handler-{number}"), move || {
                while let Some((job, request)) = requests.pop() {
                    let answer = server.handle(&job.connection.client(), request);
                    drop(responses.push((job, answer)));
                }
            })?;
            keep_working(scope, server, format!("sender-{number}"), move || {
                while let Some((mut job, answer)) = responses.pop() {
                    job.connection.answer(answer);
                    match job.connection.flush() {
                        Ok(()) => drop(connections.push(job)),
                        Err(error) => server.log_disconnect(&job.connection.client(), Err(error)),
                    }
                }
            })
        });
        let accepted = spawned.and_then(|()| accept(server, listener, &permits, connections));
        // After the stop no connection waits for its client any more, so all of them come to their end.
        server.stop.request();
        permits.wait_until_all_free();
        connections.close();
        requests.close();
        responses.close();
        accepted
    })
}

fn accept<'a>(
    server: &Server,
    listener: &Listener,
    permits: &'a Semaphore,
    connections: &Queue<Job<'a>>,
) -> io::Result<()> {
    loop {
        let place = permits.take();
        let Some((stream, client)) = server.next_client(listener)? else { return Ok(()) };
        match Blocking::open(server, stream, client) {
            Ok(connection) => drop(connections.push(Job { connection, _permit: place })),
            Err(error) => server.log_disconnect(&client, Err(error)),
        }
    }
}
