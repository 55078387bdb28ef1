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

/// Runs `workers` threads of each kind until the stop.
pub fn run(server: &Server, door: &Door, workers: usize) -> io::Result<()> {
    let capacity = server.limits.connections;
    let places = Places::new(capacity);
    let connections: Queue<Traveller> = Queue::new(capacity);
    let requests: Queue<(Traveller, Request)> = Queue::new(capacity);
    let responses: Queue<(Traveller, Answer)> = Queue::new(capacity);
    thread::scope(|scope| {
        let (connections, requests, responses) = (&connections, &requests, &responses);
        let hired = (0..workers).try_for_each(|number| {
            keep_working(scope, server, format!("receiver-{number}"), move || {
                while let Some(mut traveller) = connections.pop() {
                    let client = traveller.connection.client();
                    server.journal.record(Event::Hold, Some(&client));
                    let received = traveller.connection.next_request();
                    server.journal.record(Event::Release, Some(&client));
                    match received {
                        // A push into a closed queue gives back what was pushed; dropped, the connection is closed.
                        Ok(Some(request)) => drop(requests.push((traveller, request))),
                        Ok(None) => server.farewell(&client, Ok(())),
                        Err(error) => server.farewell(&client, Err(error)),
                    }
                }
            })?;
            keep_working(scope, server, format!("handler-{number}"), move || {
                while let Some((traveller, request)) = requests.pop() {
                    let answer = server.handle(&traveller.connection.client(), request);
                    drop(responses.push((traveller, answer)));
                }
            })?;
            keep_working(scope, server, format!("sender-{number}"), move || {
                while let Some((mut traveller, answer)) = responses.pop() {
                    traveller.connection.answer(answer);
                    match traveller.connection.flush() {
                        Ok(()) => drop(connections.push(traveller)),
                        Err(error) => server.farewell(&traveller.connection.client(), Err(error)),
                    }
                }
            })
        });
        let accepted = hired.and_then(|()| accept(server, door, &places, connections));
        // After the stop no connection waits for its client any more, so all of them come to their end.
        server.stop.request();
        places.wait_until_all_free();
        connections.close();
        requests.close();
        responses.close();
        accepted
    })
}

fn accept<'a>(
    server: &Server,
    door: &Door,
    places: &'a Places,
    connections: &Queue<Traveller<'a>>,
) -> io::Result<()> {
    loop {
        let place = places.take();
        let Some((stream, client)) = server.next_client(door)? else { return Ok(()) };
        match Blocking::open(server, stream, client) {
            Ok(connection) => drop(connections.push(Traveller { connection, _place: place })),
            Err(error) => server.farewell(&client, Err(error)),
        }
    }
}
