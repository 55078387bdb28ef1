//! The board as a service: one lock around the log and the list of connected clients.
//!
//! ```text
//!   1:…;  ──► lock ─► log.publish ─► 7:; to every outbox ─► unlock ──► 0:;
//!   2:;   ──► lock ─► log.since(next), next = behind it ──► unlock ──► 1:…;     made once for all that are as far
//! ```
//!
//! **No message twice, none missed.** Each connection remembers the next id it wants. A client that asks is given everything from
//! there on and the id moves behind it, in one step under the lock; a notification only says that asking is worth while.
//!
//! **One order for all** is the order of the lock.
//!
//! **Nobody waits for a slow client.** To push is to append to a queue; see [`WhenFull`] for what happens when it is long:
//!
//! - [`WhenFull::Skip`]: one notification waits for a client and stands for all that would follow it
//!   ([`Push::reminder`]). A client that sleeps for an hour and wakes finds one `7:;` and gets everything with one `2:;`.
//! - [`WhenFull::Disconnect`]: a notification for each message, and a client that has [`OUTBOX_BYTES`] of them waiting is
//!   disconnected. It comes again, and gets the board from its beginning. That is not at the 21 845th: before any has to wait here,
//!   the kernel's buffers, the client's and ours, are full, and the conversation's output holds as many bytes again.
//!
//! Under both, a client that takes no byte of an answer for `--stall` is disconnected.
//!
//! **Rounds.** Under hundreds of messages a second not each is worth a notification to everybody: see [`Pace`]. The publisher hears of
//! its own message at once even so. The service's timer makes up for the rounds that were too early.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use common::board::{Id, Limits};
use common::core::input::Input;
use common::core::limits::Timeouts;
use common::core::outbox::{Outbox, OutboxLimit, Push, WhenFull};
use common::core::service::{Answer, Body, Decoded, Memory, Peer, PeerId, Protocol, Service};
use common::core::timer::Timer;

use super::legacy_pacing::LegacyPacing;
use super::log::{Log, News, NewsResponse};
use super::pace::Pace;
use super::wire::{BAD_FORMAT, Incoming, NOTIFY, PUBLISHED, Request, Requests};

/// Most bytes of notifications that wait for one client, unless [told otherwise](NotificationService::with_outbox): some twenty
/// thousand notifications.
pub const OUTBOX_BYTES: usize = 64 * 1024;

/// With pacing the answers take the way of the notifications: room for the longest ones.
const LEGACY_OUTBOX_BYTES: usize = 4 << 20;

/// With this many messages to announce a round is worth its price, however early it is.
const ENOUGH: u32 = 32;

/// The board as a service.
pub struct NotificationService {
    state: Mutex<BoardState>,
    timer: OnceLock<Timer>,
    outbox: OutboxLimit,
}

/// What the one lock guards.
struct BoardState {
    log: Log,
    connected: BTreeMap<PeerId, Subscriber>,
    notify: Push,
    pace: Pace,
    /// When the round is to be that was too early; what was published meanwhile waits for it, too.
    due: Option<Instant>,
    /// Messages since the last round.
    unannounced: u32,
    legacy: Option<LegacyPacing>,
}

/// A connected client.
struct Subscriber {
    peer: Peer,
    outbox: Outbox,
    /// What it has not got yet begins here.
    next: Id,
    /// It was notified of all before this.
    notified: Id,
    is_full: bool,
}

impl NotificationService {
    /// An empty board. `interval` is how far apart rounds of notifications are in the long run; zero announces each message at once.
    #[must_use]
    pub fn new(limits: Limits, when_full: WhenFull, interval: Duration) -> NotificationService {
        let notify = match when_full {
            WhenFull::Skip => Push::reminder(NOTIFY.into()),
            WhenFull::Disconnect => Push::message(NOTIFY.into()),
        };
        let state = BoardState {
            log: Log::new(limits),
            connected: BTreeMap::new(),
            notify,
            pace: Pace::new(interval),
            due: None,
            unannounced: 0,
            legacy: None,
        };
        let outbox = OutboxLimit { bytes: OUTBOX_BYTES, when_full };
        NotificationService { state: Mutex::new(state), timer: OnceLock::new(), outbox }
    }

    /// The same with room for this many bytes of notifications for each client.
    #[must_use]
    pub fn with_outbox(mut self, bytes: usize) -> NotificationService {
        self.outbox.bytes = bytes;
        self
    }

    /// The same for the notes' clients: see [`legacy_pacing`](super::legacy_pacing).
    #[must_use]
    pub fn with_legacy_clients(mut self, gap: Duration) -> NotificationService {
        self.outbox = OutboxLimit { bytes: LEGACY_OUTBOX_BYTES, when_full: WhenFull::Disconnect };
        self.state.get_mut().unwrap_or_else(PoisonError::into_inner).legacy = Some(LegacyPacing::new(gap));
        self
    }

