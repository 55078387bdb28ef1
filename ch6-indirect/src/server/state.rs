//! What is behind the one lock: the broker, its store, its clients, and the way from the broker's outputs to them.
//!
//! ```text
//!   a batch of commands ──► Broker::handle ──► poll_output* ──┬──► frames into the clients' outboxes, in this order
//!         (one lock)             (one by one)                 ├──► records to the store: in memory, written by its own thread
//!                                                             └──► definitions to the disk, before the next output
//!   (unlocked) ──► the drivers of those clients that had nothing to send are woken
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use common::core::outbox::writer::Wake;
use common::core::service::PeerId;

use super::client::{Client, Phase};
use super::sending::{receiver, send};
use super::unsent::Written;
use crate::amqp::command::Command;
use crate::amqp::exception::{Exception, ReplyCode};
use crate::amqp::frame;
use crate::amqp::{AMQPClass, connection};
use crate::broker::{Broker, Now, Output};
use crate::store::Store;

/// The state of a running broker.
pub struct State {
    pub broker: Broker,
    pub store: Option<Arc<dyn Store>>,
    pub clients: BTreeMap<PeerId, Client>,
    /// When the clients are looked at next; `None` while there are none.
    pub next_look: Option<Instant>,
    /// The deadline that the timer knows of.
    pub armed: Option<Instant>,
    pub is_stopping: bool,
    /// A caller that is no connection: what the broker says to it.
    caller: Option<(PeerId, Vec<Output>)>,
    /// Clients whose alarm is over.
    released: Vec<PeerId>,
    /// Clients that something was written to since the lock was taken.
    unsent: Vec<PeerId>,
}

/// The time now.
#[must_use]
pub fn now() -> Now {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now { instant: Instant::now(), unix }
}

impl State {
    pub fn new(broker: Broker, store: Option<Arc<dyn Store>>) -> State {
        State {
            broker,
            store,
            clients: BTreeMap::new(),
            next_look: None,
            armed: None,
            is_stopping: false,
            caller: None,
            released: Vec::new(),
            unsent: Vec::new(),
        }
    }

    /// Puts what was written into the outboxes; what wakes the drivers that have to be woken. The last thing before the lock is free.
    pub fn flush(&mut self, now: Now) -> Vec<Wake> {
        let mut wakes = Vec::new();
        while let Some(id) = self.unsent.pop() {
            let Some(client) = self.clients.get_mut(&id) else { continue };
            let has_room = client.unsent.flush();
            wakes.extend(client.unsent.take_wake());
            if has_room {
                self.room(id, now);
            }
        }
        wakes
    }

