//! `--pipeline`: registers and posts, first one call after the other, then both at once, over a link on which a round trip is long.
//!
//! ```text
//!   one by one:   register ──►          pipelined:   register, result of it: post ──►
//!                 ◄── reference                      ◄── reference, None
//!                 post ──►
//!                 ◄── None
//! ```
//!
//! Round trips are not claimed but counted, in what the link has recorded.

use std::io::Write;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use common::netem::ladder::ladder;
use common::netem::picture::{About, html};
use common::netem::{Direction, LinkEvent, Outcome, Profile, Recorder, Relay, Settings};
use common::support::cli::{human, stdout};

use super::args::ChatClientArgs;
use crate::objects::connection::{Connection, Returned};
use crate::objects::flat::Flat;
use crate::objects::message::{ANSWER_LIMIT, Argument, Message, Target, decode};
use crate::pyro::uri::Uri;

/// What one way of calling costs.
struct Run {
    name: &'static str,
    round_trips: usize,
    time: Duration,
    events: Vec<LinkEvent>,
}

pub(super) fn run(args: &ChatClientArgs, delay: Duration) -> anyhow::Result<ExitCode> {
    let chat = args.chat()?;
    let runs = [measure(args, &chat, delay, false)?, measure(args, &chat, delay, true)?];
    let mut out = stdout();
    writeln!(out, "register and post, on a link with a delay of {} in each direction:", human(delay))?;
    writeln!(out, "{:<12}{:>12}{:>10}", "", "round trips", "time")?;
    for run in &runs {
        let milliseconds = format!("{} ms", run.time.as_millis());
        writeln!(out, "{:<12}{:>12}{:>10}", run.name, run.round_trips, milliseconds)?;
    }
    for run in &runs {
        writeln!(out, "\n{}:\n{}", run.name, ladder(&run.events, 20).trim_end())?;
    }
    if let Some(path) = &args.picture {
        draw(path, &runs)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn measure(args: &ChatClientArgs, chat: &Uri, delay: Duration, is_pipelined: bool) -> anyhow::Result<Run> {
    let mut addresses = (chat.host.as_str(), chat.port).to_socket_addrs()?;
    let to: SocketAddr = addresses.next().context("the chat's host has no address")?;
    let profile = Profile { delay, ..Profile::default() };
    let settings = Settings { udp: false, label, ..Settings::new(to, profile, 0) };
    let recorder = Arc::new(Recorder::new(None, true));
    let relay = Relay::bind(&settings)?.start(Arc::clone(&recorder))?;
    let address = relay.address();
    let mut connection = Connection::open(&address.ip().to_string(), address.port(), args.options()?)?;
    let begin = Instant::now();
    let name = args.name.as_deref().context("without a name one cannot register: -n NAME")?;
    let text = args.message.first().map_or("hello", String::as_str);
    let argument = |text: &str| vec![Argument::Value(Flat::from(&text.into()))];
    let target = Target::Object(chat.object.clone());
    let register = connection.start(connection.outgoing(target, "chat.Chat", "register", argument(name)))?;
    let user = if is_pipelined { register.target() } else { wait_for_user(&mut connection, register)? };
    let post = connection.start(connection.outgoing(user, "chat.User", "post", argument(text)))?;
    connection.wait(post)?;
    let time = begin.elapsed();
    drop(connection);
    relay.stop()?;
    let (mut events, _) = recorder.finish()?;
    events.retain(|event| event.outcome == Outcome::Passed);
    let name = if is_pipelined { "pipelined" } else { "one by one" };
    Ok(Run { name, round_trips: round_trips(&events), time, events })
}

fn wait_for_user(
    connection: &mut Connection,
    register: crate::objects::connection::Promise,
) -> anyhow::Result<Target> {
    let Returned::Reference(reference) = connection.wait(register)? else {
        bail!("the chat answers with something that is no reference");
    };
    Ok(Target::Object(reference.uri.parse::<Uri>()?.object))
}

/// How often the client had to wait for the server before it sent more, and at last for the end.
fn round_trips(events: &[LinkEvent]) -> usize {
    let mut events: Vec<&LinkEvent> = events.iter().collect();
    events.sort_by_key(|event| event.at);
    let up = |event: &&LinkEvent| event.direction == Direction::Up;
    events.chunk_by(|one, other| up(one) == up(other)).filter(|run| up(&run[0])).count()
}

/// What a chunk of the stream carries, in a few words.
fn label(mut bytes: &[u8]) -> Option<String> {
    let mut words = Vec::new();
    while let Ok(Some((message, consumed))) = decode(bytes, ANSWER_LIMIT) {
        bytes = &bytes[consumed..];
        match message {
            Message::Hello { .. }
            | Message::Dirty { .. }
            | Message::Leased { .. }
            | Message::Clean { .. } => {}
            Message::Call(call) => words.push(call.method),
            Message::Answer { number, .. } => words.push(format!("answer {number}")),
            Message::Refused { .. } => words.push("refused".into()),
        }
    }
    Some(words.join("+"))
}

fn draw(path: &Path, runs: &[Run]) -> anyhow::Result<()> {
    // One page with two flows: the second run follows the first.
    let mut events = Vec::new();
    for (flow, run) in (0..).zip(runs) {
        events.extend(run.events.iter().map(|event| LinkEvent { flow, ..event.clone() }));
    }
    let about = About { command: "cargo ch5 chat-client --pipeline".into(), ..About::default() };
    std::fs::write(path, html(&events, &about)).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_trip_is_counted_for_each_time_that_the_client_waits() {
        use Direction::{Down, Up};
        let events = |ways: &[Direction]| -> Vec<LinkEvent> {
            let event = |(at, way): (u64, &Direction)| {
                LinkEvent::new(Duration::from_millis(at), 0, *way, at, b"x", Outcome::Passed)
            };
            let mut events: Vec<_> = (0..).zip(ways).map(event).collect();
            events.reverse(); // in any order: the two directions are recorded apart
            events
        };
        assert_eq!(round_trips(&events(&[Up, Down, Up, Down])), 2);
        assert_eq!(round_trips(&events(&[Up, Up, Down, Down])), 1);
        assert_eq!(round_trips(&events(&[])), 0);
    }
}
