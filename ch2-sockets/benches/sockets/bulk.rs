//! Big messages over a clean loopback: what is a reliable transport of our own worth beside others?

use std::time::{Duration, Instant};

use common::bench::machine::process_ms;

use super::child::{Running, Server};
use super::iperf::{self, Over};
use super::race::{Contestant, Race};
use super::results::{Sample, Table};
use super::{limit, quic, sessions, tcp};

/// One message, bytes.
pub const MESSAGE: usize = 16 << 20;
/// One datagram, bytes, headers of the session protocol included.
pub const DATAGRAM: usize = 1400;

/// Measures all of them.
pub fn run(race: &mut Race<'_>) -> Table {
    let (pins, seed, time) = (race.pins, race.seed, race.time());
    let against = |server: Server, send: fn(&mut Running, Duration) -> anyhow::Result<f64>| {
        move |time: Duration| {
            pins.go_to_servers()?;
            let server = Running::ours(server);
            pins.go_to_generator()?;
            let mut server = server?;
            let before_ms = process_ms(server.id());
            let began = Instant::now();
            let per_s = send(&mut server, time)?;
            let mib = per_s * began.elapsed().as_secs_f64() / f64::from(1 << 20);
            let cpu_us = Some((process_ms(server.id()) - before_ms) * 1e3 / mib);
            Ok(Sample { per_s, cpu_us, ..Sample::default() })
        }
    };
    let session = |loss: f64| against(Server::Sessions { loss, seed }, sessions::send);
    let iperf =
        |over| move |time| Ok(Sample { per_s: iperf::measure(over, pins, time)?, ..Sample::default() });
    let field = [
        Contestant::new("session", "window by congestion control", session(0.0)),
        Contestant::new("session, 1 % loss", "the receiver drops one datagram in a hundred", session(0.01)),
        Contestant::new("quinn", "QUIC: encrypts", against(Server::Quic, quic::send)),
        Contestant::new(
            "iperf3 UDP",
            "what arrives of what it sends; nothing is sent again",
            iperf(Over::Udp),
        ),
        Contestant::new(
            "TCP",
            "segments of up to 64 KiB: loopback's",
            against(Server::Tcp, |server, time| tcp::send(server.address, time)),
        ),
        Contestant::new("iperf3 TCP", "", iperf(Over::Tcp)),
        Contestant::new(
            "limit",
            "GSO and GRO without any protocol; what arrives counts",
            against(Server::Limit, limit::send),
        ),
    ];
    let table = Table {
        name: "bulk".into(),
        about:
            "messages of 16 MiB in datagrams of 1400 bytes, loopback, each answered before the next is sent"
                .into(),
        unit: "Gbit/s",
        scale: 1e9 / 8.0,
        rows: Vec::new(),
    };
    race.run(table, time, &field)
}

/// Bytes delivered in a measured time that begins after a quarter of it has passed as a warm-up.
#[derive(Debug)]
pub struct Meter {
    start: Instant,
    end: Instant,
    first: Option<Instant>,
    last: Instant,
    bytes: u64,
}

impl Meter {
    /// Measures so long, after the warm-up.
    pub fn new(time: Duration) -> Meter {
        let start = Instant::now() + time / 4;
        Meter { start, end: start + time, first: None, last: start, bytes: 0 }
    }

    /// Whether another message is to be sent. There is always one that is measured.
    pub fn goes_on(&self) -> bool {
        self.bytes == 0 || Instant::now() < self.end
    }

    /// One has been delivered. The first one to end after the warm-up starts the clock.
    pub fn delivered(&mut self, bytes: usize) {
        let now = Instant::now();
        match self.first {
            None if now < self.start => {}
            None => self.first = Some(now),
            Some(_) => {
                self.bytes += bytes as u64;
                self.last = now;
            }
        }
    }

    /// The rate between the first and the last.
    pub fn per_s(&self) -> f64 {
        let elapsed = self.first.map_or(0.0, |first| (self.last - first).as_secs_f64());
        if elapsed > 0.0 { self.bytes as f64 / elapsed } else { 0.0 }
    }
}
