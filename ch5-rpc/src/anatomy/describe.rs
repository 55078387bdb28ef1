//! What is known of a call, ready to be shown: as text, as JSON or as a page.

use serde::Serialize;

use super::exchange::{Exchange, exchange};
use super::fields::{Direction, Field, fields, hex};
use super::plan::{Ending, Transport};
use super::record::{Moment, What, bytes_of};
use super::steps::{Lane, Span, Step, steps, transfers};

/// Calls of which the one in the middle is shown: on a busy machine one alone may be any.
pub const CALLS: usize = 5;

/// A call with its steps and its messages.
#[derive(Debug, Clone)]
pub struct Anatomy {
    /// How it travelled.
    pub transport: Transport,
    /// Bytes of the argument.
    pub text: usize,
    /// The eleven.
    pub steps: [Step; 11],
    /// Each send and each recv.
    pub transfers: Vec<(Lane, Span)>,
    /// Request and response.
    pub messages: Messages,
    /// Calls that ended in another way, without their steps.
    pub others: Vec<Messages>,
}

/// What went over the wire for one call.
#[derive(Debug, Clone, Serialize)]
pub struct Messages {
    /// How the call ended.
    pub ending: &'static str,
    /// What its caller heard, or did.
    pub said: String,
    /// From the client to the server.
    pub request: Dissected,
    /// From the server to the client.
    pub response: Dissected,
}

/// Bytes and what they mean.
#[derive(Debug, Clone, Serialize)]
pub struct Dissected {
    /// How many.
    pub length: usize,
    /// How many each recv returned.
    pub parts: Vec<usize>,
    /// The fields, from the first byte to the last.
    pub fields: Vec<Shown>,
}

/// A field as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    /// The place of its first byte.
    pub at: usize,
    /// How many bytes.
    pub length: usize,
    /// The bytes, of many the first ones.
    pub hex: String,
    /// What it is called.
    pub name: String,
    /// What it says.
    pub meaning: String,
}

impl Anatomy {
    /// Calls for real some times, and takes apart the call that took neither long nor short.
    ///
    /// # Errors
    /// A call failed, or its bytes cannot be read.
    pub fn of(transport: Transport, text: &str) -> anyhow::Result<Anatomy> {
        let mut calls = Vec::new();
        for _ in 0..CALLS {
            let call = exchange(transport, text, Ending::Answered)?;
            calls.push((steps(&call)?, call));
        }
        calls.sort_by_key(|(steps, _)| whole(steps));
        let (steps, call) = calls.swap_remove(CALLS / 2);
        let others = transport.other_endings().iter().map(|ending| {
            // The text of such a call is not what it is about.
            let call = exchange(transport, "hello", *ending)?;
            messages(&call)
        });
        Ok(Anatomy {
            transport,
            text: text.len(),
            transfers: transfers(&call)?,
            steps,
            messages: messages(&call)?,
            others: others.collect::<anyhow::Result<_>>()?,
        })
    }

    /// The whole call, nanoseconds: from the call to the return.
    pub fn whole(&self) -> u64 {
        whole(&self.steps)
    }
}

fn whole(steps: &[Step; 11]) -> u64 {
    steps[9].span.to
}

fn messages(call: &Exchange) -> anyhow::Result<Messages> {
    Ok(Messages {
        ending: call.ending.title(),
        said: call.said.clone(),
        request: dissected(call.transport, Direction::Request, &call.server)?,
        response: dissected(call.transport, Direction::Response(call.ending.result()), &call.client)?,
    })
}

/// The bytes as the receiver has read them.
fn dissected(transport: Transport, direction: Direction, moments: &[Moment]) -> anyhow::Result<Dissected> {
    let bytes = bytes_of(moments, What::Read);
    let read = moments.iter().filter(|moment| moment.what == What::Read);
    let fields = fields(transport, direction, &bytes)?;
    Ok(Dissected {
        length: bytes.len(),
        parts: read.map(|moment| moment.bytes.len()).collect(),
        fields: fields.into_iter().map(|field| shown(field, &bytes)).collect(),
    })
}

fn shown(Field { at, name, meaning }: Field, bytes: &[u8]) -> Shown {
    Shown { at: at.start, length: at.len(), hex: hex(&bytes[at]), name, meaning }
}
