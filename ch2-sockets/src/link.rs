//! `cargo ch2 link`: a bad network between a client and a server, that is bad in the same way again.
//!
//! ```text
//! board-client -p 7778 ──▶ ( link 127.0.0.1:7778 ) ──▶ board-server -p 7777
//! ```
//!
//! The notes ask what a UDP client must do when a datagram is lost. On one machine none ever is: this command loses them. All
//! of the link is in [`common::netem`]; here are its arguments and what is said at the end.

mod args;
mod summary;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::process::ExitCode;

use anyhow::{Context, bail};
use common::core::stop::Stop;
use common::netem::ladder::ladder;
use common::netem::picture::{About, html};
use common::netem::{Recorder, Relay};

pub use args::LinkArgs;

/// Most lines of `--ladder`.
const LADDER: usize = 200;

/// Relays until Ctrl-C, then says what the link did.
///
/// # Errors
/// A sentence for the user: an address that is taken, a file that cannot be written.
pub fn run(args: &LinkArgs) -> anyhow::Result<ExitCode> {
    let stop = Stop::install()?;
    let seed = args.seed.unwrap_or_else(|| u64::from(rand::random::<u16>())); // short, because it is retyped
    let settings = args.settings(seed);
    if settings.to == settings.listen {
        bail!("the link listens on {} and would relay to itself; give another --to or --listen", settings.to);
    }
    // Files are opened before anything happens: at the end it would be too late to learn that one cannot be written.
    let create = |path: &std::path::PathBuf| {
        File::create(path).with_context(|| format!("cannot write {}", path.display()))
    };
    let journal = args.journal.as_ref().map(create).transpose()?;
    let picture = args.picture.as_ref().map(create).transpose()?;
    let journal = journal.map(|file| Box::new(BufWriter::new(file)) as Box<dyn Write + Send>);
    let recorder = Recorder::new(journal, picture.is_some() || args.ladder);

    let relay = Relay::bind(&settings).with_context(|| format!("cannot listen on {}", settings.listen))?;
    let mut out = common::support::cli::stdout();
    writeln!(out, "LISTENING {}", relay.address())?;
    writeln!(out, "to {}, seed {seed}; Ctrl-C ends it", settings.to)?;
    out.flush()?;
    let summary = relay.run(stop.fd(), &recorder)?;

    let (events, left_out) = recorder.finish().context("the journal is not complete")?;
    if let Some(mut file) = picture {
        let about = About { command: args.command(seed), seed, left_out };
        file.write_all(html(&events, &about).as_bytes()).context("the picture is not complete")?;
    }
    if args.ladder {
        write!(out, "\n{}", ladder(&events, LADDER))?;
    }
    write!(out, "\n{}", summary::table(&summary))?;
    writeln!(out, "again: {}", args.command(seed))?;
    Ok(ExitCode::SUCCESS)
}
