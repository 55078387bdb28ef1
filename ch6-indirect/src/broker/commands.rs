//! Which command is done where, on which channel it may come, and how the broker says no.

use std::sync::Arc;

use super::channel::{Channel, Mode};
use super::confirms::Confirms;
use super::connection::Connection;
use super::keys::{ExchangeKey, QueueKey};
use super::output::Output;
use super::{At, Broker};
use crate::amqp::command::Command;
use crate::amqp::exception::{Exception, ReplyCode};
use crate::amqp::{AMQPClass, channel, confirm, exchange, queue, tx};

/// Done, or the exception that answers the command.
pub type Done = Result<(), Exception>;

/// What a user may do with an exchange or a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    Configure,
    Write,
    Read,
}

/// An exception as the result of a command.
pub fn no<T>(code: ReplyCode, why: impl std::fmt::Display) -> Result<T, Exception> {
    Err(Exception::new(code, why))
}

impl Broker {
    pub(super) fn command(&mut self, at: At, command: Command) -> Done {
        let Some(connection) =
            self.connections.get_mut(&at.connection).filter(|connection| !connection.is_ended)
        else {
            return Ok(());
        };
        let method = command.method;
        match (connection.channels.get(&at.channel).map(|channel| channel.is_closing), &method) {
            (None, AMQPClass::Channel(channel::AMQPMethod::Open(_))) if at.channel > 0 => {
                self.last_channel += 1;
                connection
                    .channels
                    .insert(at.channel, Channel { opened: self.last_channel, ..Channel::default() });
                self.answer(at, AMQPClass::Channel(channel::AMQPMethod::OpenOk(channel::OpenOk {})));
                return Ok(());
            }
            (None, _) => return no(ReplyCode::ChannelError, "expected 'channel.open'"),
            (Some(true), AMQPClass::Channel(channel::AMQPMethod::Close(_))) => {
                self.answer(at, AMQPClass::Channel(channel::AMQPMethod::CloseOk(channel::CloseOk {})));
                connection_of(self, at).map(|connection| connection.channels.remove(&at.channel));
                return Ok(());
            }
            (Some(true), AMQPClass::Channel(channel::AMQPMethod::CloseOk(_))) => {
                connection.channels.remove(&at.channel);
                return Ok(());
            }
            (Some(true), _) => return Ok(()),
            (Some(false), _) => {}
        }
        match method {
            AMQPClass::Channel(method) => self.channel_method(at, &method),
            AMQPClass::Exchange(exchange::AMQPMethod::Declare(declare)) => {
                self.declare_exchange(at, &declare)
            }
            AMQPClass::Exchange(exchange::AMQPMethod::Delete(delete)) => self.exchange_delete(at, &delete),
            AMQPClass::Exchange(exchange::AMQPMethod::Bind(bind)) => self.bind_exchange(at, bind),
            AMQPClass::Exchange(exchange::AMQPMethod::Unbind(unbind)) => self.unbind_exchange(at, unbind),
            AMQPClass::Queue(queue::AMQPMethod::Declare(declare)) => self.declare_queue(at, &declare),
            AMQPClass::Queue(queue::AMQPMethod::Bind(bind)) => self.bind_queue(at, bind),
            AMQPClass::Queue(queue::AMQPMethod::Unbind(unbind)) => self.unbind_queue(at, unbind),
            AMQPClass::Queue(queue::AMQPMethod::Purge(purge)) => self.purge(at, &purge),
            AMQPClass::Queue(queue::AMQPMethod::Delete(delete)) => self.queue_delete(at, &delete),
            AMQPClass::Basic(method) => self.basic_method(at, method, command.content),
            AMQPClass::Confirm(confirm::AMQPMethod::Select(select)) => self.confirm_select(at, select.nowait),
            AMQPClass::Tx(tx::AMQPMethod::Select(_)) => self.tx_select(at),
            AMQPClass::Tx(tx::AMQPMethod::Commit(_)) => self.tx_commit(at),
            AMQPClass::Tx(tx::AMQPMethod::Rollback(_)) => self.tx_rollback(at),
            _ => no(ReplyCode::CommandInvalid, "a server does not take this method"),
        }
    }

    fn channel_method(&mut self, at: At, method: &channel::AMQPMethod) -> Done {
        match method {
            channel::AMQPMethod::Open(_) => no(ReplyCode::ChannelError, "second 'channel.open' seen"),
            channel::AMQPMethod::Flow(flow) if flow.active => {
                let answer = channel::AMQPMethod::FlowOk(channel::FlowOk { active: true });
                self.answer(at, AMQPClass::Channel(answer));
                Ok(())
            }
            channel::AMQPMethod::Flow(_) => no(ReplyCode::NotImplemented, "active=false"),
            channel::AMQPMethod::Close(_) => {
                self.end_channel(at);
                self.answer(at, AMQPClass::Channel(channel::AMQPMethod::CloseOk(channel::CloseOk {})));
                Ok(())
            }
            channel::AMQPMethod::FlowOk(_) => Ok(()),
            _ => no(ReplyCode::CommandInvalid, "a server does not take this method"),
        }
    }