    fn state(&self) -> MutexGuard<'_, BoardState> {
        // A panic while it was held ended one conversation; what it guards is whole after every step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, peer: &Peer, text: &[u8]) -> Answer {
        let mut state = self.state();
        let published = state.log.publish(text, peer.address.socket_address(), SystemTime::now().into());
        let response = match published {
            Ok(_) => {
                state.announce(peer);
                PUBLISHED
            }
            Err(_) => BAD_FORMAT, // the protocol has no code for it
        };
        let answer = state.answer(peer, response.to_vec().into());
        let is_due = state.due.is_some() || state.legacy.is_some();
        drop(state);
        if is_due {
            self.arm();
        }
        if let Err(full) = published {
            tracing::warn!("a message of {peer} is refused: {full}");
        }
        answer
    }

    fn news(&self, peer: &Peer) -> Answer {
        let mut state = self.state();
        let BoardState { log, connected, legacy, .. } = &mut *state;
        // Not there: it has left, and this answer goes nowhere.
        let Some(subscriber) = connected.get_mut(&peer.id) else { return Answer::nothing() };
        if let Some(legacy) = legacy {
            legacy.asked(peer.id);
        }
        let from = subscriber.next;
        let News { response, next, more } = log.since(from);
        subscriber.next = next;
        let response = match response {
            NewsResponse::Made(response) => response,
            NewsResponse::Parts(parts) => {
                drop(state);
                let response = parts.response();
                state = self.state();
                state.log.keep(from, next, more, &response);
                response
            }
        };
        // A notification that has come in between leaves before it, and is of a message that is not in it: so it is asked for.
        let answer = state.answer(peer, response.into());
        if more {
            state.remind(peer);
        }
        let is_paced = state.legacy.is_some();
        drop(state);
        if is_paced {
            self.arm();
        }
        answer
    }

    fn arm(&self) {
        if let Some(timer) = self.timer.get() {
            timer.arm();
        }
    }
}

impl Service for NotificationService {
    type Request = Incoming;

    fn name(&self) -> &'static str {
        "notification-board"
    }

    fn memory(&self) -> Memory {
        Memory::Shared
    }

    /// A subscriber may listen for hours and say nothing.
    fn timeouts(&self, server: Timeouts) -> Timeouts {
        server.for_silent_clients()
    }

    fn protocol(&self) -> impl Protocol<Request = Incoming> {
        Frames(Requests::default())
    }

    fn outbox(&self) -> Option<OutboxLimit> {
        Some(self.outbox)
    }

    fn start(&self, timer: &Timer) {
        self.timer.get_or_init(|| timer.clone());
    }

    fn deadline(&self) -> Option<Instant> {
        let state = self.state();
        let paced = state.legacy.as_ref().and_then(LegacyPacing::deadline);
        [state.due, paced].into_iter().flatten().min()
    }

    fn handle_timeout(&self, now: Instant) {
        let mut state = self.state();
        if let Some(legacy) = &mut state.legacy {
            legacy.handle_timeout(now);
        }
        if state.due.is_some_and(|due| due <= now) {
            state.due = state.pace.take(now).err();
            if state.due.is_none() && state.unannounced > 0 {
                state.notify_all();
            }
        }
    }

    fn stop(&self) {
        if let Some(legacy) = &mut self.state().legacy {
            legacy.stop();
        }
    }

    fn arrive(&self, peer: &Peer, outbox: &Outbox) {
        let mut state = self.state();
        if let Some(legacy) = &mut state.legacy {
            legacy.arrive(peer.id, outbox.clone(), Instant::now());
        }
        let (next, notified) = (Id(0), Id(0));
        let subscriber = Subscriber { peer: *peer, outbox: outbox.clone(), next, notified, is_full: false };
        state.connected.insert(peer.id, subscriber);
    }

    fn leave(&self, peer: &Peer) {
        let mut state = self.state();
        state.connected.remove(&peer.id);
        if let Some(legacy) = &mut state.legacy {
            legacy.leave(peer.id);
        }
    }

    fn handle(&self, peer: &Peer, incoming: Incoming) -> Answer {
        match incoming {
            Ok(Request::Publish(text)) => self.publish(peer, &text),
            Ok(Request::Get) => self.news(peer),
            Err(bad) => self.state().answer(peer, bad.response().to_vec().into()),
        }
    }
}

impl BoardState {
    /// A round now, or for now only the publisher: its notification comes before its acknowledgement.
    fn announce(&mut self, publisher: &Peer) {
        self.unannounced += 1;
        if self.unannounced >= ENOUGH {
            return self.notify_all();
        }
        if self.due.is_none() {
            match self.pace.take(Instant::now()) {
                Ok(()) => return self.notify_all(),
                Err(due) => self.due = Some(due),
            }
        }
        self.remind(publisher);
    }

    fn remind(&mut self, peer: &Peer) {
        let next = self.log.next_id();
        if let Some(subscriber) = self.connected.get_mut(&peer.id) {
            subscriber.remind(&self.notify, next, self.legacy.as_mut());
        }
    }

    /// A round: every client that has neither got the newest message nor was told of it. Under the lock, so that a client which asks
    /// after it was notified finds what it was notified of.
    fn notify_all(&mut self) {
        self.unannounced = 0;
        let next = self.log.next_id();
        for subscriber in self.connected.values_mut() {
            if subscriber.next < next && subscriber.notified < next {
                subscriber.remind(&self.notify, next, self.legacy.as_mut());
            }
        }
    }

    /// The answer, now or in its turn.
    fn answer(&mut self, peer: &Peer, response: Body) -> Answer {
        match &mut self.legacy {
            None => Answer::new(response),
            Some(legacy) => {
                legacy.send(peer.id, response.into_bytes().into(), Instant::now());
                Answer::nothing()
            }
        }
    }
}

impl Subscriber {
    /// Tells it that there is something before `next`.
    fn remind(&mut self, notify: &Push, next: Id, legacy: Option<&mut LegacyPacing>) {
        self.notified = next;
        if let Some(legacy) = legacy {
            return legacy.notify(self.peer.id, Instant::now());
        }
        if !self.is_full && self.outbox.put(notify.clone()).is_err() {
            self.is_full = true; // its driver disconnects it
            let Subscriber { peer, outbox, .. } = self;
            tracing::info!(
                "Client {peer} is disconnected: {} bytes of notifications wait for it",
                outbox.limit().bytes
            );
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
            Err(_) => Decoded::Malformed { answer: BAD_FORMAT.to_vec(), why: "a frame without an end" },
        }
    }
}

#[cfg(test)]
mod tests;
