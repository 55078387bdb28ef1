//! The board as a service: one lock around the log and the list of those who are connected.
//!
//! ```text
//!   1:…;  ──► lock ─► log.publish ─► 7:; to every outbox ─► unlock ──► 0:;
//!   2:;   ──► lock ─► log.since(next), next = behind it ──► unlock ──► 1:…;     made once for all who are as far
//! ```
//!
//! **No message twice, none missed.** Each connection remembers the next id it wants. Whoever asks is given everything from there
//! on and the id moves behind it, in one step under the lock; a notification only says that asking is worth while.
//!
//! **One order for all** is the order of the lock.
//!
//! **Nobody waits for a slow client.** To push is to append to a queue; see [`WhenFull`] for what happens when it is long:
//!
//! - [`WhenFull::Skip`]: one notification waits for a client and stands for all that would follow it ([`Kind::Reminder`]). A client
//!   that sleeps for an hour and wakes finds one `7:;` and gets everything with one `2:;`.
//! - [`WhenFull::Disconnect`]: a notification for each message, and whoever has [`OUTBOX_BYTES`] of them waiting is hung up on. It comes
//!   again, and gets the board from its beginning. That is not at the 21 845th: before any has to wait here, the kernel's buffers, the
//!   client's and ours, are full, and the conversation's output holds as many bytes again.
//!
//! Under both, whoever takes no byte of an answer for `--stall` is hung up on.
//!
//! **Rounds.** Under hundreds of messages a second not each is worth a notification to everybody: see [`Pace`]. The publisher hears of
//! its own message at once even so. A thread of the service ([`notify_when_due`](NotificationService::notify_when_due)) makes up for
//! the rounds that were too early.
//!
//! **The notes' client** takes one `recv` for one message. So a notification leaves in a segment of its own
//! ([`Departure::PushesApart`]), and before the acknowledgement of the message that caused it; and there is some time between any two
//! messages ([`spacing`](crate::spacing)), as long as a client does nothing that the notes' would not ([`habit`](super::habit)). Its
//! answers then take the way of the notifications, behind them and behind each other.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::notification::wire::{BAD_FORMAT, NOTIFY, PUBLISHED, Request, Requests};
use common::board::Limits;
use common::core::input::Input;
use common::core::outbox::{Kind, Outbox, OutboxLimit, Push, WhenFull};
use common::core::service::{
    Answer, Body, Decoded, Departure, Memory, Peer, PeerId, Protocol, Request as Bytes, Service,
};

use super::habit::Asks;
use super::log::{Log, News, Response};
use super::pace::Pace;
use super::subscriber::Subscriber;
use crate::spacing::Spacing;

/// Most bytes of notifications that wait for one client, unless [told otherwise](NotificationService::with_outbox): some twenty
/// thousand notifications.
pub const OUTBOX_BYTES: usize = 64 * 1024;

/// With so many messages to announce a round is worth its price, however early it is.
const ENOUGH: u32 = 32;

/// The board as a service.
pub struct NotificationService {
    state: Mutex<State>,
    /// A round has become due, or the service has ended.
    changed: Condvar,
    outbox: OutboxLimit,
    spacing: Spacing,
}

/// What the one lock guards.
struct State {
    log: Log,
    connected: BTreeMap<PeerId, Subscriber>,
    notify: Push,
    pace: Pace,
    /// When the round is to be that was too early; what was published meanwhile waits for it, too.
    due: Option<Instant>,
    /// Messages since the last round.
    unannounced: u32,
    ended: bool,
}

impl NotificationService {
    /// An empty board. With an interval above zero, [`notify_when_due`](NotificationService::notify_when_due) must run. `gap` is
    /// kept between messages for the notes' clients; zero is none.
    #[must_use]
    pub fn new(
        limits: Limits,
        when_full: WhenFull,
        interval: Duration,
        gap: Duration,
    ) -> NotificationService {
        let kind = match when_full {
            WhenFull::Skip => Kind::Reminder,
            WhenFull::Disconnect => Kind::Message,
        };
        let state = State {
            log: Log::new(limits),
            connected: BTreeMap::new(),
            notify: Push { bytes: NOTIFY.into(), kind },
            pace: Pace::new(interval),
            due: None,
            unannounced: 0,
            ended: false,
        };
        let outbox = OutboxLimit { bytes: OUTBOX_BYTES, when_full };
        let spacing = Spacing::new(gap);
        NotificationService { state: Mutex::new(state), changed: Condvar::new(), outbox, spacing }
    }

    /// The same with room for so many bytes of notifications for each client.
    #[must_use]
    pub fn with_outbox(mut self, bytes: usize) -> NotificationService {
        self.outbox.bytes = bytes;
        self
    }

    /// Makes up for rounds that were too early, until [`end`](NotificationService::end). For a thread of its own.
    pub fn notify_when_due(&self) {
        let mut state = self.state();
        while !state.ended {
            state = match state.due {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(due) => {
                    let early = due.saturating_duration_since(Instant::now());
                    let (mut state, _) =
                        self.changed.wait_timeout(state, early).unwrap_or_else(PoisonError::into_inner);
                    // Woken too early, it waits again.
                    state.due = state.pace.take(Instant::now()).err();
                    if state.due.is_none() && state.unannounced > 0 {
                        state.notify_all();
                    }
                    state
                }
            };
        }
    }

