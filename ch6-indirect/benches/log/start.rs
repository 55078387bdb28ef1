//! How long a start takes with many messages in the log, and what memory it needs: from the call to the messages in memory. The files
//! are in the kernel's memory, as after a kill.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use ch6_indirect::broker::RecordNumber;
use ch6_indirect::store::Store;
use ch6_indirect::store::segment_store::{SEGMENT, SegmentStore};

use super::measure::{content, define, message};

/// Writes so many messages, starts again, and says what that took.
///
/// # Errors
/// The disk does not do what it should.
pub fn measure(messages: u64) -> anyhow::Result<String> {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).context("no directory for the log")?;
    let (store, _) = SegmentStore::open(directory.path(), SEGMENT, Arc::new(|_| {}))?;
    define(&store)?;
    let content = content();
    for id in 1..=messages {
        store.append(RecordNumber(id), &message(id, &content));
        // What waits is memory, too.
        while id.is_multiple_of(10_000) && store.counters().bytes + (32 << 20) < id * 200 {
            std::thread::yield_now();
        }
    }
    store.end();
    drop(store);
    let before = memory("VmRSS")?;
    std::fs::write("/proc/self/clear_refs", "5")?;
    let began = Instant::now();
    let (store, recovered) = SegmentStore::open(directory.path(), SEGMENT, Arc::new(|_| {}))?;
    let took = began.elapsed().as_secs_f64();
    let (most, left) = (memory("VmHWM")?, memory("VmRSS")?);
    anyhow::ensure!(recovered.messages.len() as u64 == messages, "{} were found", recovered.messages.len());
    anyhow::ensure!(recovered.damaged.is_empty(), "{:?}", recovered.damaged);
    store.end();
    Ok(format!(
        "A start with {messages} messages of 128 bytes: {took:.2} s; {left} MiB when they are there, {most} MiB at most; {before} MiB before."
    ))
}

fn memory(what: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'));
    let kilobytes =
        line.and_then(|line| line.trim().strip_suffix(" kB")).context("no such line in /proc/self/status")?;
    Ok(kilobytes.parse::<u64>()? / 1024)
}
