//! The eleven steps of a call, as the notes number them (figure 5.2), with the times that they took.
//!
//! ```text
//!            1    2   3    4    5    6    7    8    9   10   11
//!  caller    ·                                               ██
//!  stub      ██                                         ██
//!  kernel         ██                               ██
//!  network            ██                      ██
//!  kernel                  ██                 ██
//!  skeleton                ██   ██        ██
//!  procedure                         ██
//! ```
//!
//! A step begins where the one before it ends, so all of them together are the whole call, and no time is left out. Only step 2 lies
//! beside the others: while send(2) still copies, the first bytes are already on their way, and with a long argument the server
//! already reads. So step 3 begins together with step 2.

use std::time::Instant;

use thiserror::Error;

use super::exchange::Exchange;
use super::record::{Moment, What, bytes_of};

/// Where something happens, from the caller to the procedure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// The program that calls.
    Caller,
    /// The client's stub.
    Stub,
    /// The client's kernel.
    ClientKernel,
    /// What is between the kernels.
    Network,
    /// The server's kernel.
    ServerKernel,
    /// The server's stub.
    Skeleton,
    /// What is called.
    Procedure,
}

impl Lane {
    /// All, in their order.
    pub const ALL: [Lane; 7] = [
        Lane::Caller,
        Lane::Stub,
        Lane::ClientKernel,
        Lane::Network,
        Lane::ServerKernel,
        Lane::Skeleton,
        Lane::Procedure,
    ];

    /// Its name in a picture.
    pub fn name(self) -> &'static str {
        match self {
            Lane::Caller => "caller",
            Lane::Stub => "stub",
            Lane::ClientKernel | Lane::ServerKernel => "kernel",
            Lane::Network => "network",
            Lane::Skeleton => "skeleton",
            Lane::Procedure => "procedure",
        }
    }
}

/// From when to when, nanoseconds since the caller has called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// It begins.
    pub from: u64,
    /// It ends.
    pub to: u64,
}

impl Span {
    /// How long it took, nanoseconds.
    pub fn took(self) -> u64 {
        self.to - self.from
    }
}

/// One of the eleven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// 1 to 11.
    pub number: usize,
    /// What happens.
    pub title: &'static str,
    /// What is handed over.
    pub handed: String,
    /// When.
    pub span: Span,
    /// Where, and when there.
    pub lanes: Vec<(Lane, Span)>,
}

const TITLES: [&str; 11] = [
    "the stub is called; it packs the arguments into a message: marshalling",
    "the stub gives the message to its kernel",
    "the network carries it to the server",
    "the skeleton takes it and unpacks the arguments: unmarshalling",
    "the skeleton calls the procedure",
    "the procedure runs and returns",
    "the skeleton packs the result into a message",
    "the kernel and the network carry it to the client",
    "the stub takes it from its kernel",
    "the stub unpacks the result and returns it",
    "the caller goes on",
];

