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
use common::core::listener::Door;
use common::core::queue::Queue;
use common::core::server::Server;
use common::core::service::{Answer, Request};
use common::core::trace::Event;

use super::keep_working;
use super::places::{Place, Places};

/// A connection on its way round, and its place.
struct Traveller<'a> {
    connection: Blocking,
    _place: Place<'a>,
}

/// Runs the four threads until the stop.
pub fn run(server: &Server, door: &Door) -> io::Result<()> {
    let capacity = server.limits.connections;
    let places = Places::new(capacity);
    let to_receive: Queue<Traveller> = Queue::new(capacity);
    let to_handle: Queue<(Traveller, Request)> = Queue::new(capacity);
    let to_send: Queue<(Traveller, Answer)> = Queue::new(capacity);
    thread::scope(|scope| {
        let (to_receive, to_handle, to_send) = (&to_receive, &to_handle, &to_send);
        let receiver = || {
            keep_working(scope, server, "receiver-manager".into(), move || {
                while let Some(mut traveller) = to_receive.pop() {
                    delegate(scope, server, "receiver", move || {
                        let client = traveller.connection.client();
                        server.journal.record(Event::Hold, Some(&client));
                        let received = traveller.connection.next_request();
                        server.journal.record(Event::Release, Some(&client));
                        match received {
                            Ok(Some(request)) => drop(to_handle.push((traveller, request))),
                            Ok(None) => server.farewell(&client, Ok(())),
                            Err(error) => server.farewell(&client, Err(error)),
                        }
                    });
                }
            })
        };
        let handler = || {
            keep_working(scope, server, "request-manager".into(), move || {
                while let Some((traveller, request)) = to_handle.pop() {
                    delegate(scope, server, "handler", move || {
                        let answer = server.handle(&traveller.connection.client(), request);
                        drop(to_send.push((traveller, answer)));
                    });
                }
            })
        };
        let sender = || {
            keep_working(scope, server, "sender-manager".into(), move || {
                while let Some((mut traveller, answer)) = to_send.pop() {
                    delegate(scope, server, "sender", move || {
                        traveller.connection.answer(answer);
                        match traveller.connection.flush() {
                            Ok(()) => drop(to_receive.push(traveller)),
                            Err(error) => server.farewell(&traveller.connection.client(), Err(error)),
                        }
                    });
                }
            })
        };
        let hired = receiver().and_then(|()| handler()).and_then(|()| sender());
        let accepted = hired.and_then(|()| accept(server, door, &places, to_receive));
        server.stop.request();
        places.wait_until_all_free();
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
        server.meters.refused.count();
        tracing::warn!("a client is hung up on: no thread for its {role}: {error}");
    }
}

fn accept<'a>(
    server: &Server,
    door: &Door,
    places: &'a Places,
    to_receive: &Queue<Traveller<'a>>,
) -> io::Result<()> {
    loop {
        let place = places.take();
        let Some((stream, client)) = server.next_client(door)? else { return Ok(()) };
        match Blocking::open(server, stream, client) {
            Ok(connection) => drop(to_receive.push(Traveller { connection, _place: place })),
            Err(error) => server.farewell(&client, Err(error)),
        }
    }
}
