//! The log at work: its writer in a thread of its own.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::log::Log;
use super::recovery::Recovery;
use super::writer::Writer;
use super::{Event, Synced};
use crate::broker::RecordNumber;

/// How long after no room was found it is asked for again.
const RETRY: Duration = Duration::from_millis(500);

/// A log and its writer.
#[derive(Debug)]
pub struct RunningLog {
    log: Arc<Log>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl RunningLog {
    /// Goes on where recovery has ended. `synced` is called from the writer's thread.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn start(recovery: Recovery, size: u64, synced: Synced) -> io::Result<RunningLog> {
        let log = Arc::new(Log::new(size, recovery.state));
        let writer = Writer::new(Arc::clone(&log), recovery.room, size);
        let shared = Arc::clone(&log);
        let thread =
            thread::Builder::new().name("log-writer".into()).spawn(move || run(writer, &shared, &synced))?;
        Ok(RunningLog { log, thread: Mutex::new(Some(thread)) })
    }

    /// What is appended to, and read from.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Waits until all is safe, or cannot be made so, and ends the thread. Not to be called from it.
    pub fn end(&self) {
        self.log.end();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

impl Drop for RunningLog {
    fn drop(&mut self) {
        self.end();
    }
}

fn run(mut writer: Writer, log: &Log, synced: &Synced) {
    let mut said = RecordNumber::default();
    let mut is_full = false;
    let mut asked = Instant::now();
    loop {
        let is_ended = log.state().is_ended();
        let retry = is_ended || asked.elapsed() >= RETRY;
        if retry {
            asked = Instant::now();
        }
        match writer.write_batch(retry) {
            Ok(Some(number)) if number > said => {
                said = number;
                synced(Event::Synced(number));
            }
            Ok(_) => {}
            Err(error) => return fail(log, synced, error.to_string()),
        }
        let is_busy = match writer.keep(retry) {
            Ok(is_busy) => is_busy,
            Err(error) => return fail(log, synced, error.to_string()),
        };
        if writer.refused().is_some() != is_full {
            is_full = !is_full;
            let reason = writer.refused().unwrap_or_default();
            if is_full {
                tracing::warn!(reason, "no room for the log's next segment: publishers are held back");
            }
            synced(Event::Full(is_full));
        }
        match (is_ended, writer.is_waiting()) {
            (true, true) if is_full => return fail(log, synced, "ended while the disk was full".into()),
            (true, false) if !log.state().is_pending() => return,
            _ if is_ended || is_busy => {}
            (_, is_waiting) => log.wait(!is_waiting, is_full.then_some(RETRY)),
        }
    }
}

fn fail(log: &Log, synced: &Synced, reason: String) {
    log.fail();
    synced(Event::Failed(reason));
}
