//! The game as a service: one lock, and an outbox for every connection.
//!
//! ```text
//!   B:e;  ──► handle ──► lock ──► Game::guess ──► Ok(Notice) ──► e:…;  into every player's outbox  ─┐ still under
//!                                                            └─► b:1;  into the guesser's outbox   ─┘ the lock
//! ```
//!
//! **The pushes are made under the lock.** Made after it, two notifications could overtake each other, in one player's
//! connection and not in another's: players would see the game happen in different orders. Under it, the order of the lock is the order
//! of every outbox. It is cheap because [`Outbox::push`] never waits for anybody: it appends shared bytes to a queue and calls the
//! connection's driver. The price is that a notification to ten thousand players holds the game for as long as ten thousand
//! appends take, about a millisecond.
//!
//! **The answer takes the same way**, behind the notification that it caused. So what a player reads is the history of the game up to
//! the answer, and then the answer. The notes' client needs exactly that order, each message in a segment of its own
//! ([`Departure::OneByOne`]), and some time between the two ([`spacing`](crate::spacing)).
//!
//! **A player who does not read** is hung up on when [`OUTBOX_LIMIT`] bytes wait: answers go through the outbox, and an answer cannot be
//! skipped. Nobody waits for that player; the name is free when the driver has dropped the connection.

mod race;
mod seat;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::guessword::wire::{Incoming, Notice, REQUEST_LIMIT, Request, Requests, Response};
use common::core::input::Input;
use common::core::outbox::{Outbox, OutboxLimit, WhenFull};
use common::core::service::{
    Answer, Decoded, Departure, Memory, Peer, Protocol, Request as Bytes, RequestCost, Service,
};
use common::protocol::textframe::Decoder;

use crate::guessword::game::{Game, PlayerId, Refused};
use crate::spacing::Spacing;
use seat::{Kind, Seat};

/// Most bytes that wait for one player: some four thousand notifications, or one answer with the most scores.
pub const OUTBOX_LIMIT: usize = 256 * 1024;

/// The game as a service.
#[derive(Default)]
pub struct GuessService {
    table: Mutex<Table>,
    /// How long the lock is let go between check and act; `None` in a right server.
    pub(super) race: Option<Duration>,
    spacing: Spacing,
}

/// What the one lock guards: the game, and who sits at it.
#[derive(Default)]
pub(super) struct Table {
    pub(super) game: Game,
    seats: BTreeMap<PlayerId, Seat>,
}

impl GuessService {
    /// A game without players. With `race` its guesses are checked and scored under two locks, so far apart: see
    /// [`Game::judge`]. `gap` is kept between messages for the notes' clients: see [`spacing`](crate::spacing); zero is none.
    pub fn new(race: Option<Duration>, gap: Duration) -> GuessService {
        GuessService { race, spacing: Spacing::new(gap), ..GuessService::default() }
    }

    pub(super) fn table(&self) -> MutexGuard<'_, Table> {
        // A panic while it was held is answered for by whoever panicked; the game is whole after every step.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service for GuessService {
    fn name(&self) -> &'static str {
        "guessword"
    }

    fn memory(&self) -> Memory {
        Memory::Shared
    }

    fn request_cost(&self) -> RequestCost {
        if self.race.is_some() { RequestCost::Slow } else { RequestCost::Quick }
    }

    fn departure(&self) -> Departure {
        Departure::OneByOne
    }

    fn protocol(&self) -> Box<dyn Protocol> {
        Box::new(Frames(Decoder::new(REQUEST_LIMIT)))
    }

    fn outbox(&self) -> Option<OutboxLimit> {
        Some(OutboxLimit { bytes: OUTBOX_LIMIT, when_full: WhenFull::Disconnect })
    }

    fn arrive(&self, client: &Peer, outbox: &Outbox) {
        let seat = Seat::new(self.spacing.of(outbox.clone()));
        self.table().seats.insert(PlayerId(client.id.0), seat);
    }

    fn leave(&self, client: &Peer) {
        let mut table = self.table();
        let id = PlayerId(client.id.0);
        table.seats.remove(&id);
        if let Some(notice) = table.game.leave(id) {
            table.tell_everybody(notice);
        }
    }

    fn handle(&self, client: &Peer, request: Bytes) -> Answer {
        match Requests::default().decode(&request.0) {
            Ok(Some((Incoming::Nothing, _))) => {}
            Ok(Some((Incoming::Request(Request::Guess(Some(letter))), _))) if self.race.is_some() => {
                self.guess_racing(client, letter);
            }
            Ok(Some((Incoming::Request(request), _))) => self.table().play(client, &request),
            // Of what is no frame the protocol has made no request, so the rest of the arms is one case: unknown.
            Ok(Some((Incoming::Unknown, _)) | None) | Err(_) => {
                self.table().answer(client, &Response::Unknown);
            }
        }
        // The answer is in the outbox, in its place among the notifications.
        Answer::new(Vec::new())
    }
}