    /// There is room in a client's outbox again.
    pub fn room(&mut self, id: PeerId, now: Now) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        client.unsent.has_room();
        if client.is_open() {
            self.broker.handle_room(id);
            self.drain(None, now);
        }
    }

    /// A command of an open connection.
    pub fn command(&mut self, id: PeerId, command: Command, now: Now) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        if let Some(command) = client.hold(command) {
            self.handle(id, command, now);
        }
    }

    fn handle(&mut self, id: PeerId, command: Command, now: Now) {
        let method = method_ids(&command.method);
        self.broker.handle(id, command, now);
        self.drain(Some((id, method)), now);
    }

    /// Does what the broker wants done. `cause` is the command that it was, for the exceptions that name it.
    pub fn drain(&mut self, cause: Option<(PeerId, (u16, u16))>, now: Now) {
        while let Some(output) = self.broker.poll_output(now) {
            self.output(output, cause, now);
        }
        while let Some(id) = self.released.pop() {
            // One by one: what is done may raise the alarm again.
            while let Some(command) = self.clients.get_mut(&id).and_then(Client::release) {
                self.handle(id, command, now);
            }
        }
    }

    fn output(&mut self, output: Output, cause: Option<(PeerId, (u16, u16))>, now: Now) {
        if let Some((caller, said)) = &mut self.caller
            && receiver(&output) == Some(*caller)
        {
            return said.push(output);
        }
        match output {
            Output::Append(number, record) => {
                if let Some(store) = &self.store {
                    store.append(number, &record);
                }
            }
            Output::Define(definition) => {
                if let Some(store) = &self.store
                    && let Err(error) = store.define(&definition)
                {
                    tracing::error!(
                        "a definition cannot be written, nothing is confirmed from now on: {error}"
                    );
                    self.broker.handle_store_failure();
                }
            }
            Output::Exception { connection, channel, mut exception } => {
                if exception.method == (0, 0)
                    && let Some((cause, method)) = cause
                    && cause == connection
                {
                    exception.method = method;
                }
                self.refuse(connection, channel, &exception, now);
            }
            Output::Blocked { connection, reason } => self.block(connection, reason),
            output => {
                if let Some(connection) = receiver(&output)
                    && let Some(client) = self.clients.get_mut(&connection)
                    && client.is_open()
                {
                    let written = send(client, output);
                    self.wrote(connection, written);
                }
            }
        }
    }

    /// Notes what is to be done after something was written to a client.
    pub fn wrote(&mut self, id: PeerId, Written { is_full, is_first }: Written) {
        if is_first {
            self.unsent.push(id);
        }
        if is_full {
            self.broker.handle_full(id);
        }
    }

    /// Tells a client why its channel or its connection ends. A connection then has to answer, and is heard no more until it does.
    pub fn refuse(&mut self, id: PeerId, channel: u16, exception: &Exception, now: Now) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        if matches!(client.phase, Phase::Closing | Phase::Closed) {
            return;
        }
        tracing::info!("client {}, channel {channel}: {}", client.peer, exception.text);
        let written = client.exception(channel, exception);
        self.wrote(id, written);
        if exception.is_hard() {
            self.leave_broker(id, now);
            if let Some(client) = self.clients.get_mut(&id) {
                client.traffic.close();
                client.enter(Phase::Closing, now.instant);
            }
        }
    }

    /// A login that is refused: its code is one of a channel, and ends the connection.
    pub fn refuse_login(&mut self, id: PeerId, exception: &Exception, now: Now) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        let close = connection::Close {
            reply_code: exception.code as u16,
            reply_text: frame::cut_short(&exception.text).into(),
            class_id: 0,
            method_id: 0,
        };
        let written = client.method(0, &AMQPClass::Connection(connection::AMQPMethod::Close(close)));
        client.traffic.close();
        client.enter(Phase::Closing, now.instant);
        self.wrote(id, written);
    }

    /// Closes a channel for a client that has not asked for it: it does not hear the broker's answer.
    pub fn close_channel(&mut self, id: PeerId, close: Command, now: Now) {
        self.broker.handle(id, close, now);
        while let Some(output) = self.broker.poll_output(now) {
            let is_answer = matches!(&output, Output::Method { connection, method, .. }
                if *connection == id && matches!(method, AMQPClass::Channel(_)));
            if !is_answer {
                self.output(output, None, now);
            }
        }
    }

    /// The broker knows this connection no more: its messages go back, its exclusive queues go.
    pub fn leave_broker(&mut self, id: PeerId, now: Now) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        client.forget_held();
        if client.is_open() {
            client.enter(Phase::Closed, now.instant);
            self.broker.close(id, now);
            self.drain(None, now);
        }
    }

    fn block(&mut self, id: PeerId, reason: Option<&'static str>) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        client.blocked = reason;
        if reason.is_none() {
            self.released.push(id);
        }
        if client.hears_blocked && client.is_open() {
            let method = match reason {
                Some(reason) => {
                    connection::AMQPMethod::Blocked(connection::Blocked { reason: reason.into() })
                }
                None => connection::AMQPMethod::Unblocked(connection::Unblocked {}),
            };
            let written = client.method(0, &AMQPClass::Connection(method));
            self.wrote(id, written);
        }
    }

    /// Does commands as `caller`, which is no connection; what the broker says to it.
    pub fn call(&mut self, caller: PeerId, commands: Vec<Command>, now: Now) -> Vec<Output> {
        self.caller = Some((caller, Vec::new()));
        for command in commands {
            self.handle(caller, command, now);
            let said = self.caller.iter().flat_map(|(_, said)| said);
            if said.into_iter().any(|output| matches!(output, Output::Exception { .. })) {
                break;
            }
        }
        self.broker.close(caller, now);
        self.drain(None, now);
        self.caller.take().map(|(_, said)| said).unwrap_or_default()
    }

    /// The stop has come: everybody is told.
    pub fn stop(&mut self, now: Now) {
        self.is_stopping = true;
        let exception = Exception::new(ReplyCode::ConnectionForced, "broker forced connection closure");
        let clients: Vec<PeerId> = self.clients.keys().copied().collect();
        for id in clients {
            if self.clients.get(&id).is_some_and(|client| client.phase != Phase::New) {
                self.refuse(id, 0, &exception, now);
            }
        }
    }
}

/// The numbers of a method.
fn method_ids(method: &AMQPClass) -> (u16, u16) {
    (method.get_amqp_class_id(), method.get_amqp_method_id())
}
