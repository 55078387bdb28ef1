//! Downloads by threads that wait: one of them for all files, or each for one at a time.
//!
//! ```text
//!   one_after_another      main: fetch, fetch, fetch
//!   in_threads             main: spawn N, join           worker: next? ─► fetch ─► next? …
//! ```
//!
//! A thread waits in `recv(2)`, and only it does. The price of a connection is a thread: a stack, and a context switch
//! for every time it is woken.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::plan::{Job, Record, Shared};
use super::target::{CHUNK, Target};
use common::protocol::http::{Keep, Url, get};

/// How often a waiting thread looks whether Ctrl-C was pressed: a signal wakes only one thread of a process.
pub const TICK: Duration = Duration::from_millis(100);

/// Figure 4.1: this thread fetches the files, one after another.
pub fn one_after_another(shared: &Shared) {
    while let Some(number) = shared.next() {
        download(shared, number);
    }
}

/// Figure 4.2: `workers` threads fetch the files; whoever is done takes the next.
///
/// # Errors
/// No thread can be made. Those that were made finish their work.
pub fn in_threads(shared: &Arc<Shared>, workers: usize) -> io::Result<()> {
    thread::scope(|scope| {
        for number in 1..=workers {
            let worker = thread::Builder::new().name(format!("worker-{number}"));
            worker.spawn_scoped(scope, || one_after_another(shared))?;
        }
        io::Result::Ok(())
    })?;
    shared.await_threads();
    Ok(())
}

fn download(shared: &Shared, number: usize) {
    let mut record = shared.begin(number);
    let end = fetch(shared, &shared.jobs[number], &mut record);
    shared.end(record, end);
}

fn fetch(shared: &Shared, job: &Job, record: &mut Record) -> anyhow::Result<()> {
    let mut target = Target::new(shared, job)?;
    if shared.is_interrupted() {
        bail!("interrupted");
    }
    let mut connection = connect(&job.url, shared.patience)?;
    connection.set_read_timeout(Some(TICK.min(shared.patience)))?;
    connection.set_write_timeout(Some(shared.patience))?;
    connection.write_all(&get(&job.url, Keep::Close)).context("cannot send the request")?;
    let mut chunk = vec![0; CHUNK];
    let mut heard = Instant::now();
    loop {
        let count = match connection.read(&mut chunk) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                if shared.is_interrupted() {
                    bail!("interrupted");
                }
                if heard.elapsed() >= shared.patience {
                    bail!("the server has sent nothing for {}", common::support::cli::human(shared.patience));
                }
                continue;
            }
            read => read.context("the connection broke")?,
        };
        heard = Instant::now();
        if shared.is_interrupted() {
            bail!("interrupted");
        }
        if target.receive(&chunk[..count], record)? {
            return target.keep();
        }
    }
}

/// Connects to the first address of the host that answers.
fn connect(url: &Url, patience: Duration) -> anyhow::Result<TcpStream> {
    let addresses = (url.host.as_str(), url.port).to_socket_addrs();
    let mut last = None;
    for address in addresses.with_context(|| format!("cannot find {}", url.host))? {
        match TcpStream::connect_timeout(&address, patience) {
            Ok(connection) => return Ok(connection),
            Err(error) => {
                last = Some(anyhow::Error::new(error).context(format!("cannot connect to {address}")));
            }
        }
    }
    Err(last.unwrap_or_else(|| anyhow::anyhow!("{} has no address", url.host)))
}