/// A moment that a call must have is missing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} has not been recorded on the {1}")]
pub struct Missing(What, &'static str);

/// The eleven steps of a call that was answered.
///
/// # Errors
/// A moment is missing.
pub fn steps(exchange: &Exchange) -> Result<[Step; 11], Missing> {
    let client = Side { name: "client", moments: &exchange.client };
    let server = Side { name: "server", moments: &exchange.server };
    let called = client.first(What::Called)?.begin;
    let since = |instant| since(called, instant);

    let sends = since(client.first(What::Written)?.begin);
    let sent = since(client.last(What::Written)?.end);
    // A recv that began to wait before anything was sent has waited until then.
    let arrived = since(server.first(What::Read)?.begin).max(sends);
    let received = since(server.last(What::Read)?.end);
    let unpacked = since(server.last(What::Unmarshalled)?.end);
    let began = since(server.first(What::Ran)?.begin);
    let ran = since(server.first(What::Ran)?.end);
    let answers = since(server.first(What::Written)?.begin);
    let answered = since(server.last(What::Written)?.end);
    let came = since(client.first(What::Read)?.begin).max(answers);
    let taken = since(client.last(What::Read)?.end);
    let returned = since(client.first(What::Returned)?.begin);
    let went_on = since(client.first(What::Continued)?.begin);

    let handed = handed(exchange, &client, &server)?;
    let span = |from: u64, to: u64| Span { from, to: to.max(from) };
    let lanes = [
        vec![(Lane::Stub, span(0, sends))],
        vec![(Lane::ClientKernel, span(sends, sent))],
        vec![(Lane::Network, span(sends, arrived))],
        vec![(Lane::ServerKernel, span(arrived, received)), (Lane::Skeleton, span(received, unpacked))],
        vec![(Lane::Skeleton, span(unpacked, began))],
        vec![(Lane::Procedure, span(began, ran))],
        vec![(Lane::Skeleton, span(ran, answers))],
        vec![(Lane::ServerKernel, span(answers, answered)), (Lane::Network, span(answers, came))],
        vec![(Lane::ClientKernel, span(came, taken))],
        vec![(Lane::Stub, span(taken, returned))],
        vec![(Lane::Caller, span(returned, went_on))],
    ];
    let spans = [
        span(0, sends),
        span(sends, sent),
        span(sends, arrived),
        span(arrived, unpacked),
        span(unpacked, began),
        span(began, ran),
        span(ran, answers),
        span(answers, came),
        span(came, taken),
        span(taken, returned),
        span(returned, went_on),
    ];
    let mut parts = lanes.into_iter().zip(handed).zip(spans);
    Ok(std::array::from_fn(|index| {
        let ((lanes, handed), span) = parts.next().expect("there are eleven of each");
        Step { number: index + 1, title: TITLES[index], handed, span, lanes }
    }))
}

/// When each send and each recv was, and in which kernel.
///
/// # Errors
/// A moment is missing.
pub fn transfers(exchange: &Exchange) -> Result<Vec<(Lane, Span)>, Missing> {
    let client = Side { name: "client", moments: &exchange.client };
    let called = client.first(What::Called)?.begin;
    let sides = [(Lane::ClientKernel, &exchange.client), (Lane::ServerKernel, &exchange.server)];
    let passed = sides.into_iter().flat_map(|(lane, moments)| {
        let passed = moments.iter().filter(|moment| matches!(moment.what, What::Written | What::Read));
        passed.map(move |moment| {
            let (from, to) = (since(called, moment.begin), since(called, moment.end));
            (lane, Span { from, to })
        })
    });
    Ok(passed.collect())
}

fn since(called: Instant, instant: Instant) -> u64 {
    u64::try_from(instant.saturating_duration_since(called).as_nanos()).unwrap_or(u64::MAX)
}

/// What is handed over in each step.
fn handed(exchange: &Exchange, client: &Side<'_>, server: &Side<'_>) -> Result<[String; 11], Missing> {
    let argument = format!("a text of {}", bytes(exchange.text.len()));
    let took = |moment: &Moment| {
        let taken = moment.end.saturating_duration_since(moment.begin);
        format!("{:.1} us of it for that", taken.as_nanos() as f64 / 1e3)
    };
    let message = |side: &Side<'_>, what| bytes(bytes_of(side.moments, what).len());
    let (request, response) = (message(client, What::Written), message(server, What::Written));
    let parts = |side: &Side<'_>, what, call: &str| match side.all(what).count() {
        1 => format!("1 {call}"),
        several => format!("{several} {call}s"),
    };
    Ok([
        format!("publish({argument}) → {request}, {}", took(client.first(What::Marshalled)?)),
        format!("{request} in {}", parts(client, What::Written, "send")),
        format!("{request} over TCP, on the loopback"),
        format!(
            "{} in {} → {argument}, {}",
            message(server, What::Read),
            parts(server, What::Read, "recv"),
            took(server.last(What::Unmarshalled)?)
        ),
        argument.clone(),
        "the id of the message, a number".into(),
        format!("a number → {response}, {}", took(server.first(What::Marshalled)?)),
        format!("{response} in {}", parts(server, What::Written, "send")),
        format!("{} in {}", message(client, What::Read), parts(client, What::Read, "recv")),
        format!("{response} → a number, {}", took(client.last(What::Unmarshalled)?)),
        exchange.said.clone(),
    ])
}

fn bytes(count: usize) -> String {
    if count == 1 { "1 byte".into() } else { format!("{count} bytes") }
}

/// The moments of one side.
struct Side<'a> {
    name: &'static str,
    moments: &'a [Moment],
}

impl Side<'_> {
    fn all(&self, what: What) -> impl DoubleEndedIterator<Item = &Moment> {
        self.moments.iter().filter(move |moment| moment.what == what)
    }

    fn first(&self, what: What) -> Result<&Moment, Missing> {
        self.all(what).next().ok_or(Missing(what, self.name))
    }

    fn last(&self, what: What) -> Result<&Moment, Missing> {
        self.all(what).next_back().ok_or(Missing(what, self.name))
    }
}

#[cfg(test)]
mod tests;
