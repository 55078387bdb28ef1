//! The server of the file dump: a thread per connection, no more than so many.
//!
//! ```text
//!  main ─► acquire a permit ─► accept ─► spawn ──► thread: one request, one answer, release the permit
//!             ▲  none free: clients wait in the backlog, no thread and no descriptor is spent on them
//! ```
//!
//! Bytes are copied through this process, read → digest → write, and not with sendfile(2): somebody has to look at them to
//! compute the digest, and what has been looked at is already in user space. `cargo ch2 show sendfile` has the price.
//!
//! At the stop (Ctrl-C, SIGTERM) transfers in flight are abandoned: one may take hours. Half an upload is removed, half a
//! download is noticed by its client, which misses the rest.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use common::core::listener::{ACCEPT_BACKOFF, AcceptOutcome, Listener};
use common::core::stop::Stop;
use common::support::cli::at_least_one;
use common::support::count::count;
use common::support::size;

use super::connection::{CHUNK, Connection, ReceiveError};
use super::digest::{DIGEST, Digester};
use super::dump::{Dump, DumpError};
use super::name::FileName;
use super::protocol::{FileRequest, Status, decode_digest, encode_entry, encode_number};
use super::semaphore::Semaphore;

/// The default port; the board's is 7777.
pub const PORT: u16 = 7779;

/// Connections that the kernel keeps until there is a permit.
const BACKLOG: i32 = 128;

/// The arguments of the server.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cargo ch2 files serve /tmp/dump --quota 100MB")]
pub struct ServeArgs {
    /// The directory of the files; made if it is not there
    #[arg(default_value = "dump")]
    directory: PathBuf,
    /// The address to listen on: 127.0.0.1 is this machine only, 0.0.0.0 or :: everybody
    #[arg(short, long, default_value = "127.0.0.1", value_name = "ADDRESS", value_parser = common::support::listen::address)]
    listenaddr: IpAddr,
    /// The port; 0 takes a free one
    #[arg(short = 'p', long, default_value_t = PORT, value_name = "PORT")]
    listenport: u16,
    /// Bytes of all files together
    #[arg(long, default_value = "1GiB", value_name = "BYTES", value_parser = size::bytes)]
    quota: u64,
    /// Clients served at the same time; the others wait
    #[arg(long, default_value = "64", value_name = "COUNT", value_parser = at_least_one(10_000_000))]
    connections: NonZeroUsize,
    /// A client that is silent for so long is hung up on
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = common::support::cli::duration)]
    timeout: Duration,
}

