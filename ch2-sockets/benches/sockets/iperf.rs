//! iperf3 as the peer, where it is installed. Its own report is read, not its sender's word: what arrived counts.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use common::bench::machine::Pins;
use common::bench::peers::Peer;
use common::support::child_server::{ChildProcess, free_port};
use serde_json::Value;

use super::meter::DATAGRAM;

/// What it carries its bytes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Datagrams of 1400 bytes, as many as it can send.
    Udp,
    /// One connection.
    Tcp,
}

/// The program, if it is there.
pub fn peer() -> Peer {
    Peer::find("iperf3", &["--version"])
}

/// Bytes per second that arrived.
///
/// # Errors
/// It is not installed, or its report cannot be read.
pub fn measure(over: Over, pins: Pins, time: Duration) -> anyhow::Result<f64> {
    let iperf = peer();
    let (mut server, mut client) = (iperf.command()?, iperf.command()?);
    let port = free_port()?.to_string();
    pins.go_to_servers()?;
    let server = ChildProcess::spawn(
        server
            .args(["-s", "-1", "-B", "127.0.0.1", "-p", &port, "--forceflush"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null()),
    );
    pins.go_to_generator()?;
    let server = server.context("iperf3 does not start")?;
    let listens =
        server.stdout.wait(Duration::from_secs(10), |text| text.contains("listening").then_some(()));
    listens.map_err(|said| anyhow!("iperf3's server does not listen: {said}"))?;
    // It takes whole seconds and leaves the first part out, as the others leave out their warm-up.
    client.args(["-c", "127.0.0.1", "-p", &port, "-J", "-O", "1", "-t"]);
    client.arg(time.as_secs().max(1).to_string());
    if over == Over::Udp {
        client.args(["-u", "-b", "0", "-l", &DATAGRAM.to_string()]);
    }
    let output = client.stdin(Stdio::null()).output()?;
    let report: Value = serde_json::from_slice(&output.stdout).context("iperf3's report is no JSON")?;
    if let Some(error) = report["error"].as_str() {
        bail!("iperf3 says: {error}");
    }
    received(&report["end"], over).context("iperf3's report has no rate")
}

/// The bytes per second at the receiver. Older versions give UDP only a sum with the fraction lost.
fn received(end: &Value, over: Over) -> Option<f64> {
    if let Some(bits) = end["sum_received"]["bits_per_second"].as_f64().filter(|&bits| bits > 0.0) {
        return Some(bits / 8.0);
    }
    let sum = &end["sum"];
    let lost = if over == Over::Udp { sum["lost_percent"].as_f64()? } else { 0.0 };
    Some(sum["bits_per_second"].as_f64()? / 8.0 * (1.0 - lost / 100.0))
}
