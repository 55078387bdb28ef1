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

use super::blocking::TICK;
use super::plan::{Job, Record, Shared};
use super::target::{CHUNK, Target};
use common::protocol::http::{Keep, Url, get};

/// `workers` tasks on this one thread fetch the files; whichever is done takes the next.
///
/// # Errors
/// No runtime can be made.
pub fn in_tasks(shared: &Arc<Shared>, workers: usize) -> anyhow::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build().context("cannot make a runtime")?;
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for _ in 0..workers {
            let shared = Arc::clone(shared);
            tasks.spawn(async move {
                while let Some(number) = shared.next() {
                    download(&shared, number).await;
                }
            });
        }
        tasks.join_all().await;
    });
    Ok(())
}

async fn download(shared: &Shared, number: usize) {
    let mut record = shared.begin(number);
    let end = fetch(shared, &shared.jobs[number], &mut record).await;
    shared.end(record, end);
}

async fn fetch(shared: &Shared, job: &Job, record: &mut Record) -> anyhow::Result<()> {
    let mut target = Target::new(shared, job)?;
    let mut connection = unless_interrupted(shared, connect(shared, &job.url)).await?;
    let request = get(&job.url, Keep::Close);
    let sent = unless_interrupted(shared, async { Ok(connection.write_all(&request).await) }).await?;
    sent.context("cannot send the request")?;
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = unless_interrupted(shared, async { Ok(connection.read(&mut chunk).await) }).await?;
        let count = read.context("the connection broke")?;
        if target.receive(&chunk[..count], record)? {
            return target.keep();
        }
    }
}

/// Awaits `step` no longer than the patience lasts, and looks at each tick whether Ctrl-C was pressed.
async fn unless_interrupted<T>(
    shared: &Shared,
    step: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let began = Instant::now();
    let mut step = std::pin::pin!(step);
    loop {
        if shared.is_interrupted() {
            bail!("interrupted");
        }
        match timeout(TICK.min(shared.patience), &mut step).await {
            Ok(done) => return done,
            Err(_) if began.elapsed() >= shared.patience => {
                bail!("the server has sent nothing for {}", common::support::cli::human(shared.patience));
            }
            Err(_) => {}
        }
    }
}

/// Connects to the first address of the host that answers.
async fn connect(shared: &Shared, url: &Url) -> anyhow::Result<TcpStream> {
    let addresses = lookup_host((url.host.as_str(), url.port)).await;
    let mut last = None;
    for address in addresses.with_context(|| format!("cannot find {}", url.host))? {
        match timeout(shared.patience, TcpStream::connect(address)).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => {
                last = Some(anyhow::Error::new(error).context(format!("cannot connect to {address}")));
            }
            Err(_) => last = Some(anyhow::anyhow!("cannot connect to {address}: no answer")),
        }
    }
    Err(last.unwrap_or_else(|| anyhow::anyhow!("{} has no address", url.host)))
}
