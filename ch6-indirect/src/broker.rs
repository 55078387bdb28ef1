//! What a broker does, without a socket, a thread, a clock or a disk: a state machine. Notes, chapter 6.
//!
//! ```text
//!   publish ──► exchange ──bindings──► queue ──► consumer ──► channel (unacknowledged) ──ack──► gone
//!                  │                    │ │                        │
//!                  └─ alternate         │ └─ expired, too many     └─ reject, nack, recover, connection gone
//!                     exchange          │         └──────────┬──────────┘
//!                                       ▲── requeue ─────────┤
//!                                                            └──► dead-letter exchange
//! ```
//!
//! In reading order, one idea a file:
//!
//! | file | what it is |
//! |---|---|
//! | `message`, `properties`, `arguments` | what is carried, and the tables that go with it |
//! | `exchange`, `binding`, `routing`, `topic`, `headers`, `walk`, `vhost` | how a message finds queues |
//! | `queue`, `options`, `ready`, `stream` | where it waits, in which order, and for how long |
//! | `consumer`, `deliver` | who gets it, and when |
//! | `login`, `connection`, `channel`, `settle`, `confirms`, `transaction` | what a client has, owes and is owed |
//! | `commands`, `declare`, `declare_queue`, `bind`, `delete`, `accept`, `publish`, `consume` | the commands, one by one |
//! | `letter`, `dead_letter`, `timer`, `memory`, `alarm` | what goes wrong: rejected, expired, too much |
//! | `outbox`, `output`, `recovered`, `restore` | what is to be done, what waits for the disk, and what was kept there |
//! | `snapshot`, `view` | what can be seen of it |
//! | `arena`, `keys` | where things with keys live |
//!
//! The order of calls, under one lock:
//!
//! 1. [`Broker::open`] when a client's connection is open; [`Broker::close`] when it is gone, however it ended;
//! 2. [`Broker::handle`] for each command of it;
//! 3. after each call of any kind: [`Broker::poll_output`] until it returns `None`, and each output done in this order.
//!    Deliveries are made one at a time, in `poll_output`: so a connection of which [`Broker::handle_full`] was said gets no more;
//! 4. [`Broker::handle_room`] when such a connection has room again, [`Broker::handle_synced`] when records are safe on disk;
//! 5. [`Broker::handle_timeout`] when [`Broker::deadline`] has come: messages and queues expire.

mod accept;
mod alarm;
mod arena;
mod arguments;
mod bind;
mod binding;
mod channel;
mod commands;
mod confirms;
mod connection;
mod consume;
mod consumer;
mod dead_letter;
mod declare;
mod declare_queue;
mod delete;
mod deliver;
pub mod events;
mod exchange;
mod headers;
mod keys;
mod letter;
mod login;
mod memory;
pub mod message;
mod now;
mod options;
mod outbox;
pub mod output;
pub mod properties;
mod publish;
mod queue;
mod ready;
mod recovered;
mod restore;
mod routing;
mod settle;
pub mod snapshot;
mod stream;
mod timer;
mod topic;
mod transaction;
mod vhost;
mod view;
mod walk;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::time::Instant;

use common::core::service::PeerId;

use crate::amqp::command::Command;
use crate::amqp::exception::Exception;

use arena::Arena;
use connection::Connection;
use consumer::Consumer;
use events::Events;
use exchange::Exchange;
use keys::{ExchangeKey, OfConsumer, OfExchange, OfQueue, QueueKey};
use letter::DeadLetter;
use memory::Memory;
use outbox::{Outbox, Waiting};
use queue::Queue;
use vhost::VirtualHost;

pub use login::{Login, Pattern, Permissions};
pub use message::{Message, MessageId};
pub use now::Now;
pub use output::{Definition, Output, Record, RecordNumber};
pub use recovered::{Recovered, RecoveredMessage};
pub use snapshot::Snapshot;

/// Bounds of a broker.
#[derive(Debug, Clone)]
pub struct Settings {
    /// From so many bytes of messages in memory on, publishers are held back.
    pub memory: u64,
    /// Whether there is a store: without one, durable queues and persistent messages live as long as the broker.
    pub is_durable: bool,
}

