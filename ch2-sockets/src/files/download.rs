//! `files download`: fetches a file by its name. It gets its name here when all of it has come and its digest is right.

use std::fs::Permissions;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use common::support::log;

use super::client::{self, ServerArgs, expect_ok, explain, progress_bar};
use super::connection::{CHUNK, Connection};
use super::digest::{DIGEST, Digest, Digester};
use super::name::FileName;
use super::protocol::{FileRequest, decode_digest, decode_number};

/// The arguments of the download.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  cargo ch2 files download README.md\n  \
                        cargo ch2 files download README.md --output - | head\n\
                        It prints a line as sha256sum(1) does: `… | sha256sum --check` reads the file again.")]
pub struct DownloadArgs {
    /// The name of the file on the server
    name: String,
    /// Where it goes: a file, a directory, or `-` for stdout; by default its own name, here
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Overwrite a file that is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Downloads the file.
pub fn run(args: &DownloadArgs) -> anyhow::Result<ExitCode> {
    let name = FileName::parse(args.name.as_bytes())?;
    let output = match &args.output {
        Some(path) if path.is_dir() => path.join(name.as_str()),
        Some(path) => path.clone(),
        None => PathBuf::from(name.as_str()),
    };
    client::run(|cancelled| {
        let connect = || args.server.connect(cancelled);
        if output == Path::new("-") {
            let digest = fetch(connect()?, &name, &mut common::support::cli::stdout().lock())?;
            log::line(format_args!("{}  {name}", digest.as_str()));
            return Ok(());
        }
        if !args.force && output.symlink_metadata().is_ok() {
            bail!("{} exists; --force overwrites it", output.display());
        }
        // Beside its place, under a name of its own, removed when anything goes wrong.
        let directory = output.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new()
            .prefix(".download-")
            .permissions(Permissions::from_mode(0o666)) // less what the umask takes away, like any new file
            .tempfile_in(directory)
            .with_context(|| format!("cannot write into {}", directory.display()))?;
        let digest = fetch(connect()?, &name, file.as_file_mut())?;
        let kept = if args.force { file.persist(&output) } else { file.persist_noclobber(&output) };
        kept.map_err(|error| error.error).with_context(|| format!("cannot write {}", output.display()))?;
        writeln!(common::support::cli::stdout(), "{}  {}", digest.as_str(), output.display())?;
        Ok(())
    })
}

fn fetch(mut connection: Connection<'_>, name: &FileName, out: &mut impl Write) -> anyhow::Result<Digest> {
    connection.write_all(&FileRequest::Download { name: name.clone() }.encode())?;
    connection.end_sending()?;
    expect_ok(&mut connection)?;
    let size = connection.receive(decode_number).map_err(explain)?;
    connection.expect(size.saturating_add(DIGEST as u64));
    let bar = progress_bar(size, name.as_str());
    let mut digester = Digester::default();
    let mut buffer = vec![0; CHUNK];
    let mut left = size;
    while left > 0 {
        let room = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        let got = connection.read(&mut buffer[..room]).context("the connection broke")?;
        if got == 0 {
            bail!("the server hung up {left} bytes before the end");
        }
        digester.update(&buffer[..got]);
        out.write_all(&buffer[..got])?;
        left -= got as u64;
        bar.inc(got as u64);
    }
    bar.finish_and_clear();
    out.flush()?;
    let claimed = connection.receive(decode_digest).map_err(explain)?;
    let digest = digester.finish();
    if claimed != digest {
        bail!("what came is not what was sent: its digest is {}, not {}", digest.as_str(), claimed.as_str());
    }
    Ok(digest)
}
