//! Who takes part.

use clap::ValueEnum;
use serde::Serialize;

use super::class::Class;
use crate::client::session::Queue;

/// Who takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contestant {
    /// A file and fdatasync, without a broker
    BareLog,
    /// The least server that the generator can talk to: the ceiling
    Least,
    /// `cargo ch6 broker`, for what is durable with `--data`
    Ours,
    /// RabbitMQ, a classic queue
    RabbitmqClassic,
    /// RabbitMQ, a quorum queue
    RabbitmqQuorum,
    /// NATS core
    Nats,
    /// redis streams, for what is durable with `appendfsync always`
    Redis,
}

/// The program that serves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Program {
    /// This program, `least-server`.
    Least,
    /// This program, `broker`.
    Ours,
    /// `rabbitmq-server`.
    RabbitMq,
    /// `nats-server`.
    Nats,
    /// `redis-server`.
    Redis,
}

impl Contestant {
    /// As `--only` has it.
    pub fn name(self) -> &'static str {
        match self {
            Contestant::BareLog => "bare-log",
            Contestant::Least => "least",
            Contestant::Ours => "ours",
            Contestant::RabbitmqClassic => "rabbitmq-classic",
            Contestant::RabbitmqQuorum => "rabbitmq-quorum",
            Contestant::Nats => "nats",
            Contestant::Redis => "redis",
        }
    }

    /// Whether it has this class, in the same class of durability.
    pub fn takes_part(self, class: Class) -> bool {
        match self {
            Contestant::BareLog => class == Class::Publish,
            Contestant::Least => !matches!(class, Class::Idle | Class::Backlog | Class::Half),
            Contestant::Ours | Contestant::RabbitmqClassic => true,
            Contestant::RabbitmqQuorum => class.is_durable(),
            Contestant::Nats => !class.is_durable(),
            Contestant::Redis => class != Class::FanOut,
        }
    }

    /// What is particular to it in this class.
    pub fn note(self, class: Class) -> &'static str {
        match (self, class) {
            (Contestant::BareLog, _) => "no network: 1000 records, a write, an fdatasync",
            (Contestant::Least, Class::FanOut | Class::Transient) => {
                "the generator's ceiling: it only relays"
            }
            (Contestant::Least, Class::One) => "fdatasync + echo",
            (Contestant::Least, _) => "a write and an fdatasync for all that came together",
            (Contestant::Nats, Class::Transient) => "has no acknowledgements",
            (Contestant::Redis, Class::Transient) => "a stream in memory",
            (Contestant::Redis, class) if class.is_durable() => "a stream, appendfsync always",
            _ => "",
        }
    }

    /// The program that serves it; none for a log without a server.
    pub fn program(self) -> Option<Program> {
        match self {
            Contestant::BareLog => None,
            Contestant::Least => Some(Program::Least),
            Contestant::Ours => Some(Program::Ours),
            Contestant::RabbitmqClassic | Contestant::RabbitmqQuorum => Some(Program::RabbitMq),
            Contestant::Nats => Some(Program::Nats),
            Contestant::Redis => Some(Program::Redis),
        }
    }

    /// The queue of AMQP that it has in a class.
    pub fn queue(self, class: Class) -> Queue {
        match self {
            Contestant::RabbitmqQuorum => Queue::Quorum,
            _ if class.is_durable() => Queue::Durable,
            _ => Queue::Transient,
        }
    }
}
