//! `random-client`: the client of the random-bytes note. It connects, reads 81 bytes, and prints the two points in them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use common::protocol::random::{LENGTH, points};
use common::support::cli::{duration_within, stdout};

use crate::simulate::resolve;

/// Ask a `random` server for 16 bytes, and print them as two points in the square [-1,1]²
#[derive(Args, Debug)]
#[command(after_help = "Examples, with a server in another terminal:
  cargo ch3 serve --service random -p 5000
  cargo ch3 random-client -p 5000
  cargo ch3 simulate -s random -p 5000        ten thousand of them at once")]
pub struct RandomClientArgs {
    /// Where the server is: a name or an address
    #[arg(short = 'H', long, default_value = "127.0.0.1")]
    host: String,
    /// The server's port (the notes' is 5000)
    #[arg(short, long, default_value_t = 7777)]
    port: u16,
    /// How long to wait for a connection, and for each part of the answer
    #[arg(long, value_name = "TIME", default_value = "10s",
          value_parser = duration_within(Duration::from_millis(1)..=Duration::from_secs(3600)))]
    timeout: Duration,
}

/// Asks and prints.
///
/// # Errors
/// Nobody is there, or the answer is not one of a `random` server.
pub fn run(args: &RandomClientArgs) -> anyhow::Result<ExitCode> {
    let server = resolve(&args.host, args.port)?;
    let stream = TcpStream::connect_timeout(&server, args.timeout).with_context(|| {
        format!("no server at {server}; start one with `cargo ch3 serve --service random -p {}`", args.port)
    })?;
    stream.set_read_timeout(Some(args.timeout))?;
    let mut answer = Vec::new();
    // A byte more than there should be, so that a longer answer is not taken for a right one.
    stream
        .take(LENGTH as u64 + 1)
        .read_to_end(&mut answer)
        .with_context(|| format!("{server} did not send its whole answer"))?;
    let [a, b] = points(&answer).with_context(|| {
        format!("{server} does not serve random bytes (start `cargo ch3 serve --service random`)")
    })?;
    let mut out = stdout();
    writeln!(out, "First point:  A ( {:.12}, {:.12} )", a.x, a.y)?;
    writeln!(out, "Second point: B ( {:.12}, {:.12} )", b.x, b.y)?;
    Ok(ExitCode::SUCCESS)
}
