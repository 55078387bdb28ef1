//! A connection that is set up: one method, one answer, each waited for.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use super::amqp::{CHANNEL, refusal};
use super::frame::{self, Arguments, FRAME_MAX, HEARTBEAT, METHOD};
use super::method::Method;

/// How long an answer may take. A broker that has much on its disk takes long to delete it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection with an open channel.
#[derive(Debug)]
pub struct Session {
    stream: TcpStream,
    /// What came and was not read.
    rest: Vec<u8>,
}

/// What kind of queue is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// In memory, and gone with its last consumer.
    Transient,
    /// It survives the broker.
    Durable,
    /// It survives the broker, and its messages are in a replicated log.
    Quorum,
}

impl Session {
    /// Connects as guest, without heartbeats, and opens the channel.
    ///
    /// # Errors
    /// There is no broker, or it refuses.
    pub fn open(address: SocketAddr) -> anyhow::Result<Session> {
        let mut stream =
            TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"AMQP\x00\x00\x09\x01")?;
        let mut session = Session { stream, rest: Vec::new() };
        session.expect((10, 10))?;
        let start_ok =
            Method::new(10, 11).table(&[]).text("PLAIN").long_text(b"\0guest\0guest").text("en_US");
        let tune = session.ask_on(0, &start_ok, (10, 30))?;
        let mut tune = Arguments(&tune);
        let (channels, offered, _) = (tune.short()?, tune.long()?, tune.short()?);
        let frame_max = if offered == 0 { FRAME_MAX } else { offered.min(FRAME_MAX) };
        let mut tune_ok = Method::new(10, 31).short(channels).long(frame_max).short(0).frame(0);
        tune_ok.extend(Method::new(10, 40).text("/").text("").octet(0).frame(0));
        session.stream.write_all(&tune_ok)?;
        session.expect((10, 41))?;
        session.ask(&Method::new(20, 10).text(""), (20, 11))?;
        Ok(session)
    }

    /// Declares a queue and says how many messages are in it.
    ///
    /// # Errors
    /// As for all: the broker refuses, says something else, or nothing for a minute.
    pub fn declare(&mut self, name: &str, queue: Queue) -> anyhow::Result<u32> {
        let (bits, kind) = match queue {
            Queue::Transient => (0b1000, "classic"),
            Queue::Durable => (0b010, "classic"),
            Queue::Quorum => (0b010, "quorum"),
        };
        self.declare_with(name, bits, &[("x-queue-type", kind)])
    }

    /// How many messages are in a queue.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn length(&mut self, name: &str) -> anyhow::Result<u32> {
        self.declare_with(name, 0b001, &[])
    }

    fn declare_with(&mut self, name: &str, bits: u8, fields: &[(&str, &str)]) -> anyhow::Result<u32> {
        let declare = Method::new(50, 10).short(0).text(name).octet(bits).table(fields);
        let answer = self.ask(&declare, (50, 11))?;
        let mut answer = Arguments(&answer);
        answer.text()?;
        answer.long()
    }

    /// Deletes a queue with all that is in it.
    ///
    /// # Errors
    /// The broker refuses.
    pub fn delete(&mut self, name: &str) -> anyhow::Result<()> {
        self.ask(&Method::new(50, 40).short(0).text(name).octet(0), (50, 41)).map(drop)
    }

    /// Declares a fan-out exchange that goes with its last binding.
    ///
    /// # Errors
    /// The broker refuses.
    pub fn declare_fanout(&mut self, name: &str) -> anyhow::Result<()> {
        let declare = Method::new(40, 10).short(0).text(name).text("fanout").octet(0b100).table(&[]);
        self.ask(&declare, (40, 11)).map(drop)
    }

    /// Binds a queue to an exchange.
    ///
    /// # Errors
    /// The broker refuses.
    pub fn bind(&mut self, queue: &str, exchange: &str) -> anyhow::Result<()> {
        let bind = Method::new(50, 20).short(0).text(queue).text(exchange).text("").octet(0).table(&[]);
        self.ask(&bind, (50, 21)).map(drop)
    }

    /// Lets messages be delivered; at most `prefetch` that are not acknowledged, 0: without acknowledgements.
    ///
    /// # Errors
    /// The broker refuses.
    pub fn consume(&mut self, queue: &str, prefetch: u16) -> anyhow::Result<()> {
        self.ask(&Method::new(60, 10).long(0).short(prefetch).octet(0), (60, 11))?;
        let bits = if prefetch == 0 { 0b0010 } else { 0 };
        let consume = Method::new(60, 20).short(0).text(queue).text("c").octet(bits).table(&[]);
        self.ask(&consume, (60, 21)).map(drop)
    }

    /// From now on publications are confirmed.
    ///
    /// # Errors
    /// The broker refuses.
    pub fn confirm(&mut self) -> anyhow::Result<()> {
        self.ask(&Method::new(85, 10).octet(0), (85, 11)).map(drop)
    }

    /// The socket, and what came of deliveries already.
    #[must_use]
    pub fn into_parts(self) -> (TcpStream, Vec<u8>) {
        (self.stream, self.rest)
    }

    fn ask(&mut self, method: &Method, answer: (u16, u16)) -> anyhow::Result<Vec<u8>> {
        self.ask_on(CHANNEL, method, answer)
    }

    fn ask_on(&mut self, channel: u16, method: &Method, answer: (u16, u16)) -> anyhow::Result<Vec<u8>> {
        self.stream.write_all(&method.frame(channel))?;
        self.expect(answer)
    }

    /// The arguments of the next method, which must be this one.
    fn expect(&mut self, wanted: (u16, u16)) -> anyhow::Result<Vec<u8>> {
        loop {
            while let Some((frame, used)) = frame::next(&self.rest)? {
                if frame.kind == HEARTBEAT {
                    self.rest.drain(..used);
                    continue;
                }
                ensure!(frame.kind == METHOD, "a frame of kind {} is no answer", frame.kind);
                let mut arguments = Arguments(frame.payload);
                let (class, method) = (arguments.short()?, arguments.short()?);
                if (class, method) != wanted {
                    bail!("{}", refusal(class, method, arguments));
                }
                let arguments = arguments.0.to_vec();
                self.rest.drain(..used);
                return Ok(arguments);
            }
            let mut some = [0; 4096];
            let length = self.stream.read(&mut some).context("no answer")?;
            ensure!(length > 0, "the broker has closed the connection");
            self.rest.extend_from_slice(&some[..length]);
        }
    }
}
