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

use super::record::{Job, Record};
use super::target::{CHUNK, Target};
use super::work_queue::{TICK, WorkQueue};
use common::protocol::http::{Keep, Url, get};

/// Figure 4.1: this thread fetches the files, one after another.
pub fn one_after_another(queue: &WorkQueue) {
    while let Some(number) = queue.next() {
        download(queue, number);
    }
}

/// Figure 4.2: `workers` threads fetch the files; each takes the next when it is done.
///
/// # Errors
/// No thread can be made. Those that were made finish their work.
pub fn in_threads(queue: &Arc<WorkQueue>, workers: usize) -> io::Result<()> {
    thread::scope(|scope| {
        for number in 1..=workers {
            let worker = thread::Builder::new().name(format!("worker-{number}"));
            worker.spawn_scoped(scope, || one_after_another(queue))?;
        }
        io::Result::Ok(())
    })?;
    queue.await_threads();
    Ok(())
}

fn download(queue: &WorkQueue, number: usize) {
    let mut record = queue.begin(number);
    let end = fetch(queue, &queue.jobs[number], &mut record);
    queue.end(record, end);
}

fn fetch(queue: &WorkQueue, job: &Job, record: &mut Record) -> anyhow::Result<()> {
    let mut target = Target::new(queue, job)?;
    if queue.is_interrupted() {
        bail!("interrupted");
    }
    let mut connection = connect(&job.url, queue.timeout)?;
    connection.set_read_timeout(Some(TICK.min(queue.timeout)))?;
    connection.set_write_timeout(Some(queue.timeout))?;
    connection.write_all(&get(&job.url, Keep::Close)).context("cannot send the request")?;
    let mut chunk = vec![0; CHUNK];
    let mut heard = Instant::now();
    loop {
        let count = match connection.read(&mut chunk) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                if queue.is_interrupted() {
                    bail!("interrupted");
                }
                if heard.elapsed() >= queue.timeout {
                    bail!("the server has sent nothing for {}", common::support::cli::human(queue.timeout));
                }
                continue;
            }
            read => read.context("the connection broke")?,
        };
        heard = Instant::now();
        if queue.is_interrupted() {
            bail!("interrupted");
        }
        if target.receive(&chunk[..count], record)? {
            return target.keep();
        }
    }
}

/// Connects to the first address of the host that answers.
fn connect(url: &Url, timeout: Duration) -> anyhow::Result<TcpStream> {
    let addresses = (url.host.as_str(), url.port).to_socket_addrs();
    let mut last = None;
    for address in addresses.with_context(|| format!("cannot find {}", url.host))? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(connection) => return Ok(connection),
            Err(error) => {
                last = Some(anyhow::Error::new(error).context(format!("cannot connect to {address}")));
            }
        }
    }
    Err(last.unwrap_or_else(|| anyhow::anyhow!("{} has no address", url.host)))
}