/// Serves until the stop.
pub fn run(args: &ServeArgs) -> anyhow::Result<ExitCode> {
    let stop = Stop::install()?;
    let dump = Dump::open(&args.directory, args.quota)
        .with_context(|| format!("cannot keep files in {}", args.directory.display()))?;
    let address = SocketAddr::new(args.listenaddr, args.listenport);
    let listener = Listener::open(address, BACKLOG, false, stop)
        .map_err(common::support::listen::refusal)
        .with_context(|| format!("cannot listen on {address}"))?;
    writeln!(common::support::cli::stdout(), "LISTENING {}", listener.address())?;
    let dump = &dump;
    let semaphore = Semaphore::new(args.connections);
    thread::scope(|scope| -> io::Result<()> {
        while !stop.requested() {
            // Before accept: a client without a permit waits in the backlog. A stop ends all threads and so releases all permits:
            // it ends this wait, too.
            let permit = semaphore.acquire();
            match listener.accept()? {
                AcceptOutcome::Accepted(stream, client) => {
                    let serve = move || {
                        let _permit = permit;
                        let cancelled = || stop.requested();
                        let end = Connection::new(stream, args.timeout, &cancelled)
                            .map_err(ReceiveError::from)
                            .and_then(|connection| serve(dump, connection));
                        match end {
                            Ok(done) => tracing::info!("{client}: {done}"),
                            Err(error) => tracing::info!("{client}: lost: {error}"),
                        }
                    };
                    let name = format!("files-{}", client.address.socket_address().port());
                    if let Err(error) = thread::Builder::new().name(name).spawn_scoped(scope, serve) {
                        tracing::warn!("a client is turned away: no thread for it: {error}");
                    }
                }
                AcceptOutcome::WouldBlock => {}
                AcceptOutcome::Full => stop.rest(ACCEPT_BACKOFF),
                AcceptOutcome::Closed => break,
            }
        }
        Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// One request and its answer; what was done, for the log.
fn serve(dump: &Dump, mut connection: Connection<'_>) -> Result<String, ReceiveError> {
    match connection.receive(FileRequest::decode) {
        Ok(FileRequest::Upload { size, name }) => upload(dump, connection, &name, size),
        Ok(FileRequest::List) => list(dump, connection),
        Ok(FileRequest::Download { name }) => download(dump, connection, &name),
        Err(ReceiveError::Malformed(why)) => {
            connection.write_all(&why.status().encode())?;
            connection.end();
            Ok(format!("not understood: {why}"))
        }
        Err(ReceiveError::Ended(0)) => Ok("came and went".into()),
        Err(ReceiveError::Ended(_)) => {
            connection.write_all(&Status::BadFormat.encode())?;
            Ok("hung up within a request".into())
        }
        Err(error) => Err(error),
    }
}

fn upload(
    dump: &Dump,
    mut connection: Connection<'_>,
    name: &FileName,
    size: u64,
) -> Result<String, ReceiveError> {
    let stored = store(dump, &mut connection, name, size);
    // However long the disk has taken: that is not the client's fault.
    connection.expect(0);
    let said = match stored {
        Ok(()) => {
            connection.write_all(&Status::Ok.encode())?;
            format!("uploaded {name}, {}", size::human(size))
        }
        Err(Unstored::Refused(why)) => {
            warn_of(&why);
            connection.write_all(&why.status().encode())?;
            format!("{name}, {}: refused: {why}", size::human(size))
        }
        Err(Unstored::Damaged(why)) => {
            connection.write_all(&Status::Damaged.encode())?;
            format!("{name}: removed: {why}")
        }
        Err(Unstored::Lost(error)) => return Err(error.into()),
    };
    connection.end();
    Ok(said)
}

enum Unstored {
    Refused(DumpError),
    Damaged(&'static str),
    /// There is nobody left to tell.
    Lost(io::Error),
}

impl From<io::Error> for Unstored {
    fn from(error: io::Error) -> Unstored {
        Unstored::Lost(error)
    }
}

impl From<DumpError> for Unstored {
    fn from(why: DumpError) -> Unstored {
        Unstored::Refused(why)
    }
}

/// The upload itself. Whatever ends it before the last line, `Upload` is dropped and the file is gone.
fn store(dump: &Dump, connection: &mut Connection<'_>, name: &FileName, size: u64) -> Result<(), Unstored> {
    let mut upload = dump.begin(name.clone(), size)?;
    connection.write_all(&Status::Ok.encode())?;
    connection.expect(size);
    let mut digester = Digester::default();
    let mut buffer = vec![0; CHUNK];
    let mut left = size;
    while left > 0 {
        let room = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        let got = connection.read(&mut buffer[..room])?;
        if got == 0 {
            return Err(Unstored::Damaged("the stream ended before the file did"));
        }
        digester.update(&buffer[..got]);
        upload.write(&buffer[..got]).map_err(failed_to_write)?;
        left -= got as u64;
    }
    let claimed = match connection.receive(decode_digest) {
        Ok(digest) => digest,
        Err(ReceiveError::Io(error)) => return Err(error.into()),
        Err(ReceiveError::Malformed(_) | ReceiveError::Ended(_)) => {
            return Err(Unstored::Damaged("there is no digest after the file"));
        }
    };
    // The end of an upload is the client's shutdown; what comes before it belongs to nothing.
    if connection.read(&mut [0])? != 0 {
        return Err(Unstored::Damaged("there are more bytes than announced"));
    }
    if claimed != digester.finish() {
        return Err(Unstored::Damaged("the digest does not match"));
    }
    Ok(upload.publish()?)
}

fn failed_to_write(error: io::Error) -> Unstored {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            DumpError::NoSpace.into()
        }
        _ => DumpError::Failed(error).into(),
    }
}

fn list(dump: &Dump, mut connection: Connection<'_>) -> Result<String, ReceiveError> {
    let files = match dump.list() {
        Ok(files) => files,
        Err(error) => return refuse(connection, &error.into()),
    };
    let mut answer = Status::Ok.encode().to_vec();
    answer.extend(encode_number(files.len() as u64));
    for (name, size) in &files {
        answer.extend(encode_entry(*size, name));
    }
    connection.expect(answer.len() as u64);
    connection.write_all(&answer)?;
    connection.end();
    Ok(format!("listed {}", count(files.len(), "file")))
}

fn download(dump: &Dump, mut connection: Connection<'_>, name: &FileName) -> Result<String, ReceiveError> {
    let (mut file, size) = match dump.read(name) {
        Ok(file) => file,
        Err(why) => return refuse(connection, &why),
    };
    connection.expect(size + DIGEST as u64);
    // In one segment: see `cargo ch2 show cork`.
    connection.write_all(&[&Status::Ok.encode()[..], &encode_number(size)].concat())?;
    let mut digester = Digester::default();
    let mut buffer = vec![0; CHUNK];
    let mut left = size;
    while left > 0 {
        let room = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        let got = file.read(&mut buffer[..room])?;
        if got == 0 {
            // Promised and not to be had: hanging up is all that tells the client.
            return Err(io::Error::new(ErrorKind::UnexpectedEof, format!("{name} was cut short")).into());
        }
        digester.update(&buffer[..got]);
        connection.write_all(&buffer[..got])?;
        left -= got as u64;
    }
    connection.write_all(digester.finish().as_str().as_bytes())?;
    connection.end();
    Ok(format!("downloaded {name}, {}", size::human(size)))
}

fn refuse(mut connection: Connection<'_>, why: &DumpError) -> Result<String, ReceiveError> {
    warn_of(why);
    connection.write_all(&why.status().encode())?;
    connection.end();
    Ok(format!("refused: {why}"))
}

/// The client is told only that the server failed; why is for the log.
fn warn_of(why: &DumpError) {
    if let DumpError::Failed(error) = why {
        tracing::warn!("a request failed: {error}");
    }
}