    fn confirm_select(&mut self, at: At, nowait: bool) -> Done {
        let channel = self.channel(at)?;
        match channel.mode {
            Mode::Plain => channel.mode = Mode::Confirm(Confirms::default()),
            Mode::Confirm(_) => {}
            Mode::Transaction(_) => {
                return no(ReplyCode::PreconditionFailed, "cannot switch from tx to confirm mode");
            }
        }
        if !nowait {
            self.answer(at, AMQPClass::Confirm(confirm::AMQPMethod::SelectOk(confirm::SelectOk {})));
        }
        Ok(())
    }

    /// A method for the client of this command.
    pub(super) fn answer(&mut self, at: At, method: AMQPClass) {
        self.outbox.method(at.connection, at.channel, method);
    }

    /// An exception: the channel, or the connection, is closed on our side.
    pub(super) fn fail(&mut self, at: At, exception: Exception) {
        let is_hard = exception.is_hard();
        if !is_hard {
            self.end_channel(at);
        }
        let Some(connection) = self.connections.get_mut(&at.connection) else { return };
        if is_hard {
            connection.is_ended = true;
        } else {
            connection.channels.insert(at.channel, Channel { is_closing: true, ..Channel::default() });
        }
        self.outbox.push(Output::Exception { connection: at.connection, channel: at.channel, exception });
    }

    /// The connection of a command.
    pub(super) fn connection(&self, at: At) -> Result<&Connection, Exception> {
        self.connections
            .get(&at.connection)
            .ok_or_else(|| Exception::new(ReplyCode::InternalError, "no such connection"))
    }

    /// The channel of a command.
    pub(super) fn channel(&mut self, at: At) -> Result<&mut Channel, Exception> {
        let channel =
            self.connections.get_mut(&at.connection).and_then(|known| known.channels.get_mut(&at.channel));
        channel.ok_or_else(|| Exception::new(ReplyCode::ChannelError, "expected 'channel.open'"))
    }

    /// How RabbitMQ names an exchange or a queue in its texts.
    pub(super) fn named(&self, at: At, kind: &str, name: &str) -> String {
        let host =
            self.connections.get(&at.connection).map_or("", |connection| &self.hosts[connection.host].name);
        format!("{kind} '{name}' in vhost '{host}'")
    }

    /// The queue that a client means: the last that was declared on the channel, where the name is empty.
    pub(super) fn queue_name(&mut self, at: At, name: &str) -> Result<Arc<str>, Exception> {
        if !name.is_empty() {
            return Ok(name.into());
        }
        let last = self.channel(at)?.last_queue.clone();
        last.ok_or_else(|| Exception::new(ReplyCode::NotFound, "no previously declared queue"))
    }

    /// A queue by its name, if this connection may use it.
    pub(super) fn queue_named(&self, at: At, name: &str) -> Result<QueueKey, Exception> {
        let connection = self.connection(at)?;
        let key = self.hosts[connection.host].queue(name);
        let Some((key, queue)) = key.and_then(|key| Some((key, self.queues.get(key)?))) else {
            return no(ReplyCode::NotFound, format_args!("no {}", self.named(at, "queue", name)));
        };
        if queue.is_reply || queue.owner.is_some_and(|owner| owner != at.connection) {
            return no(
                ReplyCode::ResourceLocked,
                format_args!(
                    "cannot obtain exclusive access to locked {}. It could be originally declared on another connection or the \
                     exclusive property value does not match that of the original declaration.",
                    self.named(at, "queue", name)
                ),
            );
        }
        Ok(key)
    }

    /// An exchange by its name.
    pub(super) fn exchange_named(&self, at: At, name: &str) -> Result<ExchangeKey, Exception> {
        let key = self.hosts[self.connection(at)?.host].exchange(name);
        key.ok_or_else(|| {
            Exception::new(ReplyCode::NotFound, format_args!("no {}", self.named(at, "exchange", name)))
        })
    }

    /// Whether the user may do this.
    pub(super) fn check(&self, at: At, right: Right, kind: &str, name: &str) -> Done {
        let login = &self.connection(at)?.login;
        let pattern = match right {
            Right::Configure => &login.permissions.configure,
            Right::Write => &login.permissions.write,
            Right::Read => &login.permissions.read,
        };
        let known = if name.is_empty() && kind == "exchange" { "amq.default" } else { name };
        if pattern.covers(known) {
            return Ok(());
        }
        let what = self.named(at, kind, known);
        no(ReplyCode::AccessRefused, format_args!("access to {what} refused for user '{}'", login.user))
    }
}

fn connection_of(broker: &mut Broker, at: At) -> Option<&mut Connection> {
    broker.connections.get_mut(&at.connection)
}
