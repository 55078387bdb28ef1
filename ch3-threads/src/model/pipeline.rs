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

use common::core::listener::Listener;
use common::core::queue::Queue;
use common::core::server::Server;

use super::helpers::keep_working;
use super::job::{self, Job};
use super::semaphore::Semaphore;

/// Runs `workers` threads of each kind until the stop.
pub fn run(server: &Server, listener: &Listener, workers: usize) -> io::Result<()> {
    let capacity = server.limits.connections;
    let permits = Semaphore::new(capacity);
    let connections: Queue<Job> = Queue::new(capacity);
    let requests: Queue<Job> = Queue::new(capacity);
    let responses: Queue<Job> = Queue::new(capacity);
    thread::scope(|scope| {
        let (connections, requests, responses) = (&connections, &requests, &responses);
        let spawned = (0..workers).try_for_each(|number| {
            keep_working(scope, server, format!("receiver-{number}"), move || {
                while let Some(job) = connections.pop() {
                    job::receive(server, job, requests);
                }
            })?;
            keep_working(scope, server, format!("handler-{number}"), move || {
                while let Some(mut job) = requests.pop() {
                    job.connection.handle();
                    job::pass_on(job, responses);
                }
            })?;
            keep_working(scope, server, format!("sender-{number}"), move || {
                while let Some(job) = responses.pop() {
                    job::send(server, job, connections);
                }
            })
        });
        let accepted = spawned.and_then(|()| job::accept(server, listener, &permits, connections));
        // After the stop no connection waits for its client any more, so all of them come to their end.
        server.stop.request();
        permits.wait_until_all_free();
        connections.close();
        requests.close();
        responses.close();
        accepted
    })
}
