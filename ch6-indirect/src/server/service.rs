//! The broker as a [`Service`]: what happens when a client comes, speaks, falls silent and goes.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use common::core::limits::Timeouts;
use common::core::outbox::{Outbox, OutboxLimit, WhenFull};
use common::core::service::{Answer, Memory, Peer, PeerId, Protocol, Service};
use common::core::timer::Timer;

use super::client::Client;
use super::decoder::{Decoder, Incoming};
use super::looking::LOOK_EVERY;
use super::state::{State, now};
use super::users::{Expressions, Refusal, Users};
use crate::amqp::assembly::ContentBudget;
use crate::amqp::command::Command;
use crate::amqp::exception::{Exception, ReplyCode};
use crate::amqp::{AMQPClass, channel};
use crate::broker::snapshot::ConnectionSnapshot;
use crate::broker::{self, Broker, Login, Now, Output, Snapshot};
use crate::store::{self, Event, Recovered, Store};

/// How much may wait for a client before it gets no more deliveries, bytes.
const OUTBOX_BYTES: usize = 256 * 1024;
/// The broker as a service: one state machine for all connections.
pub struct BrokerService {
    state: Mutex<State>,
    pub(super) users: Users,
    contents: Arc<ContentBudget>,
    timer: OnceLock<Timer>,
    is_over_tls: bool,
}

impl BrokerService {
    /// A broker that may have been restored from what its store has kept.
    #[must_use]
    pub fn new(broker: Broker, users: Users, contents: u64, is_over_tls: bool) -> BrokerService {
        BrokerService {
            state: Mutex::new(State::new(broker, None)),
            users,
            contents: Arc::new(ContentBudget::new(contents)),
            timer: OnceLock::new(),
            is_over_tls,
        }
    }

    /// Before the first client: what this store has kept is there again, and from now on what is to last goes to it. Its events go
    /// to [`handle_event`](BrokerService::handle_event).
    pub fn restore(&self, store: Arc<dyn Store>, recovered: Recovered) {
        self.with(|state, now| {
            state.store = Some(store);
            state.broker.restore(recovered, now);
            state.drain(None, now);
        });
    }

    /// What the store has to say: called from its own thread.
    pub fn handle_event(&self, event: Event) {
        self.with(|state, now| {
            match event {
                Event::Synced(up_to) => state.broker.handle_synced(up_to, now),
                Event::Full(is_full) => {
                    if is_full {
                        tracing::warn!("the disk is nearly full: publishers are held back");
                    }
                    state.broker.handle_disk(is_full);
                }
                Event::Failed(why) => {
                    tracing::error!("writing failed, nothing is confirmed from now on: {why}");
                    state.broker.handle_store_failure();
                }
            }
            state.drain(None, now);
        });
    }

