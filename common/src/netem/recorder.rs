//! Where a relay keeps its events: in a file as they come, and in memory for the pictures.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use super::recording::{LinkEvent, write};

/// Most events kept in memory, about 200 bytes each; the file has them all.
pub const KEPT: usize = 100_000;

/// Takes the events of a relay's threads.
#[derive(Default)]
pub struct Recorder {
    keep: bool,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    file: Option<Box<dyn Write + Send>>,
    /// The first error of the file: said at the end, because a full disk should not end the relay.
    error: Option<io::Error>,
    kept: Vec<LinkEvent>,
    left_out: u64,
}

impl Recorder {
    /// Writes events to `file`, if there is one, and keeps the first [`KEPT`] of them if `keep`.
    #[must_use]
    pub fn new(file: Option<Box<dyn Write + Send>>, keep: bool) -> Recorder {
        Recorder { keep, inner: Mutex::new(Inner { file, ..Inner::default() }) }
    }

    /// Whether anything is recorded at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.keep || self.lock().file.is_some()
    }

    /// Takes events.
    pub fn record(&self, events: Vec<LinkEvent>) {
        if events.is_empty() {
            return;
        }
        let mut inner = self.lock();
        if let Some(file) = &mut inner.file
            && let Err(error) = write(&events, file)
        {
            inner.file = None;
            inner.error = Some(error);
        }
        if self.keep {
            let room = KEPT - inner.kept.len();
            inner.left_out += events.len().saturating_sub(room) as u64;
            inner.kept.extend(events.into_iter().take(room));
        }
    }

    /// Ends the file. Returns the events kept, by time, and how many came after them.
    ///
    /// # Errors
    /// The first error that the file made.
    pub fn finish(&self) -> io::Result<(Vec<LinkEvent>, u64)> {
        let mut inner = self.lock();
        if let Some(error) = inner.error.take() {
            return Err(error);
        }
        if let Some(mut file) = inner.file.take() {
            file.flush()?;
        }
        let mut kept = std::mem::take(&mut inner.kept);
        kept.sort_by_key(|event| event.at);
        Ok((kept, inner.left_out))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Recorder").field("keep", &self.keep).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::profile::Direction;
    use super::super::recording::Outcome;
    use super::*;

    fn events(count: u64) -> Vec<LinkEvent> {
        let event = |index| {
            LinkEvent::new(Duration::from_secs(count - index), 0, Direction::Up, index, b"x", Outcome::Passed)
        };
        (0..count).map(event).collect()
    }

    #[test]
    fn memory_is_bounded_and_says_so() {
        let recorder = Recorder::new(None, true);
        recorder.record(events(KEPT as u64 - 1));
        recorder.record(events(3));
        let (kept, left_out) = recorder.finish().unwrap();
        assert_eq!((kept.len(), left_out), (KEPT, 2));
        assert!(kept.is_sorted_by_key(|event| event.at));
    }

    #[test]
    fn a_file_that_fails_is_said_at_the_end() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let recorder = Recorder::new(Some(Box::new(Full)), false);
        assert!(recorder.is_on());
        recorder.record(events(1));
        recorder.record(events(1));
        assert_eq!(recorder.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
