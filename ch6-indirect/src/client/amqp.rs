//! AMQP as a wire of the engine: publications from a template, deliveries counted in place, acknowledgements up to the last tag.

use std::ops::Range;

use anyhow::{bail, ensure};
use common::support::terminal::text;

use super::confirms::Confirms;
use super::frame::{self, Arguments, BODY, Frame, HEADER, HEARTBEAT, METHOD};
use super::method::Method;
use super::wire::{Seen, Template, Wire};

/// The channel that everything happens on.
pub const CHANNEL: u16 = 1;
/// The only property: whether the message is persistent.
const DELIVERY_MODE: u16 = 0x1000;

/// Where messages go.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The exchange; empty: the default one.
    pub exchange: &'a str,
    /// The routing key: with the default exchange the name of a queue.
    pub key: &'a str,
    /// Whether they are to survive the broker.
    pub is_persistent: bool,
}

/// A connection on which the channel is open.
#[derive(Debug)]
pub struct Amqp {
    template: Template,
    confirms: Option<Confirms>,
    acks: bool,
    /// The tag of the last delivery, and the one up to which all are acknowledged.
    tag: u64,
    acked: u64,
    expected: Expected,
}

/// What the next frame of the channel must be.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Expected {
    Method,
    Header,
    /// So many bytes; `true`: none has come.
    Body(u64, bool),
}

impl Amqp {
    /// One that publishes bodies of so many bytes. `confirms`: the channel is in confirm mode.
    #[must_use]
    pub fn publisher(target: Target<'_>, size: usize, confirms: bool) -> Amqp {
        let publish =
            Method::new(60, 40).short(0).text(target.exchange).text(target.key).octet(0).frame(CHANNEL);
        let mode = if target.is_persistent { 2 } else { 1 };
        let header = Method::new(60, 0).long_long(size as u64).short(DELIVERY_MODE).octet(mode);
        let mut before = publish;
        header.append(HEADER, CHANNEL, &mut before);
        let mut body = Vec::new();
        frame::write(BODY, CHANNEL, &vec![0; size], &mut body);
        before.extend_from_slice(&body[..7]);
        Amqp {
            template: Template::new(&before, size, &[frame::END]),
            confirms: confirms.then(Confirms::default),
            acks: false,
            tag: 0,
            acked: 0,
            expected: Expected::Method,
        }
    }

    /// One that consumes. `acks`: what came is acknowledged, all that came together by one method.
    #[must_use]
    pub fn consumer(acks: bool) -> Amqp {
        let nowhere = Target { exchange: "", key: "", is_persistent: false };
        Amqp { acks, ..Amqp::publisher(nowhere, 8, false) }
    }

    fn frame(&mut self, frame: &Frame<'_>, seen: &mut Seen) -> anyhow::Result<()> {
        match (frame.kind, self.expected) {
            (METHOD, Expected::Method) => self.method(frame.payload, seen),
            (HEADER, Expected::Header) => {
                let mut arguments = Arguments(frame.payload);
                arguments.long()?; // class and weight
                let size = arguments.long_long()?;
                ensure!(size > 0, "a message without a body");
                self.expected = Expected::Body(size, true);
                Ok(())
            }
            (BODY, Expected::Body(left, is_first)) => {
                let length = frame.payload.len() as u64;
                ensure!(length <= left, "a body of {length} bytes where {left} are left");
                if is_first {
                    seen.body(frame.payload)?;
                }
                self.expected =
                    if length == left { Expected::Method } else { Expected::Body(left - length, false) };
                Ok(())
            }
            (HEARTBEAT, _) => Ok(()),
            (kind, expected) => bail!("a frame of kind {kind} where {expected:?} was expected"),
        }
    }

    fn method(&mut self, payload: &[u8], seen: &mut Seen) -> anyhow::Result<()> {
        let mut arguments = Arguments(payload);
        match (arguments.short()?, arguments.short()?) {
            // basic.deliver
            (60, 60) => {
                arguments.text()?;
                let tag = arguments.long_long()?;
                ensure!(tag > self.tag, "delivery {tag} came behind delivery {}", self.tag);
                ensure!(arguments.octet()? == 0, "delivery {tag} was delivered before");
                self.tag = tag;
                self.expected = Expected::Header;
            }
            // basic.ack
            (60, 80) => {
                let (tag, multiple) = (arguments.long_long()?, arguments.octet()? & 1 == 1);
                let Some(confirms) = &mut self.confirms else { bail!("a confirm without confirm mode") };
                confirms.confirm(tag, multiple, &mut seen.confirmed)?;
            }
            // connection.blocked and unblocked: the confirms hold the publisher back.
            (10, 60 | 61) => {}
            (class, method) => bail!("{}", refusal(class, method, arguments)),
        }
        Ok(())
    }
}

/// A method that nobody asked for, in words.
pub(super) fn refusal(class: u16, method: u16, mut arguments: Arguments<'_>) -> String {
    let mut words = || anyhow::Ok((arguments.short()?, text(arguments.text()?)));
    let what = match (class, method) {
        (10, 50) => "the connection is closed",
        (20, 40) => "the channel is closed",
        (60, 50) => "a message came back",
        (60, 120) => return "a publication is refused".into(),
        (60, 30) => return "the queue is gone".into(),
        _ => return format!("method {class}.{method} was not expected"),
    };
    words().map_or_else(|_| what.to_owned(), |(code, text)| format!("{what}: {code} {text}"))
}

impl Wire for Amqp {
    fn publish(&mut self, numbers: Range<u64>, out: &mut Vec<u8>) {
        if let Some(confirms) = &mut self.confirms {
            confirms.published(numbers.end - numbers.start);
        }
        self.template.write(numbers, out);
    }

    fn read(&mut self, bytes: &[u8], seen: &mut Seen) -> anyhow::Result<usize> {
        let mut used = 0;
        while let Some((frame, length)) = frame::next(&bytes[used..])? {
            self.frame(&frame, seen)?;
            used += length;
        }
        Ok(used)
    }

    fn answer(&mut self, out: &mut Vec<u8>) {
        // A delivery whose body has not come is not acknowledged: its turn is next.
        let last = if self.expected == Expected::Method { self.tag } else { self.tag - 1 };
        if self.acks && last > self.acked {
            Method::new(60, 80).long_long(last).octet(1).append(METHOD, CHANNEL, out);
            self.acked = last;
        }
    }
}

#[cfg(test)]
mod tests;