    /// No round is made up for any more.
    pub fn end(&self) {
        self.state().ended = true;
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while it was held is answered for by whoever panicked; what it guards is whole after every step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, client: &Peer, text: &[u8]) -> Answer {
        let mut state = self.state();
        state.hear(client, Asks::Publish);
        let published = state.log.publish(text, client.address, SystemTime::now().into());
        let response = match published {
            Ok(_) => {
                self.spread_the_news(&mut state, client);
                PUBLISHED
            }
            Err(_) => BAD_FORMAT, // the protocol has no code for it
        };
        let answer = state.answer(client, response.to_vec().into(), true);
        drop(state);
        if let Err(full) = published {
            tracing::warn!("a message of {client} is refused: {full}");
        }
        answer
    }

    /// A round now, or for now only the publisher: its notification comes before its acknowledgement.
    fn spread_the_news(&self, state: &mut State, publisher: &Peer) {
        state.unannounced += 1;
        if state.unannounced >= ENOUGH {
            return state.notify_all();
        }
        if state.due.is_none() {
            match state.pace.take(Instant::now()) {
                Ok(()) => return state.notify_all(),
                Err(due) => {
                    state.due = Some(due);
                    self.changed.notify_one();
                }
            }
        }
        state.remind(publisher);
    }

    fn news(&self, client: &Peer) -> Answer {
        let mut state = self.state();
        let State { log, connected, .. } = &mut *state;
        // Not there: it has left, and this answer goes nowhere.
        let Some(subscriber) = connected.get_mut(&client.id) else { return Answer::new(Vec::new()) };
        subscriber.asks(Asks::News);
        let from = subscriber.next;
        let News { response, next, more } = log.since(from);
        subscriber.next = next;
        let response = match response {
            Response::Made(response) => response,
            Response::Parts(parts) => {
                drop(state);
                let response = parts.response();
                state = self.state();
                state.log.keep(from, next, more, &response);
                response
            }
        };
        // A notification that has come in between leaves before it, and is of a message that is not in it: so it is asked for.
        let answer = state.answer(client, response.into(), false);
        if more {
            state.remind(client);
        }
        answer
    }

    fn makes_no_sense(&self, client: &Peer, response: &[u8]) -> Answer {
        self.state().hear(client, Asks::Nonsense);
        Answer::new(response.to_vec())
    }
}

impl Service for NotificationService {
    fn name(&self) -> &'static str {
        "notification-board"
    }

    fn memory(&self) -> Memory {
        Memory::Shared
    }

    fn departure(&self) -> Departure {
        Departure::PushesApart
    }

    fn protocol(&self) -> Box<dyn Protocol> {
        Box::new(Frames(Requests::default()))
    }

    fn outbox(&self) -> Option<OutboxLimit> {
        Some(self.outbox)
    }

    fn arrive(&self, client: &Peer, outbox: &Outbox) {
        let subscriber = Subscriber::new(*client, self.spacing.of(outbox.clone()));
        self.state().connected.insert(client.id, subscriber);
    }

    fn leave(&self, client: &Peer) {
        self.state().connected.remove(&client.id);
    }

    fn handle(&self, client: &Peer, request: Bytes) -> Answer {
        match Requests::default().decode(&request.0) {
            Ok(Some((Ok(Request::Publish(text)), _))) => self.publish(client, &text),
            Ok(Some((Ok(Request::Get), _))) => self.news(client),
            Ok(Some((Err(bad), _))) => self.makes_no_sense(client, bad.response()),
            Ok(None) | Err(_) => Answer::last(BAD_FORMAT.to_vec()), // not from our own protocol
        }
    }
}

impl State {
    fn hear(&mut self, client: &Peer, asks: Asks) {
        if let Some(subscriber) = self.connected.get_mut(&client.id) {
            subscriber.asks(asks);
        }
    }

    fn remind(&mut self, client: &Peer) {
        let next = self.log.next_id();
        if let Some(subscriber) = self.connected.get_mut(&client.id) {
            subscriber.remind(&self.notify, next);
        }
    }

    fn answer(&mut self, client: &Peer, response: Body, acknowledges: bool) -> Answer {
        match self.connected.get_mut(&client.id) {
            Some(subscriber) => subscriber.answer(response, acknowledges),
            None => Answer::new(response),
        }
    }

    /// A round: everybody who has neither got the newest message nor was told of it. Under the lock, so that a client which asks
    /// after it was notified finds what it was notified of.
    fn notify_all(&mut self) {
        self.unannounced = 0;
        let next = self.log.next_id();
        for subscriber in self.connected.values_mut() {
            if subscriber.next < next && subscriber.notified < next {
                subscriber.remind(&self.notify, next);
            }
        }
    }
}

/// Frames as they come, handed on whole.
struct Frames(Requests);

impl Protocol for Frames {
    fn decode(&mut self, input: &mut Input) -> Decoded {
        match self.0.length(input.bytes()) {
            Ok(Some(length)) => Decoded::Request(Bytes(input.take(length))),
            Ok(None) => Decoded::Incomplete,
            Err(_) => Decoded::Malformed { answer: BAD_FORMAT.to_vec(), why: "a frame without an end" },
        }
    }
}

#[cfg(test)]
mod tests;
