//! One connection, as the server sees it: how far its handshake is, what waits for an alarm to be over, what it was sent.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::core::outbox::Outbox;
use common::core::service::Peer;

use super::heartbeat::Heartbeat;
use super::traffic::Traffic;
use super::unsent::{Frames, Unsent, Written};
use crate::amqp::command::Command;
use crate::amqp::exception::Exception;
use crate::amqp::frame::{self, SMALLEST_MAX};
use crate::amqp::{AMQPClass, FieldTable, channel, connection};
use crate::broker::snapshot::ConnectionSnapshot;

/// How long a client has until its virtual host is open, as RabbitMQ has it.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// How long a client has to answer our `connection.close`.
const CLOSE_TIME: Duration = Duration::from_secs(5);
/// Of a client that is blocked, so many commands and bytes are taken; then nothing more is read from it.
const HELD_COMMANDS: usize = 64;
const HELD_BYTES: usize = 1024 * 1024;

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing has come.
    New,
    /// Start is sent.
    Started,
    /// The login is right, Tune is sent.
    Tuning,
    /// TuneOk has come.
    Tuned,
    /// The virtual host is open.
    Open,
    /// We have sent Close.
    Closing,
    /// It is over: the broker knows it no more.
    Closed,
}

/// One connection.
pub struct Client {
    pub peer: Peer,
    pub outbox: Outbox,
    pub traffic: Arc<Traffic>,
    pub phase: Phase,
    /// Since when it is in this phase.
    pub since: Instant,
    pub user: String,
    pub vhost: String,
    pub properties: FieldTable,
    pub frame_max: usize,
    pub heartbeat: Option<Heartbeat>,
    pub heartbeat_seconds: u16,
    /// Whether it can be told that it is blocked.
    pub hears_blocked: bool,
    /// Why its messages cannot be taken.
    pub blocked: Option<&'static str>,
    /// What waits until they can: a publish, and what came behind it on its channel.
    held: VecDeque<Command>,
    held_bytes: usize,
    /// Channels that the server has closed without the broker: what comes on them is dropped until the client has seen it.
    pub refused: BTreeSet<u16>,
    pub unsent: Unsent,
    channels: u64,
}

impl Client {
    pub fn new(peer: Peer, outbox: Outbox, now: Instant) -> Client {
        Client {
            peer,
            unsent: Unsent::new(outbox.clone()),
            outbox,
            traffic: Arc::default(),
            phase: Phase::New,
            since: now,
            user: String::new(),
            vhost: String::new(),
            properties: FieldTable::default(),
            frame_max: SMALLEST_MAX,
            heartbeat: None,
            heartbeat_seconds: 0,
            hears_blocked: false,
            blocked: None,
            held: VecDeque::new(),
            held_bytes: 0,
            refused: BTreeSet::new(),
            channels: 0,
        }
    }

    pub fn enter(&mut self, phase: Phase, now: Instant) {
        (self.phase, self.since) = (phase, now);
    }

    /// Whether the broker knows it.
    pub fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Writes to it: see [`Unsent`].
    pub fn write(&mut self, write: impl FnOnce(&mut Frames<'_>)) -> Written {
        self.unsent.write(write)
    }

    /// Writes a method, and counts the channels that are opened and closed by it.
    pub fn method(&mut self, channel: u16, method: &AMQPClass) -> Written {
        match method {
            AMQPClass::Channel(channel::AMQPMethod::OpenOk(_)) => self.channels += 1,
            AMQPClass::Channel(channel::AMQPMethod::CloseOk(_) | channel::AMQPMethod::Close(_)) => {
                self.channels = self.channels.saturating_sub(1);
            }
            _ => {}
        }
        self.write(|frames| frames.method(channel, method))
    }

    /// `channel.close` or `connection.close`.
    pub fn exception(&mut self, channel: u16, exception: &Exception) -> Written {
        let reply_code = exception.code as u16;
        let reply_text = frame::cut_short(&exception.text).into();
        let (class_id, method_id) = exception.method;
        let method = if exception.is_hard() {
            AMQPClass::Connection(connection::AMQPMethod::Close(connection::Close {
                reply_code,
                reply_text,
                class_id,
                method_id,
            }))
        } else {
            AMQPClass::Channel(channel::AMQPMethod::Close(channel::Close {
                reply_code,
                reply_text,
                class_id,
                method_id,
            }))
        };
        self.method(if exception.is_hard() { 0 } else { channel }, &method)
    }

    /// Keeps a command that has to wait until the alarm is over; gives it back if it has not.
    ///
    /// A publish waits, and what comes behind it on its channel, for the order there. An acknowledgement never waits: it is what ends
    /// an alarm.
    pub fn hold(&mut self, command: Command) -> Option<Command> {
        use crate::amqp::basic::AMQPMethod::{Ack, Nack, Publish, Reject};
        let has_to_wait = match &command.method {
            AMQPClass::Basic(Ack(_) | Nack(_) | Reject(_)) => false,
            AMQPClass::Basic(Publish(_)) if self.blocked.is_some() => true,
            _ => self.held.iter().any(|held| held.channel == command.channel),
        };
        if !has_to_wait {
            return Some(command);
        }
        self.held_bytes += command.content.as_ref().map_or(0, |content| content.bytes().len());
        self.held.push_back(command);
        if self.held.len() >= HELD_COMMANDS || self.held_bytes >= HELD_BYTES {
            self.outbox.pause();
        }
        None
    }

    /// The next command that waited, if it need not wait any more. When there is none, the client is read from again.
    pub fn release(&mut self) -> Option<Command> {
        if self.blocked.is_some() {
            return None;
        }
        let command = self.held.pop_front();
        match &command {
            Some(command) => {
                self.held_bytes -= command.content.as_ref().map_or(0, |content| content.bytes().len());
            }
            None => self.outbox.resume(),
        }
        command
    }

    /// Nothing that waits will be done.
    pub fn forget_held(&mut self) {
        (self.held, self.held_bytes) = (VecDeque::new(), 0);
        self.outbox.resume();
    }

    /// Whether it has taken too long for the phase it is in.
    pub fn is_late(&self, now: Instant) -> bool {
        let time = match self.phase {
            Phase::New | Phase::Started | Phase::Tuning | Phase::Tuned => HANDSHAKE_TIME,
            Phase::Closing => CLOSE_TIME,
            Phase::Open | Phase::Closed => return false,
        };
        now.duration_since(self.since) >= time
    }

    pub fn snapshot(&self, tls: bool) -> ConnectionSnapshot {
        let (frames_out, bytes_out) = self.unsent.written();
        ConnectionSnapshot {
            id: self.peer.id.0,
            address: self.peer.to_string(),
            user: self.user.clone(),
            vhost: self.vhost.clone(),
            client: crate::amqp::json::to_json(&self.properties),
            channels: self.channels,
            frames_in: self.traffic.frames(),
            frames_out,
            bytes_in: self.traffic.bytes(),
            bytes_out,
            waiting: self.outbox.waiting() as u64,
            heartbeat: self.heartbeat_seconds,
            tls,
            blocked: self.blocked,
        }
    }
}
