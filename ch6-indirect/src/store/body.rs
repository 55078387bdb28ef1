//! What a record says, in bytes: the body of a record of the log, without its length and check sums.
//!
//! ```text
//!   1 message    kind u8 │ flags u8 │ priority u8 │ id u64 │ expires u64 │ expiration u64 │ n u32 │ n × (queue u64, state u32)
//!                │ exchange: u16 and bytes │ routing key: u16 and bytes │ properties u32 │ properties and body
//!   2 removed    kind u8 │ message u64 │ queue u64
//!   3 requeued   kind u8 │ message u64 │ queue u64 │ state u32
//!   4 delivered  kind u8 │ queue u64 │ message u64
//!   5 deleted    kind u8 │ queue u64
//!   state: deliveries, and in the highest bit whether it may have been delivered.    All numbers: the lowest byte first.
//! ```

use std::time::Duration;

use crate::broker::output::QueueId;
use crate::broker::{MessageId, Record};

const PERSISTENT: u8 = 1;
const EXPIRES: u8 = 2;
const EXPIRATION: u8 = 4;

/// How a message stands in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct State(pub u32);

impl State {
    const REDELIVERED: u32 = 1 << 31;

    /// It was delivered so often, and came back.
    #[must_use]
    pub fn requeued(deliveries: u32) -> State {
        State(deliveries.min(State::REDELIVERED - 1) | State::REDELIVERED)
    }

    /// The same, and it may have been delivered.
    #[must_use]
    pub fn delivered(self) -> State {
        State(self.0 | State::REDELIVERED)
    }

    /// How often it was delivered and came back.
    #[must_use]
    pub fn deliveries(self) -> u32 {
        self.0 & !State::REDELIVERED
    }

    /// Whether it may have been delivered.
    #[must_use]
    pub fn is_redelivered(self) -> bool {
        self.0 & State::REDELIVERED != 0
    }
}

/// In which queues a message stands, and how.
#[derive(Debug, Clone, Copy)]
pub enum Queues<'a> {
    /// It has just come.
    New(&'a [QueueId]),
    /// As they are known.
    Known(&'a [(QueueId, State)]),
    /// As they were written, twelve bytes each.
    Bytes(&'a [u8]),
}

impl Queues<'_> {
    const EACH: usize = 12;

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Queues::New(queues) => queues.len(),
            Queues::Known(queues) => queues.len(),
            Queues::Bytes(bytes) => bytes.len() / Queues::EACH,
        }
    }

    /// Whether it is in none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The one at a place.
    #[must_use]
    pub fn at(&self, index: usize) -> (QueueId, State) {
        match self {
            Queues::New(queues) => (queues[index], State::default()),
            Queues::Known(queues) => queues[index],
            Queues::Bytes(bytes) => {
                let mut bytes = Reader(&bytes[index * Queues::EACH..]);
                (QueueId(bytes.u64().unwrap_or_default()), State(bytes.u32().unwrap_or_default()))
            }
        }
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = (QueueId, State)> {
        (0..self.len()).map(|index| self.at(index))
    }
}

/// A message as it is in the log.
#[derive(Debug, Clone, Copy)]
pub struct MessageBody<'a> {
    /// Its name.
    pub id: MessageId,
    /// Where it stands. It replaces what earlier records say of this message: so a message is moved to a later segment.
    pub queues: Queues<'a>,
    /// When it expires there, milliseconds since 1970.
    pub expires: Option<u64>,
    /// As the message's.
    pub is_persistent: bool,
    /// As the message's.
    pub priority: u8,
    /// As the message's, in whole milliseconds.
    pub expiration: Option<Duration>,
    /// As the message's.
    pub exchange: &'a str,
    /// As the message's.
    pub routing_key: &'a str,
    /// How long the properties are.
    pub properties: usize,
    /// Properties and body.
    pub content: &'a [u8],
}

/// What a record says.
#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    /// [`Record::Message`].
    Message(MessageBody<'a>),
    /// [`Record::Removed`].
    Removed(MessageId, QueueId),
    /// [`Record::Requeued`].
    Requeued(MessageId, QueueId, State),
    /// [`Record::Delivered`].
    Delivered(QueueId, MessageId),
    /// [`Record::Deleted`].
    Deleted(QueueId),
}

