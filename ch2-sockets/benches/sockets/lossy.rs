//! Big messages over a bad link: 20 ms each way, and one datagram in twenty or in five is lost.
//!
//! ```text
//!   through the relay      session, its variants, TCP       127.0.0.1, the program `cargo ch2 link`, in this process
//!   through a network      session, TCP                     two network namespaces, see tun.rs: as root only
//! ```
//!
//! TCP through the relay is not the same hardship: the relay cannot lose what TCP has already delivered to it, and holds a
//! "lost" chunk for a retransmission timeout instead. TCP through the network is.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use ch2_sockets::session::{Config, Congestion, Statistics};
use common::net::datagram::Endpoint;
use common::netem::recorder::Recorder;
use common::netem::{Profile, Relay, RunningRelay, Settings};

use nix::sys::socket::{setsockopt, sockopt};

use super::sample::{Contestant, Load, Sample, Table};
use super::servers::BenchServer;
use super::{sessions, tcp, tun};

const LOSSES: [(f64, &str); 2] = [(0.05, "loss 5 %"), (0.20, "loss 20 %")];
const DELAY: Duration = Duration::from_millis(20);

/// All of them under each loss. What takes 40 ms a turn needs more than two seconds to show itself.
pub fn loads(seed: u64) -> Vec<Load> {
    LOSSES.map(|(loss, name)| with_loss(loss, name, seed)).into()
}

fn with_loss(loss: f64, name: &str, seed: u64) -> Load {
    let profile = Profile { loss, delay: DELAY, ..Profile::default() };
    let session = |config: Config| {
        let profile = profile.clone();
        move |time| sample(session_by_relay(&profile, seed, config, time)?)
    };
    let window = |blocks| Config { window: Some(blocks), ..Config::default() };
    let reno = Config { congestion: Congestion::Reno, ..Config::default() };
    let by_tcp = |carry: fn(&Profile, u64, Duration) -> anyhow::Result<f64>| {
        let profile = profile.clone();
        move |time| Ok(Sample { per_s: carry(&profile, seed, time)?, ..Sample::default() })
    };
    let network = profile.clone();
    let contestants = vec![
        Contestant::new("session, window 1", "stop-and-wait", session(window(1))),
        Contestant::new("session, window 16", "", session(window(16))),
        Contestant::new("session, Reno", "every loss is congestion", session(reno)),
        Contestant::new("session", "a loss without delay is none", session(Config::default())),
        Contestant::new("TCP", "by the relay: a lost chunk is late", by_tcp(tcp_by_relay)),
        Contestant::new("session, network", "real losses of IP packets", move |time| {
            sample(session_by_network(&network, seed, time)?)
        }),
        Contestant::new(
            "TCP cubic, network",
            "the kernel's TCP: every loss is congestion",
            by_tcp(|profile, seed, time| tcp_by_network(profile, seed, "cubic", time)),
        ),
        Contestant::new(
            "TCP BBR, network",
            "the kernel's TCP: it measures the rate instead",
            by_tcp(|profile, seed, time| tcp_by_network(profile, seed, "bbr", time)),
        ),
    ];
    let about =
        format!("one endless message, {} % of the datagrams lost both ways, 20 ms each way", loss * 100.0);
    let table = Table { scale: 1e6 / 8.0, ..Table::new(name, about, "Mbit/s") };
    Load { table, contestants, times: 2 }
}

fn sample((per_s, statistics): (f64, Statistics)) -> anyhow::Result<Sample> {
    let again = statistics.retransmissions as f64 / statistics.blocks_sent.max(1) as f64;
    Ok(Sample { per_s, retransmitted: Some(again), ..Sample::default() })
}

fn session_by_relay(
    profile: &Profile,
    seed: u64,
    config: Config,
    time: Duration,
) -> anyhow::Result<(f64, Statistics)> {
    let server = BenchServer::Sessions { loss: 0.0, seed: 0 }.start()?;
    let relay = start(server.address, profile, seed)?;
    let result = sessions::send_slowly(relay.address(), config, time);
    relay.stop()?;
    result
}

fn session_by_network(profile: &Profile, seed: u64, time: Duration) -> anyhow::Result<(f64, Statistics)> {
    let serve = |own: Ipv4Addr, tell: Sender<SocketAddr>| {
        let endpoint = Endpoint::bind(SocketAddr::from((own, 0)))?;
        tell.send(endpoint.address()?)?;
        // It would serve for ever: a thread that nobody waits for ends with the program, and keeps the namespace until then.
        thread::spawn(|| sessions::serve_on(endpoint, None));
        Ok(())
    };
    tun::between_namespaces(profile, seed, serve, |server| {
        sessions::send_slowly(server, Config::default(), time)
    })
}

fn tcp_by_relay(profile: &Profile, seed: u64, time: Duration) -> anyhow::Result<f64> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let relay = start(listener.local_addr()?, profile, seed)?;
    let received = sink(listener);
    tcp::send_slowly(TcpStream::connect(relay.address())?, time)?;
    let bytes = received.load(Ordering::SeqCst);
    relay.stop()?;
    Ok(bytes as f64 / time.as_secs_f64())
}

fn tcp_by_network(profile: &Profile, seed: u64, congestion: &str, time: Duration) -> anyhow::Result<f64> {
    let received = Arc::new(AtomicU64::new(0));
    let serve = |own: Ipv4Addr, tell: Sender<SocketAddr>| {
        let listener = TcpListener::bind((own, 0))?;
        tell.send(listener.local_addr()?)?;
        count(listener, received.clone());
        Ok(())
    };
    tun::between_namespaces(profile, seed, serve, |server| {
        let stream = TcpStream::connect(server)?;
        setsockopt(&stream, sockopt::TcpCongestion, &congestion.into())
            .with_context(|| format!("this kernel has no {congestion}"))?;
        Ok(tcp::send_slowly(stream, time)?)
    })?;
    Ok(received.load(Ordering::SeqCst) as f64 / time.as_secs_f64())
}

/// Counts what comes over the first connection.
fn sink(listener: TcpListener) -> Arc<AtomicU64> {
    let received = Arc::new(AtomicU64::new(0));
    count(listener, received.clone());
    received
}

fn count(listener: TcpListener, received: Arc<AtomicU64>) {
    thread::spawn(move || -> std::io::Result<()> {
        let (stream, _) = listener.accept()?;
        tcp::count(stream, &received)
    });
}

fn start(server: SocketAddr, profile: &Profile, seed: u64) -> anyhow::Result<RunningRelay> {
    let relay = Relay::bind(&Settings::new(server, profile.clone(), seed))?;
    Ok(relay.start(Arc::new(Recorder::default()))?)
}
