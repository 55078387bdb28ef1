//! `files list`: names and sizes. An empty dump says so on stderr, and leaves stdout empty for scripts.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use common::support::log;

use super::client::{self, ServerArgs, expect_ok, explain};
use super::protocol::{FileRequest, decode_entry, decode_number};

/// The arguments of the list.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  cargo ch2 files list\nIt prints a line per file: bytes, a tab, the name."
)]
pub struct ListArgs {
    #[command(flatten)]
    server: ServerArgs,
}

/// Prints the list while it comes in: of a server's claim about its length nothing is allocated.
pub fn run(args: &ListArgs) -> anyhow::Result<ExitCode> {
    client::run(|cancelled| {
        let mut connection = args.server.connect(cancelled)?;
        connection.write_all(&FileRequest::List.encode())?;
        connection.end_sending()?;
        expect_ok(&mut connection)?;
        let count = connection.receive(decode_number).map_err(explain)?;
        let mut out = io::BufWriter::new(common::support::cli::stdout().lock());
        for number in 0..count {
            // Each entry is progress.
            connection.expect(0);
            let (size, name) = connection
                .receive(decode_entry)
                .map_err(explain)
                .with_context(|| format!("file {} of {count}", number + 1))?;
            writeln!(out, "{size}\t{name}")?;
        }
        out.flush()?;
        if count == 0 {
            log::line("the dump is empty");
        }
        Ok(())
    })
}
