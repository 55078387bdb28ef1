//! A publisher and consumers of a class, for any contestant.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};

use super::class::{BODY, Class, WINDOW};
use super::contestant::{Contestant, Program};
use super::peers::{nats, redis};
use crate::client::amqp::{Amqp, Target};
use crate::client::engine::Connection;
use crate::client::link::Link;
use crate::client::session::{Queue, Session};

/// What a measurement talks over, and how it is taken away again.
pub struct Connections {
    /// The publisher.
    pub publisher: Connection,
    /// The consumers, which have asked for messages.
    pub consumers: Vec<Connection>,
    /// Whether publications are confirmed.
    pub confirms: bool,
}

/// Of this measurement alone: what others have left in the server does not matter.
pub fn new_name() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("compare.{}.{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// Connects and declares all that a class needs.
pub fn connect(
    contestant: Contestant,
    program: Program,
    class: Class,
    server: SocketAddr,
    name: &str,
) -> anyhow::Result<Connections> {
    match program {
        Program::Nats => over_nats(class, server, name),
        Program::Redis => over_redis(class, server, name),
        Program::Least | Program::Ours | Program::RabbitMq => {
            over_amqp(contestant.queue(class), class, server, name)
        }
    }
}

/// Deletes what outlives its connections.
pub fn delete(program: Program, class: Class, server: SocketAddr, name: &str) -> anyhow::Result<()> {
    match program {
        Program::Nats => Ok(()),
        Program::Redis => redis::delete(server, name),
        _ if class.is_durable() => Session::open(server)?.delete(name),
        _ => Ok(()),
    }
}

fn over_amqp(queue: Queue, class: Class, server: SocketAddr, name: &str) -> anyhow::Result<Connections> {
    let mut publisher = Session::open(server)?;
    let is_fanout = class == Class::FanOut;
    if is_fanout {
        publisher.declare_fanout(name)?;
    } else {
        publisher.declare(name, queue)?;
    }
    // As many as may be on their way, so that neither waits for the acknowledgements of the other.
    let prefetch = if is_fanout { 0 } else { u16::try_from(WINDOW * 2)? };
    let consumer = |index: usize| -> anyhow::Result<Connection> {
        let mut session = Session::open(server)?;
        let own = format!("{name}.{index}");
        if is_fanout {
            session.declare(&own, queue)?;
            session.bind(&own, name)?;
        }
        session.consume(if is_fanout { &own } else { name }, prefetch)?;
        let (stream, rest) = session.into_parts();
        Ok(Connection::new(Link::new(stream, rest)?, Box::new(Amqp::consumer(prefetch > 0))))
    };
    let consumers = (0..class.consumers()).map(consumer).collect::<anyhow::Result<_>>()?;
    let confirms = class.is_durable();
    if confirms {
        publisher.confirm()?;
    }
    let target = Target {
        exchange: if is_fanout { name } else { "" },
        key: if is_fanout { "" } else { name },
        is_persistent: class.is_durable(),
    };
    let (stream, rest) = publisher.into_parts();
    let wire = Box::new(Amqp::publisher(target, BODY, confirms));
    Ok(Connections { publisher: Connection::new(Link::new(stream, rest)?, wire), consumers, confirms })
}

fn over_nats(class: Class, server: SocketAddr, name: &str) -> anyhow::Result<Connections> {
    let connection = |subject| -> anyhow::Result<Connection> {
        let (stream, rest) = nats::connect(server, subject)?;
        Ok(Connection::new(Link::new(stream, rest)?, Box::new(nats::Nats::new(name, BODY))))
    };
    let consumers = (0..class.consumers()).map(|_| connection(Some(name))).collect::<anyhow::Result<_>>()?;
    Ok(Connections { publisher: connection(None)?, consumers, confirms: false })
}

fn over_redis(class: Class, server: SocketAddr, name: &str) -> anyhow::Result<Connections> {
    redis::create(server, name)?;
    let link = || -> anyhow::Result<Link> {
        let (stream, rest) = redis::connect(server)?;
        Ok(Link::new(stream, rest)?)
    };
    let consumer = |_| Ok(Connection::new(link()?, Box::new(redis::Consumer::new(name))));
    let consumers = (0..class.consumers()).map(consumer).collect::<anyhow::Result<_>>()?;
    let publisher = Connection::new(link()?, Box::new(redis::Publisher::new(name, BODY)));
    Ok(Connections { publisher, consumers, confirms: true })
}
