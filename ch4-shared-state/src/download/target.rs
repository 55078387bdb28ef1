//! One file on its way: what has come goes to a temporary file, which gets its name when it is complete.
//!
//! Half a file under its right name would be taken for a whole one; a rename is all or nothing (rename(2)), and a
//! temporary file that is not renamed is removed.

use std::fs::{File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use anyhow::Context;
use tempfile::NamedTempFile;

use super::record::{Job, Record};
use super::work_queue::WorkQueue;
use common::protocol::http::{Exchange, Progress};
use common::support::unfinished;
use nix::fcntl::Flock;

/// Read at once from a connection, bytes.
pub const CHUNK: usize = 64 * 1024;

/// The state of one download, but for its connection.
pub struct Target<'a> {
    queue: &'a WorkQueue,
    job: &'a Job,
    exchange: Exchange,
    file: NamedTempFile,
    /// The next program does not sweep it.
    _held: Option<Flock<File>>,
}

impl<'a> Target<'a> {
    /// Before the request.
    ///
    /// # Errors
    /// No file can be made in the directory.
    pub fn new(queue: &'a WorkQueue, job: &'a Job) -> anyhow::Result<Target<'a>> {
        let directory = job.path.parent().context("the file has no directory")?;
        let file = tempfile::Builder::new()
            .prefix(unfinished::PREFIX)
            .permissions(Permissions::from_mode(0o666)) // less what the umask takes away, like any new file
            .tempfile_in(directory)
            .with_context(|| format!("cannot make a file in {}", directory.display()))?;
        let _held = unfinished::hold(file.as_file());
        Ok(Target { _held, queue, job, exchange: Exchange::new(queue.limit), file })
    }

    /// Bytes have come, or with none of them the server's end. `true`: the file is complete.
    ///
    /// # Errors
    /// The answer is no whole file, or the disk does not take it.
    pub fn receive(&mut self, bytes: &[u8], record: &mut Record) -> anyhow::Result<bool> {
        if bytes.is_empty() {
            self.exchange.finish()?;
            return Ok(true);
        }
        let before = self.exchange.received();
        let progress = self.exchange.receive(bytes, &mut self.file);
        record.bytes = self.exchange.received();
        if before == 0 && record.bytes > 0 {
            record.first_byte_ms = Some(self.queue.now_ms());
        }
        self.queue.screen.advance(record.number, record.bytes, self.exchange.expected());
        Ok(progress? == Progress::Complete)
    }

    /// Gives the complete file its name.
    ///
    /// # Errors
    /// What rename(2) says.
    pub fn keep(mut self) -> anyhow::Result<()> {
        self.file.flush()?;
        let path = &self.job.path;
        self.file.persist(path).with_context(|| format!("cannot name it {}", path.display()))?;
        Ok(())
    }
}
