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
//! the answer, and then the answer. The notes' client reads byte by byte and finds the ends of messages itself.
//!
//! **A player that does not read** is disconnected when [`OUTBOX_LIMIT`] bytes wait: answers go through the outbox, and an answer cannot
//! be skipped. No other player waits for it; the name is free when the driver has dropped the connection.

mod race;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::guessword::wire::{Incoming, Notice, Request, Requests, Response};
use common::core::input::Input;
use common::core::limits::Timeouts;
use common::core::outbox::{Outbox, OutboxLimit, WhenFull};
use common::core::service::{Answer, Decoded, Memory, Peer, Protocol, RequestCost, Service};

use crate::guessword::game::{Game, PlayerId, Refused};

/// Most bytes that wait for one player: some four thousand notifications, or one answer with the most scores.
pub const OUTBOX_LIMIT: usize = 256 * 1024;

/// The game as a service.
#[derive(Default)]
pub struct GuessService {
    game: Mutex<SharedGame>,
    /// How long the lock is let go between check and act; `None` in a right server.
    pub(super) race: Option<Duration>,
}

/// What the one lock guards: the game, and an outbox for every connected client.
#[derive(Default)]
pub(super) struct SharedGame {
    pub(super) game: Game,
    outboxes: BTreeMap<PlayerId, Outbox>,
}

impl GuessService {
    /// A game without players. With `race` its guesses are checked and scored under two locks, so far apart: see
    /// [`Game::judge`].
    pub fn new(race: Option<Duration>) -> GuessService {
        GuessService { race, ..GuessService::default() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, SharedGame> {
        // A panic while it was held is answered for by whoever panicked; the game is whole after every step.
        self.game.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service for GuessService {
    type Request = Incoming;

    fn name(&self) -> &'static str {
        "guessword"
    }

    fn memory(&self) -> Memory {
        Memory::Shared
    }

    fn request_cost(&self) -> RequestCost {
        if self.race.is_some() { RequestCost::Slow } else { RequestCost::Quick }
    }

    /// A player may watch for hours and say nothing.
    fn timeouts(&self, server: Timeouts) -> Timeouts {
        server.for_silent_clients()
    }

    fn protocol(&self) -> impl Protocol<Request = Incoming> {
        Frames(Requests::default())
    }

    fn outbox(&self) -> Option<OutboxLimit> {
        Some(OutboxLimit { bytes: OUTBOX_LIMIT, when_full: WhenFull::Disconnect })
    }

    fn arrive(&self, peer: &Peer, outbox: &Outbox) {
        self.lock().outboxes.insert(PlayerId(peer.id.0), outbox.clone());
    }

    fn leave(&self, peer: &Peer) {
        let mut shared = self.lock();
        let id = PlayerId(peer.id.0);
        shared.outboxes.remove(&id);
        if let Some(notice) = shared.game.leave(id) {
            shared.tell_everybody(notice);
        }
    }

    fn handle(&self, peer: &Peer, incoming: Incoming) -> Answer {
        match incoming {
            Incoming::Nothing => {}
            Incoming::Request(Request::Guess(Some(letter))) if self.race.is_some() => {
                self.guess_racing(peer, letter);
            }
            Incoming::Request(request) => self.lock().play(peer, &request),
            Incoming::Unknown => self.lock().answer(peer, &Response::Unknown),
        }
        // The answer is in the outbox, in its place among the notifications.
        Answer::nothing()
    }
}

impl SharedGame {
    /// One request: the game decides, everybody is told what happened, and then the one who asked.
    fn play(&mut self, peer: &Peer, request: &Request) {
        let Some(id) = self.player(peer) else { return };
        let joined = self.game.has(id);
        let response = match request {
            Request::Join(name) => {
                let name = name.as_deref().unwrap_or_default();
                let done = self.game.join(id, name);
                Response::Join(self.happened(peer, done))
            }
            _ if !joined => Response::NotJoined,
            Request::State => Response::State(self.game.progress()),
            Request::Scores => Response::Scores(self.game.scores()),
            Request::Guess(letter) => {
                let done = letter.ok_or(Refused::NotALetter).and_then(|letter| self.game.guess(id, letter));
                Response::Guess(self.happened(peer, done))
            }
            Request::Propose(word) => {
                let done = self.game.propose(id, word.as_deref().unwrap_or_default());
                Response::Propose(self.happened(peer, done))
            }
        };
        self.answer(peer, &response);
    }

    /// The player of this connection; `None` when it has left, and this is a late request of it.
    pub(super) fn player(&self, peer: &Peer) -> Option<PlayerId> {
        let id = PlayerId(peer.id.0);
        self.outboxes.contains_key(&id).then_some(id)
    }

    /// Whether the game did it; then everybody is told, and otherwise the log.
    pub(super) fn happened(&mut self, peer: &Peer, done: Result<Notice, Refused>) -> bool {
        match done {
            Ok(notice) => {
                tracing::info!("{notice}");
                self.tell_everybody(notice);
                true
            }
            Err(refused) => {
                tracing::debug!("{peer} is refused: {refused}");
                false
            }
        }
    }

    /// Into the outbox of every player, encoded once.
    fn tell_everybody(&mut self, notice: Notice) {
        let bytes: Arc<[u8]> = Response::Notice(notice).encode().into();
        for (_, outbox) in self.outboxes.iter().filter(|(player, _)| self.game.has(**player)) {
            let _ = outbox.push(Arc::clone(&bytes)); // it is full: its driver disconnects the player
        }
    }

    pub(super) fn answer(&mut self, peer: &Peer, response: &Response) {
        if let Some(outbox) = self.outboxes.get(&PlayerId(peer.id.0)) {
            let _ = outbox.push(response.encode().into());
        }
    }
}

/// Frames as they come.
struct Frames(Requests);

impl Protocol for Frames {
    type Request = Incoming;

    fn decode(&mut self, input: &mut Input) -> Decoded<Incoming> {
        match self.0.decode(input.bytes()) {
            Ok(Some((incoming, length))) => {
                input.skip(length);
                Decoded::Request(incoming)
            }
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
