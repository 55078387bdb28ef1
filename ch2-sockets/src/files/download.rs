//! `files download`: fetches a file by its name. It gets its name here when all of it has come and its digest is right.

use std::fs::Permissions;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use common::support::count::count;
use common::support::progress::Progress;
use common::support::{log, unfinished};

use super::client::{self, ServerArgs, StatusError, expect_ok, explain};
use super::connection::{CHUNK, Connection};
use super::digest::{DIGEST, Digest, Digester};
use super::name::FileName;
use super::protocol::{FileRequest, decode_digest, decode_number};

/// The arguments of the download.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  cargo ch2 files download README.md Cargo.lock\n  \
                        cargo ch2 files download README.md --output - | head\n\
                        It prints a line as sha256sum(1) does: `… | sha256sum --check` reads the file again.")]
pub struct DownloadArgs {
    /// The names of the files on the server
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// Where it goes: a file, a directory, or `-` for stdout; by default its own name, here. Many go to a directory or to stdout
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Overwrite a file that is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Downloads each file over a connection of its own. One that the server refuses does not keep the others back.
pub fn run(args: &DownloadArgs) -> anyhow::Result<ExitCode> {
    let names = args.names.iter().map(|name| FileName::parse(name.as_bytes()).with_context(|| name.clone()));
    let names = names.collect::<anyhow::Result<Vec<FileName>>>()?;
    let into = args.output.as_deref().unwrap_or(Path::new("."));
    if names.len() > 1 && into != Path::new("-") && !into.is_dir() {
        bail!("{} is no directory, and these are {}", into.display(), count(names.len(), "file"));
    }
    unfinished::sweep(into.parent().filter(|_| !into.is_dir()).unwrap_or(into));
    client::run(|cancelled| {
        let mut refused = None;
        for name in &names {
            match download(args, name, cancelled).with_context(|| name.to_string()) {
                Err(error) if error.is::<StatusError>() && names.len() > 1 => {
                    log::line(format_args!("error: {error:#}"));
                    refused = error.downcast::<StatusError>().ok();
                }
                done => done?,
            }
        }
        match refused {
            Some(refused) => Err(anyhow::Error::from(refused).context("not all files came; the last reason")),
            None => Ok(()),
        }
    })
}

fn download(
    args: &DownloadArgs,
    name: &FileName,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> anyhow::Result<()> {
    let connect = || args.server.connect(cancelled);
    let output = match &args.output {
        Some(path) if path == Path::new("-") => {
            let digest = fetch(connect()?, name, &mut common::support::cli::stdout().lock())?;
            log::line(format_args!("{}  {name}", digest.as_str()));
            return Ok(());
        }
        Some(path) if path.is_dir() => path.join(name.as_str()),
        Some(path) => path.clone(),
        None => PathBuf::from(name.as_str()),
    };
    if !args.force && output.symlink_metadata().is_ok() {
        bail!("{} exists; --force overwrites it", output.display());
    }
    // Beside its place, under a name of its own, removed when anything goes wrong.
    let directory = output.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(unfinished::PREFIX)
        .permissions(Permissions::from_mode(0o666)) // less what the umask takes away, like any new file
        .tempfile_in(directory)
        .with_context(|| format!("cannot write into {}", directory.display()))?;
    let _held = unfinished::hold(file.as_file());
    let digest = fetch(connect()?, name, file.as_file_mut())?;
    let kept = if args.force { file.persist(&output) } else { file.persist_noclobber(&output) };
    kept.map_err(|error| error.error).with_context(|| format!("cannot write {}", output.display()))?;
    writeln!(common::support::cli::stdout(), "{}  {}", digest.as_str(), output.display())?;
    Ok(())
}

fn fetch(mut connection: Connection<'_>, name: &FileName, out: &mut impl Write) -> anyhow::Result<Digest> {
    connection.write_all(&FileRequest::Download { name: name.clone() }.encode())?;
    connection.end_sending()?;
    expect_ok(&mut connection)?;
    let size = connection.receive(decode_number).map_err(explain)?;
    connection.expect(size.saturating_add(DIGEST as u64));
    let mut progress = Progress::of_bytes(name.as_str(), size);
    let mut digester = Digester::default();
    let mut buffer = vec![0; CHUNK];
    let mut left = size;
    while left > 0 {
        let room = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        let got = connection.read(&mut buffer[..room]).context("the connection broke")?;
        if got == 0 {
            bail!("the server hung up {} before the end", count(left, "byte"));
        }
        digester.update(&buffer[..got]);
        out.write_all(&buffer[..got])?;
        left -= got as u64;
        progress.advance(got as u64);
    }
    drop(progress);
    out.flush()?;
    let claimed = connection.receive(decode_digest).map_err(explain)?;
    let digest = digester.finish();
    if claimed != digest {
        bail!("what came is not what was sent: its digest is {}, not {}", digest.as_str(), claimed.as_str());
    }
    Ok(digest)
}
