//! The gain, measured: the same files of the same slow server, in every mode.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use anyhow::Context;
use common::support::cli::{human, stdout};
use common::support::count::count;

use super::args::{DownloadArgs, Mode};
use super::plan::Plan;
use super::record::Run;
use super::server::start_child;
use common::protocol::http::Url;
use common::support::size;

/// The server's defaults here: with neither of them all modes are as fast as the disk.
const RATE: u64 = 4_000_000;
const LATENCY: Duration = Duration::from_millis(100);

/// Starts a server and downloads all its files in each mode, or in the one that was asked for.
///
/// # Errors
/// The server does not start, or there is no place for the files.
pub fn run(args: &DownloadArgs) -> anyhow::Result<Vec<Run>> {
    let offer = &args.offer;
    let (rate, latency) = (offer.rate.unwrap_or(RATE), offer.latency.unwrap_or(LATENCY));
    let options = [
        ("--files", offer.files().to_string()),
        ("--size", offer.size().to_string()),
        ("--seed", offer.seed().to_string()),
        ("--rate", rate.to_string()),
        ("--latency", human(latency)),
    ];
    let options: Vec<String> = options.into_iter().flat_map(|(name, value)| [name.into(), value]).collect();
    let server = start_child(IpAddr::V4(Ipv4Addr::LOCALHOST), &options)?;
    let directory = tempfile::tempdir().context("no place for the files")?;
    let (host, port) = (server.address.ip().to_string(), server.address.port());
    let url = |number| Url { host: host.clone(), port, target: format!("/file-{number}.bin") };
    let urls: Vec<Url> = (1..=offer.files()).map(url).collect();
    let plan = Plan::new(args, &urls, directory.path())?;

    let mut stdout = stdout().lock();
    writeln!(
        stdout,
        "{} of {} from a server that waits {} before each and sends {}/s to each connection\n",
        count(offer.files(), "file"),
        size::human(offer.size()),
        human(latency),
        size::human(rate)
    )?;
    writeln!(
        stdout,
        "{:<11}{:>9}{:>10}{:>9}{:>9}{:>11}{:>13}",
        "mode", "time", "speed-up", "threads", "at once", "per second", "peak memory"
    )?;
    let mut runs: Vec<Run> = Vec::new();
    for mode in Mode::ALL.into_iter().filter(|&mode| args.mode.is_none_or(|wanted| wanted == mode)) {
        let run = plan.run(mode)?;
        writeln!(stdout, "{}", line(&run, runs.first()))?;
        for record in run.failures() {
            common::support::log::line(format_args!(
                "error: {}: {}",
                record.url,
                record.error.as_deref().unwrap_or_default()
            ));
        }
        runs.push(run);
        if plan.is_interrupted() {
            break;
        }
    }
    Ok(runs)
}

/// A row of the table; the speed-up is against the sequential run, which is the first.
fn line(run: &Run, first: Option<&Run>) -> String {
    let speed_up = match first.unwrap_or(run) {
        base if base.mode == Mode::Sequential => format!("{:.2}", base.took_ms / run.took_ms),
        _ => "–".into(),
    };
    let rate = size::human((run.bytes() as f64 / run.took_ms * 1e3) as u64);
    let peak = run.peak_kib.map_or("–".into(), |kib| size::human(kib * 1024));
    let time = human(Duration::from_millis(run.took_ms.round() as u64));
    let (mode, threads, at_once) = (run.mode.name(), run.threads, run.at_once);
    format!("{mode:<11}{time:>9}{speed_up:>10}{threads:>9}{at_once:>9}{rate:>11}{peak:>13}")
}
