//! Downloads by tasks of one thread: it waits for all connections at once, and does what is ready.
//!
//! ```text
//!   runtime: epoll_wait ─► task 2: bytes ─► .await ─► task 1: bytes ─► .await ─► epoll_wait …
//! ```
//!
//! Compare with [`blocking`](super::blocking): the same steps in the same order, and `.await` where that one waits. A
//! connection costs a task, a few hundred bytes beside its buffer. The file is written without awaiting: a write goes to
//! the page cache and does not wait, as a rule, while `tokio::fs` would hand each to a pool of threads.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::record::{Job, Record};
use super::target::{CHUNK, Target};
use super::work_queue::{TICK, WorkQueue};
use common::protocol::http::{Keep, Url, get};

/// `workers` tasks on this one thread fetch the files; each takes the next when it is done.
///
/// # Errors
/// No runtime can be made.
pub fn in_tasks(queue: &Arc<WorkQueue>, workers: usize) -> anyhow::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build().context("cannot make a runtime")?;
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for _ in 0..workers {
            let queue = Arc::clone(queue);
            tasks.spawn(async move {
                while let Some(number) = queue.next() {
                    download(&queue, number).await;
                }
            });
        }
        tasks.join_all().await;
    });
    Ok(())
}

async fn download(queue: &WorkQueue, number: usize) {
    let mut record = queue.begin(number);
    let end = fetch(queue, &queue.jobs[number], &mut record).await;
    queue.end(record, end);
}

async fn fetch(queue: &WorkQueue, job: &Job, record: &mut Record) -> anyhow::Result<()> {
    let mut target = Target::new(queue, job)?;
    let mut connection = unless_interrupted(queue, connect(queue, &job.url)).await?;
    let request = get(&job.url, Keep::Close);
    let sent = unless_interrupted(queue, async { Ok(connection.write_all(&request).await) }).await?;
    sent.context("cannot send the request")?;
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = unless_interrupted(queue, async { Ok(connection.read(&mut chunk).await) }).await?;
        let count = read.context("the connection broke")?;
        if target.receive(&chunk[..count], record)? {
            return target.keep();
        }
    }
}

/// Awaits `step` no longer than the timeout, and looks at each tick whether Ctrl-C was pressed.
async fn unless_interrupted<T>(
    queue: &WorkQueue,
    step: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let began = Instant::now();
    let mut step = std::pin::pin!(step);
    loop {
        if queue.is_interrupted() {
            bail!("interrupted");
        }
        match timeout(TICK.min(queue.timeout), &mut step).await {
            Ok(done) => return done,
            Err(_) if began.elapsed() >= queue.timeout => {
                bail!("the server has sent nothing for {}", common::support::cli::human(queue.timeout));
            }
            Err(_) => {}
        }
    }
}

/// Connects to the first address of the host that answers.
async fn connect(queue: &WorkQueue, url: &Url) -> anyhow::Result<TcpStream> {
    let addresses = lookup_host((url.host.as_str(), url.port)).await;
    let mut last = None;
    for address in addresses.with_context(|| format!("cannot find {}", url.host))? {
        match timeout(queue.timeout, TcpStream::connect(address)).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => {
                last = Some(anyhow::Error::new(error).context(format!("cannot connect to {address}")));
            }
            Err(_) => last = Some(anyhow::anyhow!("cannot connect to {address}: no answer")),
        }
    }
    Err(last.unwrap_or_else(|| anyhow::anyhow!("{} has no address", url.host)))
}
