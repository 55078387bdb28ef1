//! Four fixed threads, and workers on demand: the notes' other combination. Main accepts; a manager each for receiving,
//! handling and sending makes a thread for every task it is given.
//!
//! ```text
//!   main: accept ──► [ to receive ] ──► receiver-manager ──► thread: read until a request is whole
//!                          ▲                                                │
//!                          │           request-manager  ◄── [ to handle ] ◄─┘
//!                          │                 └──► thread: do the work
//!                          │                                │
//!                          │           sender-manager   ◄── [ to send ] ◄───┘
//!                          └─────────────────┴──► thread: write
//! ```
//!
//! - **Accepts:** the main thread. **Answers:** three threads, one after the other, made for this request alone.
//! - **Waits in:** managers in `pop`; a receiver's thread in `recv(2)`.
//! - **The price:** three threads made and ended per request.
//! - **Differs from `pipeline`:** an idle client holds a thread, but never one that another client needs.

use std::io;
use std::thread::{self, Scope};

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

/// Runs the four threads until the stop.
pub fn run(server: &Server, listener: &Listener) -> io::Result<()> {
    let capacity = server.limits.connections;
    let permits = Semaphore::new(capacity);
    let to_receive: Queue<Job> = Queue::new(capacity);
    let to_handle: Queue<(Job, Request)> = Queue::new(capacity);
    let to_send: Queue<(Job, Answer)> = Queue::new(capacity);
    thread::scope(|scope| {
        let (to_receive, to_handle, to_send) = (&to_receive, &to_handle, &to_send);
        let receiver = || {
            keep_working(scope, server, "receiver-manager".into(), move || {
                while let Some(mut job) = to_receive.pop() {
                    delegate(scope, server, "receiver", move || {
                        let client = job.connection.client();
                        server.trace.record(Event::Hold, Some(&client));
                        let received = job.connection.next_request();
                        server.trace.record(Event::Release, Some(&client));
                        match received {
                            Ok(Some(request)) => drop(to_handle.push((job, request))),
                            Ok(None) => server.log_disconnect(&client, Ok(())),
                            Err(error) => server.log_disconnect(&client, Err(error)),
                        }
                    });
                }
            })
        };
        let handler = || {
            keep_working(scope, server, "request-manager".into(), move || {
                while let Some((job, request)) = to_handle.pop() {
                    delegate(scope, server, "handler", move || {
                        let answer = server.handle(&job.connection.client(), request);
                        drop(to_send.push((job, answer)));
                    });
                }
            })
        };
        let sender = || {
            keep_working(scope, server, "sender-manager".into(), move || {
                while let Some((mut job, answer)) = to_send.pop() {
                    delegate(scope, server, "sender", move || {
                        job.connection.answer(answer);
                        match job.connection.flush() {
                            Ok(()) => drop(to_receive.push(job)),
                            Err(error) => server.log_disconnect(&job.connection.client(), Err(error)),
                        }
                    });
                }
            })
        };
        let spawned = receiver().and_then(|()| handler()).and_then(|()| sender());
        let accepted = spawned.and_then(|()| accept(server, listener, &permits, to_receive));
        server.stop.request();
        permits.wait_until_all_free();
        to_receive.close();
        to_handle.close();
        to_send.close();
        accepted
    })
}

/// Makes a thread for one task. Where there is none left the task is dropped, and its connection with it.
fn delegate<'scope>(
    scope: &'scope Scope<'scope, '_>,
    server: &Server,
    role: &str,
    task: impl FnOnce() + Send + 'scope,
) {
    if let Err(error) = thread::Builder::new().name(role.to_owned()).spawn_scoped(scope, task) {
        server.counters.refused.count();
        tracing::warn!("a client is hung up on: no thread for its {role}: {error}");
    }
}

fn accept<'a>(
    server: &Server,
    listener: &Listener,
    permits: &'a Semaphore,
    to_receive: &Queue<Job<'a>>,
) -> io::Result<()> {
    loop {
        let place = permits.take();
        let Some((stream, client)) = server.next_client(listener)? else { return Ok(()) };
        match Blocking::open(server, stream, client) {
            Ok(connection) => drop(to_receive.push(Job { connection, _permit: place })),
            Err(error) => server.log_disconnect(&client, Err(error)),
        }
    }
}