/// The whole state of a broker.
#[derive(Debug)]
pub struct Broker {
    hosts: Vec<VirtualHost>,
    /// Indices into `hosts`.
    host_names: BTreeMap<String, usize>,
    exchanges: Arena<Exchange, OfExchange>,
    queues: Arena<Queue, OfQueue>,
    consumers: Arena<Consumer, OfConsumer>,
    connections: BTreeMap<PeerId, Connection>,
    outbox: Outbox,
    /// What no longer waits for the disk, because nothing is written there any more.
    released: Vec<Waiting>,
    memory: Memory,
    /// Queues that may have a message and a consumer for it.
    work: VecDeque<QueueKey>,
    /// Messages on their way to a dead-letter exchange.
    dead_letters: VecDeque<DeadLetter>,
    timers: BTreeSet<(Instant, QueueKey)>,
    /// Why publishers are held back, if they are.
    alarm: Option<&'static str>,
    /// Exchanges that lost their last binding, and go with it.
    unused: Vec<ExchangeKey>,
    last_message: u64,
    last_queue: u64,
    last_channel: u64,
    last_name: u64,
    names: RandomState,
    events: Events,
    /// When it was last called with anything that happened.
    handled: Option<Instant>,
}

/// Where a command came from, and when.
#[derive(Debug, Clone, Copy)]
struct At {
    connection: PeerId,
    channel: u16,
    now: Now,
}

impl Broker {
    /// An empty broker: of each virtual host the predeclared exchanges.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "settings are taken over, when there are more of them")]
    pub fn new(settings: Settings) -> Broker {
        let mut broker = Broker {
            hosts: Vec::new(),
            host_names: BTreeMap::new(),
            exchanges: Arena::default(),
            queues: Arena::default(),
            consumers: Arena::default(),
            connections: BTreeMap::new(),
            outbox: Outbox::new(settings.is_durable),
            released: Vec::new(),
            memory: Memory::new(settings.memory),
            work: VecDeque::new(),
            dead_letters: VecDeque::new(),
            timers: BTreeSet::new(),
            alarm: None,
            unused: Vec::new(),
            last_message: 0,
            last_queue: 0,
            last_channel: 0,
            last_name: 0,
            names: RandomState::new(),
            events: Events::default(),
            handled: None,
        };
        broker.host("/");
        broker
    }

    /// What the store has kept, before the first connection.
    pub fn restore(&mut self, recovered: Recovered, now: Now) {
        self.last_message = recovered.last_message.map_or(0, |last| last.0);
        self.restore_definitions(recovered.definitions, now);
        self.restore_messages(recovered.messages, now);
    }

    /// A client's connection is open.
    pub fn open(&mut self, connection: PeerId, login: Login) {
        let host = self.host(&login.vhost);
        self.connections.insert(connection, Connection::new(login, host));
    }

    /// A command of a client: of the classes channel, exchange, queue, basic, confirm and tx. `connection.*` is the server's.
    pub fn handle(&mut self, connection: PeerId, command: Command, now: Now) {
        self.events.begin(now);
        let at = At { connection, channel: command.channel, now };
        let method = (command.method.get_amqp_class_id(), command.method.get_amqp_method_id());
        if let Err(exception) = self.command(at, command) {
            self.fail(at, Exception { method, ..exception });
        }
        self.settle_all(now);
    }

    /// So much waits to be sent to this connection that it gets no more deliveries for now.
    pub fn handle_full(&mut self, connection: PeerId) {
        if let Some(connection) = self.connections.get_mut(&connection) {
            connection.is_full = true;
        }
    }

    /// There is room again.
    pub fn handle_room(&mut self, connection: PeerId) {
        let Some(known) = self.connections.get_mut(&connection) else { return };
        known.is_full = false;
        let channels: Vec<u16> = known.channels.keys().copied().collect();
        for channel in channels {
            self.unpark_channel(connection, channel);
        }
    }