impl Table {
    /// One request: the game decides, everybody is told what happened, and then the one who asked.
    fn play(&mut self, client: &Peer, request: &Request) {
        let Some(id) = self.player(client) else { return };
        let joined = self.game.has(id);
        if let (Request::Scores, Some(seat)) = (request, self.seats.get_mut(&id)) {
            seat.finds_frames(); // the notes' client does not know this request
        }
        let response = match request {
            Request::Join(name) => {
                let name = name.as_deref().unwrap_or_default();
                let done = self.game.join(id, name);
                Response::Join(self.happened(client, done))
            }
            _ if !joined => Response::NotJoined,
            Request::State => Response::State(self.game.progress()),
            Request::Scores => Response::Scores(self.game.scores()),
            Request::Guess(letter) => {
                let done = letter.ok_or(Refused::NotALetter).and_then(|letter| self.game.guess(id, letter));
                Response::Guess(self.happened(client, done))
            }
            Request::Propose(word) => {
                let done = self.game.propose(id, word.as_deref().unwrap_or_default());
                Response::Propose(self.happened(client, done))
            }
        };
        self.answer(client, &response);
    }

    /// The player that sits behind this connection; none when it has left, and this is a late request of it.
    pub(super) fn player(&self, client: &Peer) -> Option<PlayerId> {
        let id = PlayerId(client.id.0);
        self.seats.contains_key(&id).then_some(id)
    }

    /// Whether the game did it; then everybody is told, and otherwise the log.
    pub(super) fn happened(&mut self, client: &Peer, done: Result<Notice, Refused>) -> bool {
        match done {
            Ok(notice) => {
                tracing::info!("{notice}");
                self.tell_everybody(notice);
                true
            }
            Err(refused) => {
                tracing::debug!("{client} is refused: {refused}");
                false
            }
        }
    }

    /// Into the outbox of every player, encoded once.
    fn tell_everybody(&mut self, notice: Notice) {
        let bytes: Arc<[u8]> = Response::Notice(notice).encode().into();
        for (_, seat) in self.seats.iter_mut().filter(|(player, _)| self.game.has(**player)) {
            seat.push(Arc::clone(&bytes), Kind::Notice);
        }
    }

    pub(super) fn answer(&mut self, client: &Peer, response: &Response) {
        if let Some(seat) = self.seats.get_mut(&PlayerId(client.id.0)) {
            seat.push(response.encode().into(), Kind::Answer);
        }
    }
}

/// A request is a frame, with its `;`.
struct Frames(Decoder);

impl Protocol for Frames {
    fn decode(&mut self, input: &mut Input) -> Decoded {
        match self.0.decode(input.bytes()).map(|found| found.map(|(_, consumed)| consumed)) {
            Ok(Some(consumed)) => Decoded::Request(Bytes(input.take(consumed))),
            Ok(None) => Decoded::Incomplete,
            Err(_) => Decoded::Malformed {
                answer: Response::Unknown.encode(),
                why: "no end of the frame within the limit",
            },
        }
    }
}

#[cfg(test)]
mod tests;
