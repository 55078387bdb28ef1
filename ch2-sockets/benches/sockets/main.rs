//! The speed bench of chapter 2: sessions over UDP, the lossy link and the UDP board beside peers, in one run.
//!
//! ```text
//!   bulk       16 MiB messages over a clean loopback: sessions · quinn · iperf3 (UDP, TCP) · TCP · the limit    bulk.rs
//!   lossy      the same through a bad link: sessions · stop-and-wait · TCP                                      lossy.rs
//!   requests   small requests to the UDP board and to a minimal UDP echo                                        requests.rs
//!     for each round, for each contestant in an order drawn anew                  common::bench::rounds
//!       start its server ──► warm up ──► measure ──► stop it
//!   tables · goals · Markdown · JSON                                              sample.rs  goals.rs
//! ```
//!
//! What is reported is the ratio of two contestants in the same round, its median over the rounds, and its range.

mod args;
mod bulk;
mod echo;
mod goals;
mod iperf;
mod limit;
mod lossy;
mod meter;
mod quic;
mod requests;
mod sample;
mod servers;
mod sessions;
mod tcp;
mod tun;

use std::process::ExitCode;

use common::bench::arguments::conclude;
use common::bench::session::Session;
use common::support::cli::parse;

use args::{Args, BenchPart};
use sample::LAYOUT;

fn main() -> ExitCode {
    let args: Args = parse();
    match args.hidden {
        Some(server) => conclude(server.serve()),
        None => args.measure.run("cargo bench -p ch2-sockets", || run(&args)),
    }
}

fn run(args: &Args) -> anyhow::Result<()> {
    let peers = vec![iperf::peer().describe()];
    let mut session = Session::start(&args.measure, Some(args.pinning.pins()?), peers)?;
    session.announce();
    let (pins, seed, time) = (session.pins, session.seed, session.time());
    for part in args.parts() {
        let loads = match part {
            BenchPart::Bulk => vec![bulk::load(pins, seed)],
            BenchPart::Lossy => lossy::loads(seed),
            BenchPart::Requests => vec![requests::load(pins)],
        };
        for load in loads.into_iter().map(|load| load.restricted_to(&args.only)) {
            if !session.is_interrupted() {
                session.run(load.table, time * load.times, &load.contestants);
            }
        }
    }
    session.finish(&LAYOUT, goals::judge)
}