    /// All records up to this number are on disk.
    pub fn handle_synced(&mut self, up_to: RecordNumber, now: Now) {
        let ready = self.outbox.sync(up_to);
        self.go_on(ready, now);
    }

    /// The disk is full (an alarm), or has room again.
    pub fn handle_disk(&mut self, is_full: bool) {
        self.memory.set_disk_full(is_full);
        self.sound_alarm();
    }

    /// Writing failed: no persistent message is confirmed any more, publishes of them are refused with `basic.nack`.
    pub fn handle_store_failure(&mut self) {
        self.released = self.outbox.fail();
    }

    /// The connection is gone, however it ended: its messages go back, its exclusive queues go.
    pub fn close(&mut self, connection: PeerId, now: Now) {
        self.events.begin(now);
        let channels: Vec<u16> = self
            .connections
            .get(&connection)
            .map(|known| known.channels.keys().copied().collect())
            .unwrap_or_default();
        for channel in channels {
            self.end_channel(At { connection, channel, now });
        }
        if let Some(known) = self.connections.remove(&connection) {
            for queue in known.exclusive {
                self.delete_queue(queue);
            }
        }
        self.settle_all(now);
    }

    /// When [`handle_timeout`](Broker::handle_timeout) is to be called next.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// The time has come: messages and queues expire. If there is more than a moment's work, the rest is due at once.
    pub fn handle_timeout(&mut self, now: Now) {
        self.events.begin(now);
        self.run_timers(now);
        self.settle_all(now);
    }

    /// The next thing to be done. Deliveries are made here, one at a time, while a consumer can take one. What has expired when the
    /// broker was last called with anything else is not delivered: so a message that may not wait at all still finds a consumer.
    pub fn poll_output(&mut self, now: Now) -> Option<Output> {
        self.events.begin(now);
        if !self.released.is_empty() {
            let released = std::mem::take(&mut self.released);
            self.go_on(released, now);
        }
        self.outbox.pop().or_else(|| self.next_delivery(now))
    }

    /// What happened to some messages after event number `since`, oldest first; and from now on, for some seconds, it is recorded.
    pub fn events(&mut self, since: u64, now: Now) -> Vec<events::Event> {
        self.events.since(since, now)
    }

    /// What can be seen of it.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.view()
    }

    /// What follows from a call: messages go on to dead-letter exchanges, and the alarm is looked at.
    fn settle_all(&mut self, now: Now) {
        self.handled = Some(now.instant);
        self.send_dead_letters(now);
        self.sound_alarm();
    }

    /// What waited for the disk.
    fn go_on(&mut self, ready: Vec<Waiting>, now: Now) {
        for waiting in ready {
            match waiting {
                Waiting::Channel(connection, channel) => {
                    self.send_confirms(connection, channel);
                    self.finish_commit(connection, channel);
                }
                Waiting::Queue(queue) => self.list(queue),
                Waiting::Get(connection, channel, opened, get) => {
                    let at = At { connection, channel, now };
                    let is_there = self.channel(at).is_ok_and(|channel| channel.opened == opened);
                    if is_there && let Err(exception) = self.get(at, &get) {
                        self.fail(at, exception);
                    }
                }
            }
        }
        self.settle_all(now);
    }

    /// The index of a virtual host, made if there is none: the server knows which ones there are.
    fn host(&mut self, name: &str) -> usize {
        if let Some(index) = self.host_names.get(name) {
            return *index;
        }
        let index = self.hosts.len();
        self.hosts.push(VirtualHost::new(name, index, &mut self.exchanges));
        self.host_names.insert(name.to_owned(), index);
        index
    }

    /// A name that nobody can guess and nothing has.
    fn fresh_name(&mut self, prefix: &str) -> String {
        self.last_name += 1;
        let halves = [self.names.hash_one((0, self.last_name)), self.names.hash_one((1, self.last_name))];
        format!("{prefix}{:016x}{:016x}", halves[0], halves[1])
    }
}

#[cfg(test)]
mod tests;
