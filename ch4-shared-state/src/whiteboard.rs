//! `whiteboard`: draw together in the browser, under two policies for collisions. Notes, chapter 4: *shared state*.
//!
//! ```text
//!   browser ──HTTP──► page.html                                       (http)
//!           ◄─WebSocket─► Protocol ──► WhiteboardService ──► Room     (websocket, protocol, service, room)
//!                                                            ├─ server         the last arrival wins     (arrival)
//!                                                            └─ collaborative  a register per pixel      (crdt, register, clock)
//! ```
//!
//! A service as any other: it runs under every model of chapter 3 whose handlers share memory.

pub mod arrival;
pub mod canvas;
pub mod clock;
pub mod crdt;
pub mod http;
pub mod protocol;
pub mod register;
pub mod room;
mod service;
mod visitors;
pub mod websocket;

use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use ch3_threads::model::Model;
use ch3_threads::serve::{RunArgs, serve_and_tell};
use clap::Args;
use common::support::cli::{duration, within};

pub use service::WhiteboardService;

const EXAMPLES: &str = "\
Example: a whiteboard, and two windows of a browser at http://127.0.0.1:7777/
  cargo ch4 whiteboard

For the others in the room (nothing is encrypted and nobody is asked who they are):
  cargo ch4 whiteboard -l 0.0.0.0 --name lab42.example.org";

/// The arguments of this command.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct WhiteboardArgs {
    /// How connections are run
    #[arg(short, long, value_enum, default_value = "epoll")]
    pub model: Model,
    /// How often everybody is asked for a sign of life; who gives none for twice as long is gone
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "10s")]
    pub ping: Duration,
    /// How much may wait for a slow user before they are hung up on, and must come again
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20, value_parser = within(1..=1_000_000_000_000usize))]
    pub outbox: usize,
    /// A name by which browsers reach this machine, besides its addresses and `localhost`; may be repeated
    #[arg(long, value_name = "HOST")]
    pub name: Vec<String>,
    #[allow(missing_docs, reason = "flattened: a comment here would replace the command's own")]
    #[command(flatten)]
    pub run: RunArgs,
}

/// Serves the whiteboard until the stop.
///
/// # Errors
/// The model cannot run it, or the address cannot be listened on.
pub fn run(args: &WhiteboardArgs) -> anyhow::Result<ExitCode> {
    ensure!(
        args.outbox >= service::LEAST_OUTBOX,
        "a whole canvas must fit: --outbox {}",
        service::LEAST_OUTBOX
    );
    ensure!(!args.ping.is_zero(), "--ping is a time between two signs of life: at least 1ms");
    let service = Arc::new(WhiteboardService::new(args.name.clone(), args.outbox, args.ping));
    serve_and_tell(args.model, service, &args.run, None, |address| {
        if let Some(address) = address.ip() {
            common::support::log::line(format_args!("open {} in two windows of your browser", url(address)));
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Where a browser on this machine finds it.
fn url(address: SocketAddr) -> String {
    match address.ip() {
        ip if ip.is_unspecified() => format!("http://localhost:{}/", address.port()),
        IpAddr::V4(_) | IpAddr::V6(_) => format!("http://{address}/"),
    }
}
