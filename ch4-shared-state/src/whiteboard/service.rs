//! The whiteboard as a service: two rooms, everybody who is connected, one lock around all of it.
//!
//! One lock, so that all users are told of all changes in one order. What is done under it takes microseconds, and nothing
//! under it waits for a user: to push is to leave bytes in an outbox. All that a room says goes through the outboxes, also
//! to who has asked: answers would overtake what was pushed before them, or be overtaken.
//!
//! Not done: fair shares. Nobody's rate is limited, so one user who floods a room can make a slow one be hung up on; they
//! come again and have the whole canvas.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use common::core::limits::Timeouts;
use common::core::outbox::{Outbox, OutboxLimit, WhenFull};
use common::core::service::{Answer, Memory, Peer, PeerId, Protocol, Service};
use common::core::timer::Timer;
use common::protocol::http::RequestHead;
use tungstenite::protocol::frame::coding::CloseCode;

use super::clock::Replica;
use super::http::{self, Reply};
use super::protocol::{self, FromBrowser};
use super::room::{Delivery, Policy, Room, TAKEN};
use super::visitors::Visitors;
use super::websocket::{Incoming, WebSocket, close, pong};

/// The least outbox, bytes: a welcome with every pixel painted fits.
pub const LEAST_OUTBOX: usize = 320 * 1024;

/// Both rooms.
pub struct WhiteboardService {
    state: Mutex<State>,
    names: Vec<String>,
    outbox_bytes: usize,
    ping: Duration,
}

struct State {
    rooms: [Room; 2],
    visitors: Visitors,
    /// When the next signs of life are asked for.
    next_ping: Option<Instant>,
}

impl WhiteboardService {
    /// Two empty rooms. `names`: this machine's, besides its addresses; `outbox_bytes`: how much may wait for a slow user;
    /// `ping`: how often a sign of life is asked for.
    #[must_use]
    pub fn new(names: Vec<String>, outbox_bytes: usize, ping: Duration) -> WhiteboardService {
        let rooms = Policy::ALL.map(|policy| Room::new(policy, now_ms()));
        let state = State { rooms, visitors: Visitors::default(), next_ping: None };
        WhiteboardService { state: Mutex::new(state), names, outbox_bytes, ping }
    }

    fn head(&self, client: &Peer, head: &RequestHead) -> Answer {
        match http::reply(head, &self.names) {
            Reply::Last(bytes) => Answer::last(bytes),
            Reply::Upgrade(room, bytes) => {
                lock(&self.state).visitors.upgrade(client.id, room);
                Answer::new(bytes)
            }
        }
    }
}

impl Service for WhiteboardService {
    type Request = Incoming;

    fn name(&self) -> &'static str {
        "whiteboard"
    }

    fn memory(&self) -> Memory {
        Memory::Shared
    }

    fn protocol(&self) -> impl Protocol<Request = Incoming> {
        WebSocket::default()
    }

    /// A silent page is asked for a sign of life, which is better than a limit.
    fn timeouts(&self, server: Timeouts) -> Timeouts {
        server.for_silent_clients()
    }

    fn handle(&self, client: &Peer, incoming: Incoming) -> Answer {
        let room = lock(&self.state).visitors.sign(client.id, Instant::now());
        match incoming {
            Incoming::Head(head) => self.head(client, &head),
            Incoming::Ping(payload) => Answer::new(pong(payload)),
            Incoming::Pong => Answer::nothing(),
            Incoming::Close(code) => Answer::last(close(code.unwrap_or(CloseCode::Normal), "")), // its own code
            Incoming::Text(text) => match (FromBrowser::parse(&text), room) {
                (Ok(message), Some(room)) => {
                    lock(&self.state).hear(room, client.id, message, now_ms());
                    Answer::nothing()
                }
                (Err(error), _) => {
                    tracing::info!("client {client}: {error}");
                    Answer::last(close(CloseCode::Policy, &error.to_string()))
                }
                (_, None) => Answer::last(Vec::new()), // gone meanwhile
            },
        }
    }

    fn outbox(&self) -> Option<OutboxLimit> {
        // Skip: what to do with who is slow we decide ourselves, because we have a word to say to them.
        Some(OutboxLimit { bytes: self.outbox_bytes, when_full: WhenFull::Skip })
    }

    fn start(&self, timer: &Timer) {
        lock(&self.state).next_ping = Some(Instant::now() + self.ping);
        timer.arm();
    }

    fn deadline(&self) -> Option<Instant> {
        lock(&self.state).next_ping
    }

    fn handle_timeout(&self, now: Instant) {
        let mut state = lock(&self.state);
        state.next_ping = Some(now + self.ping);
        state.visitors.look_around(now, self.ping);
    }

    fn arrive(&self, client: &Peer, outbox: &Outbox) {
        lock(&self.state).visitors.arrive(*client, outbox.clone(), Instant::now());
    }

    fn stop(&self) {
        lock(&self.state).visitors.say_goodbye();
    }

    fn leave(&self, client: &Peer) {
        let mut state = lock(&self.state);
        if let Some(room) = state.visitors.leave(client.id) {
            state.in_room(room, |room| room.leave(client.id));
        }
    }
}

impl State {
    fn hear(&mut self, policy: Policy, from: PeerId, mut message: FromBrowser, now_ms: u64) {
        // A page has one number in both rooms. What is theirs in one, nobody may take in the other before they are there.
        if let FromBrowser::Hello { replica, key, .. } = &message
            && self.rooms.iter().any(|room| room.is_taken(*replica, key))
        {
            return self.visitors.deliver(&[], vec![Delivery::Dismiss(from, TAKEN.to_owned())]);
        }
        if let FromBrowser::Hello { name, replica, .. } = &mut message {
            *name = self.free_name(name, *replica);
        }
        self.in_room(policy, |room| room.hear(from, message, now_ms));
    }

    /// The name, or with a number behind it when somebody else has it: in either room, because a page has one name for both.
    fn free_name(&self, name: &str, replica: Replica) -> String {
        let is_free = |name: &str| !self.rooms.iter().any(|room| room.has_other(name, replica));
        let numbered = (2..).map(|number| protocol::numbered(name, number));
        let mut names = std::iter::once(name.to_owned()).chain(numbered);
        names.find(|name| is_free(name)).expect("a room has no more people than there are numbers")
    }

    fn in_room(&mut self, policy: Policy, act: impl FnOnce(&mut Room) -> Vec<Delivery>) {
        let room = &mut self.rooms[policy as usize];
        let deliveries = act(room);
        let people: Vec<PeerId> = room.people().collect();
        self.visitors.deliver(&people, deliveries);
    }
}

/// The server's wall clock, milliseconds since 1970.
fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // A panic while it was held ended one conversation; the canvas is whole after every single write.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