impl<'a> Body<'a> {
    /// What the broker wants written.
    #[must_use]
    pub fn of(record: &'a Record) -> Body<'a> {
        match record {
            Record::Message { message, queues, expires } => Body::Message(MessageBody {
                id: message.id,
                queues: Queues::New(queues),
                expires: *expires,
                is_persistent: message.is_persistent,
                priority: message.priority,
                expiration: message.expiration,
                exchange: &message.exchange,
                routing_key: &message.routing_key,
                properties: message.content.properties().len(),
                content: message.content.bytes(),
            }),
            &Record::Removed { message, queue } => Body::Removed(message, queue),
            &Record::Requeued { message, queue, deliveries } => {
                Body::Requeued(message, queue, State::requeued(deliveries))
            }
            &Record::Delivered { queue, up_to } => Body::Delivered(queue, up_to),
            &Record::Deleted { queue } => Body::Deleted(queue),
        }
    }

    /// How many bytes it takes.
    #[must_use]
    pub fn length(&self) -> usize {
        match self {
            Body::Message(message) => {
                let queues = message.queues.len() * Queues::EACH;
                let names = message.exchange.len() + message.routing_key.len();
                39 + queues + names + message.content.len()
            }
            Body::Removed(..) | Body::Delivered(..) => 17,
            Body::Requeued(..) => 21,
            Body::Deleted(..) => 9,
        }
    }

    /// Appends [`length`](Body::length) bytes.
    pub fn encode(&self, to: &mut Vec<u8>) {
        match self {
            Body::Message(message) => message.encode(to),
            Body::Removed(message, queue) => numbers(to, 2, [message.0, queue.0]),
            Body::Requeued(message, queue, state) => {
                numbers(to, 3, [message.0, queue.0]);
                to.extend_from_slice(&state.0.to_le_bytes());
            }
            Body::Delivered(queue, up_to) => numbers(to, 4, [queue.0, up_to.0]),
            Body::Deleted(queue) => numbers(to, 5, [queue.0]),
        }
    }

    /// What these bytes say; `None` if they say nothing.
    #[must_use]
    pub fn decode(bytes: &'a [u8]) -> Option<Body<'a>> {
        let mut bytes = Reader(bytes);
        let body = match bytes.u8()? {
            1 => Body::Message(MessageBody::decode(&mut bytes)?),
            2 => Body::Removed(MessageId(bytes.u64()?), QueueId(bytes.u64()?)),
            3 => Body::Requeued(MessageId(bytes.u64()?), QueueId(bytes.u64()?), State(bytes.u32()?)),
            4 => Body::Delivered(QueueId(bytes.u64()?), MessageId(bytes.u64()?)),
            5 => Body::Deleted(QueueId(bytes.u64()?)),
            _ => return None,
        };
        bytes.0.is_empty().then_some(body)
    }
}

fn numbers<const N: usize>(to: &mut Vec<u8>, kind: u8, numbers: [u64; N]) {
    to.push(kind);
    for number in numbers {
        to.extend_from_slice(&number.to_le_bytes());
    }
}

impl<'a> MessageBody<'a> {
    fn encode(&self, to: &mut Vec<u8>) {
        let flag = |is: bool, flag: u8| if is { flag } else { 0 };
        let flags = flag(self.is_persistent, PERSISTENT)
            | flag(self.expires.is_some(), EXPIRES)
            | flag(self.expiration.is_some(), EXPIRATION);
        let expiration =
            self.expiration.map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        to.extend_from_slice(&[1, flags, self.priority]);
        for number in [self.id.0, self.expires.unwrap_or(0), expiration] {
            to.extend_from_slice(&number.to_le_bytes());
        }
        to.extend_from_slice(&(self.queues.len() as u32).to_le_bytes());
        for (queue, state) in self.queues.iter() {
            to.extend_from_slice(&queue.0.to_le_bytes());
            to.extend_from_slice(&state.0.to_le_bytes());
        }
        for name in [self.exchange, self.routing_key] {
            let length = u16::try_from(name.len()).expect("names in AMQP have at most 255 bytes");
            to.extend_from_slice(&length.to_le_bytes());
            to.extend_from_slice(name.as_bytes());
        }
        to.extend_from_slice(&(self.properties as u32).to_le_bytes());
        to.extend_from_slice(self.content);
    }

    fn decode(bytes: &mut Reader<'a>) -> Option<MessageBody<'a>> {
        let (flags, priority) = (bytes.u8()?, bytes.u8()?);
        let (id, expires, expiration) = (MessageId(bytes.u64()?), bytes.u64()?, bytes.u64()?);
        let queues = bytes.u32()? as usize;
        let queues = Queues::Bytes(bytes.take(queues.checked_mul(Queues::EACH)?)?);
        let (exchange, routing_key) = (bytes.name()?, bytes.name()?);
        let properties = bytes.u32()? as usize;
        let content = std::mem::take(&mut bytes.0);
        (properties <= content.len()).then_some(MessageBody {
            id,
            queues,
            expires: (flags & EXPIRES != 0).then_some(expires),
            is_persistent: flags & PERSISTENT != 0,
            priority,
            expiration: (flags & EXPIRATION != 0).then_some(Duration::from_millis(expiration)),
            exchange,
            routing_key,
            properties,
            content,
        })
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn name(&mut self) -> Option<&'a str> {
        let length = self.u16()? as usize;
        std::str::from_utf8(self.take(length)?).ok()
    }
}
