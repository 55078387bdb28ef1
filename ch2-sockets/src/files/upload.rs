//! `files upload`: asks first, sends the bytes and their digest, ends its half, and waits to hear that they are stored.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use common::support::log;
use common::support::progress::Progress;

use super::client::{self, ServerArgs, StatusError, expect_ok};
use super::connection::{CHUNK, Connection};
use super::digest::{DIGEST, Digest, Digester};
use super::name::FileName;
use super::protocol::{FileRequest, Status};

/// The arguments of the upload.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cargo ch2 files upload README.md Cargo.lock\n\
                        It prints a line per file that is stored, as sha256sum(1) does.")]
pub struct UploadArgs {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The name on the server, for a single file; else a file keeps its own
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
}

/// Uploads each file over a connection of its own. One that is refused does not keep the others back.
pub fn run(args: &UploadArgs) -> anyhow::Result<ExitCode> {
    if args.name.is_some() && args.files.len() > 1 {
        bail!("--name is for one file, and these are {}", args.files.len());
    }
    client::run(|cancelled| {
        let mut refused = None;
        for path in &args.files {
            let done = name_of(path, args.name.as_deref()).and_then(|name| {
                let (file, size) = open(path)?;
                let digest = upload(args.server.connect(cancelled)?, file, size, &name)?;
                writeln!(common::support::cli::stdout(), "{}  {name}", digest.as_str())?;
                Ok(())
            });
            match done.with_context(|| path.display().to_string()) {
                Err(error) if error.is::<StatusError>() && args.files.len() > 1 => {
                    log::line(format_args!("error: {error:#}"));
                    refused = error.downcast::<StatusError>().ok();
                }
                done => done?,
            }
        }
        match refused {
            Some(refused) => {
                Err(anyhow::Error::from(refused).context("not all files were stored; the last reason"))
            }
            None => Ok(()),
        }
    })
}

fn name_of(path: &Path, given: Option<&str>) -> anyhow::Result<FileName> {
    let own = path.file_name().unwrap_or_default().as_encoded_bytes();
    Ok(FileName::parse(given.map_or(own, str::as_bytes))?)
}

fn open(path: &Path) -> anyhow::Result<(File, u64)> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        bail!("not a regular file, so its size is not known beforehand");
    }
    Ok((file, metadata.len()))
}

fn upload(
    mut connection: Connection<'_>,
    mut file: File,
    size: u64,
    name: &FileName,
) -> anyhow::Result<Digest> {
    connection.write_all(&FileRequest::Upload { size, name: name.clone() }.encode())?;
    expect_ok(&mut connection)?;
    connection.expect(size + DIGEST as u64);
    let digest = match send(&mut connection, &mut file, size, name) {
        Ok(digest) => digest,
        Err(Unsent::File(error)) => return Err(error),
        Err(Unsent::Connection(error)) => {
            // The server hangs up on an upload that it gives up, and may have said why.
            return Err(match connection.receive(Status::decode) {
                Ok(status) if status != Status::Ok => StatusError(status).into(),
                _ => anyhow::Error::from(error).context("the connection broke"),
            });
        }
    };
    connection.expect(0);
    expect_ok(&mut connection)?;
    Ok(digest)
}

enum Unsent {
    File(anyhow::Error),
    Connection(io::Error),
}

fn send(
    connection: &mut Connection<'_>,
    file: &mut File,
    size: u64,
    name: &FileName,
) -> Result<Digest, Unsent> {
    let mut progress = Progress::of_bytes(name.as_str(), size);
    let mut digester = Digester::default();
    let mut buffer = vec![0; CHUNK];
    let mut left = size;
    while left > 0 {
        // What is appended meanwhile is not sent: the size has been said.
        let room = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        let got = file.read(&mut buffer[..room]).map_err(|error| Unsent::File(error.into()))?;
        if got == 0 {
            return Err(Unsent::File(anyhow::anyhow!("the file became shorter while it was sent")));
        }
        digester.update(&buffer[..got]);
        connection.write_all(&buffer[..got]).map_err(Unsent::Connection)?;
        left -= got as u64;
        progress.advance(got as u64);
    }
    drop(progress);
    let digest = digester.finish();
    connection.write_all(digest.as_str().as_bytes()).map_err(Unsent::Connection)?;
    connection.end_sending().map_err(Unsent::Connection)?;
    Ok(digest)
}
