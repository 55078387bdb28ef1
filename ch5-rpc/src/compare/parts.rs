//! Where the time of a call goes.
//!
//! ```text
//!   client encodes ─┐                                                     ┌─► client decodes        measured in one process, without
//!                   └─► server decodes ──► procedure ──► server encodes ──┘                         a socket: the code of both ends
//!   bare exchange       the same number of bytes there and back between two processes that only read and write (`wire::bare_bytes`)
//!   the rest            what is left of the time of a call: the runtime, its tasks and wake-ups, checks, logging
//! ```
//!
//! The rest is a difference, and so not measured itself. It can be negative: the bare exchange blocks in one thread at each end, and
//! what answers in another way can be faster.

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context;
use common::bench::machine::Pins;
use common::support::child_server::{ChildServer, this_program};
use serde::Serialize;

use super::contestant::Contestant;
use super::framing::Framing;
use super::stopwatch::{InMemory, Part, Stopwatch};
use super::tally::Tally;
use super::wire::{bare, bare_bytes, framed, http, mboard, ours, pyro};
use crate::rpc::codec::Format;
use crate::stub::wire::Wire;

/// Calls in memory at the most: each puts a message on a board.
const MOST_CALLS: usize = 20_000;

/// What was found of a call: half of the times are no longer, µs.
#[derive(Debug, Clone, Serialize)]
pub struct Parts {
    /// Of each part; `None` where the code is not ours.
    pub in_memory_us: [Option<f64>; 5],
    /// The bare exchange.
    pub bare_us: f64,
    /// Bytes of the request and of the answer.
    pub bytes: [usize; 2],
}

impl Parts {
    /// Measures, for so long each: the parts in memory, then the bare exchange.
    pub fn measure(contestant: Contestant, time: Duration, pins: Pins) -> anyhow::Result<Parts> {
        let mut call = in_memory(contestant);
        let began = Instant::now();
        let mut watch = Stopwatch::default();
        let bytes = call(&mut watch)?;
        for _ in 1..MOST_CALLS {
            if began.elapsed() >= time {
                break;
            }
            black_box(call(&mut watch)?);
        }
        let is_known = |index| contestant != Contestant::PythonXmlRpc || !Part::is_server(index);
        let typical = |index: usize| is_known(index).then(|| watch.spent[index].typical_us());
        let bare_us = bare(contestant, bytes, time, pins)?;
        Ok(Parts { in_memory_us: std::array::from_fn(typical), bare_us, bytes })
    }

    /// The parts as the tables have them, when a call takes so long: those in memory, the bare exchange, the rest.
    pub fn of(&self, call_us: f64) -> [Option<f64>; 7] {
        let known: f64 = self.in_memory_us.iter().flatten().sum::<f64>() + self.bare_us;
        let [a, b, c, d, e] = self.in_memory_us;
        [a, b, c, d, e, Some(self.bare_us), Some(call_us - known)]
    }
}

/// The headings of [`Parts::of`].
pub const HEADINGS: [&str; 7] = {
    let [a, b, c, d, e] = Part::NAMES;
    [a, b, c, d, e, "bare exchange", "the rest"]
};

fn in_memory(contestant: Contestant) -> InMemory {
    match contestant {
        Contestant::RawUdp | Contestant::TcpShort => mboard::in_memory(0),
        Contestant::TcpLong => mboard::in_memory(4),
        Contestant::Framed => framed::in_memory(),
        Contestant::TarpcBare => bare::in_memory(),
        Contestant::Tarpc => ours::in_memory(Format::Bincode),
        Contestant::TarpcJson => ours::in_memory(Format::Json),
        Contestant::JsonRpc => http::in_memory(Wire::Json),
        Contestant::XmlRpc | Contestant::PythonXmlRpc | Contestant::HttpEcho => http::in_memory(Wire::Xml),
        Contestant::Pyro => pyro::in_memory(),
    }
}

/// The typical time of an exchange of so many bytes, µs.
fn bare(contestant: Contestant, bytes: [usize; 2], time: Duration, pins: Pins) -> anyhow::Result<f64> {
    let is_datagram = contestant == Contestant::RawUdp;
    pins.go_to_servers()?;
    let kind = if is_datagram { "bare-datagrams" } else { "bare-bytes" };
    let started =
        ChildServer::start(this_program(["compare-server", kind])?.args(["-p", "0", "--log", "warn"]));
    pins.go_to_generator()?;
    let server = started?;
    let is_short = Framing::of(contestant) == Framing::UntilEnd || contestant == Contestant::PythonXmlRpc;
    let mut exchange = connect(server.address, is_datagram, is_short, bytes)?;
    let mut tally = Tally::default();
    exchange()?;
    let until = Instant::now() + time;
    loop {
        let sent = Instant::now();
        exchange()?;
        let now = Instant::now();
        tally.add(now - sent);
        if now >= until {
            return Ok(tally.typical_us());
        }
    }
}

type Exchange = Box<dyn FnMut() -> anyhow::Result<()>>;

fn connect(
    server: SocketAddr,
    is_datagram: bool,
    is_short: bool,
    bytes: [usize; 2],
) -> anyhow::Result<Exchange> {
    let request = bare_bytes::request(bytes).context("too short to say its lengths")?;
    if is_datagram {
        let mut socket = bare_bytes::Datagrams::connect(server)?;
        return Ok(Box::new(move || socket.exchange(&request, bytes[1])));
    }
    let mut kept = None;
    Ok(Box::new(move || {
        let mut stream = match kept.take() {
            Some(stream) => stream,
            None => bare_bytes::Bytes::connect(server)?,
        };
        stream.exchange(&request, bytes[1])?;
        kept = (!is_short).then_some(stream);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn the_parts_and_the_rest_are_the_whole() {
        let known = Parts { in_memory_us: [Some(1.0); 5], bare_us: 10.0, bytes: [8, 1] };
        let parts = known.of(20.0);
        assert_eq!(parts[5..], [Some(10.0), Some(5.0)]);
        assert_eq!(parts.iter().flatten().sum::<f64>(), 20.0);
        let theirs = Parts { in_memory_us: [Some(1.0), None, None, None, Some(1.0)], ..known };
        assert_eq!(theirs.of(9.0)[6], Some(-3.0), "a call may be faster than the bare exchange");
    }

    #[test]
    fn a_call_in_memory_goes_through_every_part_once() {
        for &contestant in Contestant::value_variants() {
            let mut call = in_memory(contestant);
            let mut watch = Stopwatch::default();
            for _ in 0..3 {
                call(&mut watch).unwrap();
            }
            assert_eq!(watch.spent.each_ref().map(Tally::count), [3; 5], "{contestant:?}");
        }
    }
}