    /// What can be seen of the broker now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.lock().broker.snapshot()
    }

    /// The connections, by number.
    #[must_use]
    pub fn connections(&self) -> Vec<ConnectionSnapshot> {
        self.lock().clients.values().map(|client| client.snapshot(self.is_over_tls)).collect()
    }

    /// What the store has done; `None` without one.
    #[must_use]
    pub fn store(&self) -> Option<store::Counters> {
        let store = self.lock().store.clone();
        store.map(|store| store.counters())
    }

    /// Does these commands as a connection of its own, which is opened before and closed after them: to publish, get or declare by
    /// hand. Channel 1 is open. What the broker would have sent to this connection comes back, in order: an exception among it says
    /// that the commands behind it were not done.
    #[must_use]
    pub fn call(&self, login: Login, commands: Vec<Command>) -> Vec<Output> {
        let caller = Peer::new((Ipv4Addr::LOCALHOST, 0).into()).id;
        let open = AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {}));
        let mut all = vec![Command { channel: 1, method: open, content: None }];
        all.extend(commands);
        self.with(|state, now| {
            state.broker.open(caller, login);
            let mut said = state.call(caller, all, now);
            let is_opened = |output: &Output| {
                matches!(
                    output,
                    Output::Method { method: AMQPClass::Channel(channel::AMQPMethod::OpenOk(_)), .. }
                )
            };
            if said.first().is_some_and(is_opened) {
                said.remove(0);
            }
            said
        })
    }

    /// Closes a connection, as an operator does; whether it was there.
    #[must_use]
    pub fn close(&self, connection: u64, why: &str) -> bool {
        self.with(|state, now| {
            let id = PeerId(connection);
            state.refuse(id, 0, &Exception::new(ReplyCode::ConnectionForced, why), now);
            state.clients.contains_key(&id)
        })
    }

    /// Whether this is the user's password, and the user may come from there: for those that come another way, over HTTP.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn verify(&self, user: &str, password: &[u8], from: IpAddr) -> Result<(), Refusal> {
        self.users.verify(user, password, from)
    }

    /// What a verified user may do in a virtual host; `None` when it is nothing.
    #[must_use]
    pub fn login(&self, user: &str, vhost: &str) -> Option<Login> {
        self.users.login(user, vhost)
    }

    /// The virtual hosts that a user may open.
    #[must_use]
    pub fn vhosts(&self, user: &str) -> Vec<&str> {
        self.users.vhosts(user)
    }

    /// What happened to some messages after event number `since`: see [`Broker::events`].
    #[must_use]
    pub fn events(&self, since: u64) -> Vec<broker::events::Event> {
        self.with(|state, now| state.broker.events(since, now))
    }

    /// Each user's name, a virtual host of it, and what it may do there.
    #[must_use]
    pub fn permissions(&self) -> Vec<(&str, &str, &Expressions)> {
        self.users.permissions().collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic over one client's command ends that client: the broker goes on with what it has.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the state; then, without the lock, wakes the drivers that have something to send.
    fn with<T>(&self, act: impl FnOnce(&mut State, Now) -> T) -> T {
        let now = now();
        let mut state = self.lock();
        let result = act(&mut state, now);
        let wakes = state.flush(now);
        let deadline = self.next_deadline(&state);
        let is_nearer = deadline.is_some_and(|deadline| state.armed.is_none_or(|armed| deadline < armed));
        if is_nearer {
            state.armed = deadline;
        }
        drop(state);
        for wake in wakes {
            wake.wake();
        }
        if is_nearer && let Some(timer) = self.timer.get() {
            timer.arm();
        }
        result
    }

    fn next_deadline(&self, state: &State) -> Option<Instant> {
        [state.next_look, state.broker.deadline()].into_iter().flatten().min()
    }
}

impl Service for BrokerService {
    type Request = Vec<Incoming>;

    fn name(&self) -> &'static str {
        "broker"
    }

    fn memory(&self) -> Memory {
        Memory::Shared
    }

    fn timeouts(&self, server: Timeouts) -> Timeouts {
        // Between two frames, and inside one, heartbeats say whether a client is there.
        Timeouts { grace: None, idle: None, ..server }
    }

    fn protocol(&self) -> impl Protocol<Request = Vec<Incoming>> {
        Decoder::new(Arc::clone(&self.contents))
    }

    fn outbox(&self) -> Option<OutboxLimit> {
        Some(OutboxLimit { bytes: OUTBOX_BYTES, when_full: WhenFull::Skip })
    }

    fn arrive(&self, peer: &Peer, outbox: &Outbox) {
        self.with(|state, now| {
            state.clients.insert(peer.id, Client::new(*peer, outbox.clone(), now.instant));
            state.next_look.get_or_insert(now.instant + *LOOK_EVERY.end());
        });
    }

    fn handle(&self, peer: &Peer, request: Vec<Incoming>) -> Answer {
        let mut login = self.verify_login(peer, &request);
        let is_over = self.with(|state, now| {
            request.into_iter().any(|incoming| self.incoming(state, peer.id, incoming, &mut login, now))
        });
        if is_over { Answer::last(Vec::new()) } else { Answer::nothing() }
    }

    fn handle_room(&self, peer: &Peer) {
        self.with(|state, now| state.room(peer.id, now));
    }

    fn leave(&self, peer: &Peer) {
        self.with(|state, now| {
            state.leave_broker(peer.id, now);
            state.clients.remove(&peer.id);
        });
    }

    fn start(&self, timer: &Timer) {
        let _ = self.timer.set(timer.clone());
        timer.arm();
    }

    fn deadline(&self) -> Option<Instant> {
        let mut state = self.lock();
        state.armed = self.next_deadline(&state);
        state.armed
    }

    fn handle_timeout(&self, now: Instant) {
        self.with(|state, wall| {
            let now = Now { instant: now, ..wall };
            if state.broker.deadline().is_some_and(|deadline| deadline <= now.instant) {
                state.broker.handle_timeout(now);
                state.drain(None, now);
            }
            if state.next_look.is_some_and(|look| look <= now.instant) {
                state.look(now);
            }
        });
    }

    fn stop(&self) {
        self.with(State::stop);
    }

    fn end(&self) {
        let store = self.lock().store.clone();
        if let Some(store) = store {
            store.end();
        }
    }
}
