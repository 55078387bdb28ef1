//! The message board's client: publish if asked, then read what is there. Notes, chapter 2, figures 2.3 and 2.4.
//!
//! ```text
//!   -m TEXT ──► PUBLISH ──► Message published
//!               LAST n ──► ids ──► GET id, one at a time ──► time [ip:port] -> text
//!               over TCP instead: code 5, all texts in one response; with --code 4 as the notes have it
//! ```
//!
//! What carries the requests is chosen with `--transport`; each has a file below. All that can go wrong is in [`Error`].

mod arguments;
mod channel;
mod error;
mod left_out;
mod progress;
mod retry;
mod session;
mod show;
mod tcp;
mod text;
mod times;
mod udp;

use std::net::{SocketAddr, ToSocketAddrs};
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use common::core::stop::Stop;
use common::protocol::mboard::received::{self, Refused};
use common::protocol::mboard::{Id, Request};

pub use arguments::BoardClientArgs;
use arguments::{ClientTransport, Code};
use channel::Channel;
pub use error::Error;
pub use retry::RetryPolicy;
pub use session::SessionDriver;
use show::Screen;

/// Runs the client.
///
/// # Errors
/// A sentence about what went wrong, for exit status 1.
pub fn run(args: &BoardClientArgs) -> anyhow::Result<ExitCode> {
    let stop = Stop::install().context("no descriptor for the stop")?;
    match try_servers(args, stop) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(Error::Interrupted) => {
            tracing::info!("interrupted");
            Ok(ExitCode::from(common::support::interrupt::STATUS))
        }
        Err(error @ (Error::NotPublished(_) | Error::TooLong(_))) => {
            common::support::log::line(format_args!("error: {error}"));
            Ok(ExitCode::from(3))
        }
        Err(Error::Io(error)) => Err(error.into()),
        Err(error) => Err(error.into()),
    }
}

fn try_servers(args: &BoardClientArgs, stop: Stop) -> Result<(), Error> {
    let mut text =
        args.message.as_deref().map(|message| text::read(message, args.transport, stop)).transpose()?;
    let servers = resolve(&args.host, args.port).map_err(Error::Other)?;
    let retry = RetryPolicy { timeout: args.timeout, retries: args.retries, stop };
    let mut refusal = None;
    // A name may have several addresses, `localhost` mostly has two: the first where somebody listens is taken.
    for server in servers {
        let mut channel = Channel::open(args, server, retry)?;
        let done = converse(args, &mut channel, &mut text);
        if args.session.stats {
            channel.describe();
        }
        match done {
            Err(error @ Error::NobodyListens(_)) => refusal = refusal.or(Some(error)),
            done => return done,
        }
    }
    Err(refusal.expect("a name that resolves has an address"))
}

fn resolve(host: &str, port: u16) -> anyhow::Result<Vec<SocketAddr>> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let found = (bare, port).to_socket_addrs().with_context(|| format!("cannot find the host {host}"))?;
    let mut servers: Vec<SocketAddr> = found.collect();
    servers.dedup();
    if servers.is_empty() { Err(anyhow!("the host {host} has no address")) } else { Ok(servers) }
}

/// The text is taken once it is published, so that no second server gets it too.
fn converse(args: &BoardClientArgs, channel: &mut Channel, text: &mut Option<Vec<u8>>) -> Result<(), Error> {
    if let Some(message) = text {
        publish(channel, message)?;
        *text = None;
        if args.publish_only {
            return Ok(());
        }
    }
    if args.current_time {
        return times::current(channel);
    }
    if let Some(id) = args.delivery_time {
        return times::delivery(channel, Id(id));
    }
    let mut screen = Screen::default();
    if args.transport == ClientTransport::Tcp {
        return read_at_once(args, channel, &mut screen);
    }
    let response = channel.ask(Request::Last(args.last).encode())?;
    let ids = received::ids(&response)?;
    let before = if channel.is_plain() { left_out::ids(&ids, args.last, &response) } else { 0..0 };
    for id in before.map(Id).chain(ids) {
        read_one(channel, id, &mut screen)?;
    }
    screen.end()
}

fn publish(channel: &mut Channel, text: &[u8]) -> Result<(), Error> {
    let response = channel.ask(Request::Publish(text).encode()).map_err(|error| match error {
        Error::Session(error) => Error::NotPublished(error.to_string()),
        Error::Silence { .. }
        | Error::SilentPath { .. }
        | Error::NobodyAnswers { .. }
        | Error::Interrupted
        | Error::Network(..) => {
            tracing::warn!("whether the message has been published is not known");
            error
        }
        error => error,
    })?;
    received::published(&response).map_err(|refused| Error::NotPublished(refused.to_string()))?;
    show::published()
}

fn read_one(channel: &mut Channel, id: Id, screen: &mut Screen) -> Result<(), Error> {
    let response = channel.ask(Request::Get(id).encode())?;
    match received::message(&response) {
        Ok(message) => {
            screen.message(&message)?;
            if channel.cuts(&response) {
                tracing::warn!("message {id} may be longer: it is cut to what one datagram carries");
            }
            Ok(())
        }
        // Another board than the one that gave us the ids: the server was started anew between two requests.
        Err(Refused::MessageNotFound) => {
            tracing::warn!("the board no longer has message {id}");
            Ok(())
        }
        Err(refused) => Err(refused.into()),
    }
}

fn read_at_once(args: &BoardClientArgs, channel: &mut Channel, screen: &mut Screen) -> Result<(), Error> {
    if args.code != Some(Code::Joined) {
        let response = channel.ask(Request::LastCounted(args.last).encode())?;
        match received::counted(&response) {
            Ok(messages) => {
                let first = messages.first();
                let before = left_out::show_before(first, messages.len(), args.last, channel, screen);
                messages.iter().try_for_each(|message| screen.message(message))?;
                screen.end()?;
                return before; // what is here is shown, whatever has become of the rest
            }
            // An original server, which has no code 5. It says so, or that it cannot read the request.
            Err(Refused::UnknownControl | Refused::BadFormat) if args.code.is_none() => {
                tracing::info!(
                    "the server has no code 5: asking with code 4, which a colon in a text breaks"
                );
            }
            Err(refused) => return Err(refused.into()),
        }
    }
    let response = channel.ask(Request::LastJoined(args.last).encode())?;
    let pieces = received::joined(&response)?;
    let messages: Vec<_> = pieces.iter().flatten().collect();
    let before = left_out::show_before(messages.first().copied(), messages.len(), args.last, channel, screen);
    for piece in pieces {
        match piece {
            Ok(message) => screen.message(&message)?,
            Err(piece) => screen.fragment(piece)?,
        }
    }
    screen.end()?;
    before
}
