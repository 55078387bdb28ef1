//! Big messages over a clean loopback: what is a reliable transport of our own worth beside others?

use std::time::{Duration, Instant};

use common::bench::machine::{Pins, process_ms};
use common::support::child_server::ChildServer;

use super::iperf::{self, Over};
use super::sample::{Contestant, Load, Sample, Table};
use super::servers::BenchServer;
use super::{limit, quic, sessions, tcp};

/// All of them.
pub fn load(pins: Pins, seed: u64) -> Load {
    let against = |server: BenchServer, send: fn(&mut ChildServer, Duration) -> anyhow::Result<f64>| {
        move |time: Duration| {
            pins.go_to_servers()?;
            let server = server.start();
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
    let session = |loss: f64| against(BenchServer::Sessions { loss, seed }, sessions::send);
    let iperf =
        |over| move |time| Ok(Sample { per_s: iperf::measure(over, pins, time)?, ..Sample::default() });
    let contestants = vec![
        Contestant::new("session", "window by congestion control", session(0.0)),
        Contestant::new("session, 1 % loss", "the receiver drops one datagram in a hundred", session(0.01)),
        Contestant::new("quinn", "QUIC: encrypts", against(BenchServer::Quic, quic::send)),
        Contestant::new(
            "iperf3 UDP",
            "what arrives of what it sends; nothing is sent again",
            iperf(Over::Udp),
        ),
        Contestant::new(
            "TCP",
            "segments of up to 64 KiB: loopback's",
            against(BenchServer::Tcp, |server, time| tcp::send(server.address, time)),
        ),
        Contestant::new("iperf3 TCP", "", iperf(Over::Tcp)),
        Contestant::new(
            "limit",
            "GSO and GRO without any protocol; what arrives counts",
            against(BenchServer::Limit, limit::send),
        ),
    ];
    let about =
        "messages of 16 MiB in datagrams of 1400 bytes, loopback, each answered before the next is sent";
    let table = Table { scale: 1e9 / 8.0, ..Table::new("bulk", about, "Gbit/s") };
    Load { table, contestants, times: 1 }
}
