//! The kernel's table, looked at while a client works: the notes' loop around `netstat`, for both clients.
//!
//! ```text
//!   long-lived   100 requests, 1 connection
//!      ESTABLISHED 1+1                           client's ends + server's ends
//!   short-lived  100 requests, 100 connections
//!      TIME_WAIT 101+0
//! ```
//!
//! Slowly, so that there is something to see: at full speed it would be over between two looks. A short-lived connection
//! itself is seldom seen; what it leaves behind is.

use common::support::count::count;
use std::io::IsTerminal;
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::client::{HttpClient, Lifetime};
use super::kernel::TcpTable;

/// From one request to the next.
const INTERVAL: Duration = Duration::from_millis(10);

/// From one look to the next, in requests.
const LOOK_EVERY: u32 = 10;

/// Shows the table for `time` with each client. On a terminal two lines are renewed, because one of 80 columns has no room for all
/// the states that may be seen at once; elsewhere each look is a line of the log.
///
/// # Errors
/// A connection fails, or Ctrl-C was pressed.
pub fn run(client: &HttpClient, time: Duration) -> anyhow::Result<()> {
    let is_terminal = std::io::stderr().is_terminal();
    // Long-lived first: the other leaves behind what would stand in its table for a minute.
    for lifetime in [Lifetime::Long, Lifetime::Short] {
        let line = ProgressBar::new_spinner();
        let style = ProgressStyle::with_template("{msg}");
        line.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        let (began, mut made, mut connects, mut open) = (Instant::now(), 0, 0, None);
        while INTERVAL * made < time {
            client.visit(lifetime, &mut open, &mut connects)?;
            made += 1;
            if made % LOOK_EVERY == 0 {
                let table = TcpTable::read(client.address)?.line();
                let (requests, connections) = (count(made, "request"), count(connects, "connection"));
                let text = format!("{:<12} {requests}, {connections}", lifetime.name());
                if is_terminal {
                    line.set_message(format!("{text}\n   {table}"));
                    line.tick();
                } else {
                    tracing::info!("{text}: {table}");
                }
            }
            thread::sleep((began + INTERVAL * made).saturating_duration_since(Instant::now()));
        }
        line.abandon(); // what it says last stays to be read
    }
    Ok(())
}
