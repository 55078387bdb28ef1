//! What a process writes, read by a thread as it comes: the process never waits for a reader.

use std::io::{self, ErrorKind, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes that are kept. What comes after them is read and dropped.
const KEPT: usize = 64 << 20;

/// The text, which grows until the stream has ended. Clones are of the same text.
#[derive(Debug, Clone, Default)]
pub struct Transcript(Arc<(Mutex<Text>, Condvar)>);

#[derive(Debug, Default)]
struct Text {
    bytes: Vec<u8>,
    ended: bool,
}

impl Transcript {
    /// Of no stream: it has ended, and is empty.
    pub(super) fn nothing() -> Transcript {
        let transcript = Transcript::default();
        transcript.lock().ended = true;
        transcript
    }

    /// Starts to read the stream.
    pub(super) fn of(mut stream: impl Read + Send + 'static) -> io::Result<Transcript> {
        let transcript = Transcript::default();
        let writer = transcript.clone();
        thread::Builder::new().name("transcript".into()).spawn(move || {
            let mut buffer = [0; 8192];
            loop {
                let read = match stream.read(&mut buffer) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    Ok(read) => read,
                    Err(_) => 0,
                };
                let mut text = writer.lock();
                let kept = read.min(KEPT - text.bytes.len());
                text.bytes.extend_from_slice(&buffer[..kept]);
                text.ended = read == 0;
                writer.0.1.notify_all();
                if text.ended {
                    break;
                }
            }
        })?;
        Ok(transcript)
    }

    /// Waits until `look` finds something in the text.
    ///
    /// # Errors
    /// The text so far, when the stream has ended or the time is over.
    pub fn wait<T>(&self, bound: Duration, mut look: impl FnMut(&str) -> Option<T>) -> Result<T, String> {
        self.watch(bound, |text| look(&String::from_utf8_lossy(&text.bytes)), |text| text.ended)
    }

    /// Waits for the end of the stream: every process that could write to it has ended, or closed it.
    ///
    /// # Errors
    /// The text so far, when the time is over.
    pub fn wait_for_end(&self, bound: Duration) -> Result<String, String> {
        let all = |text: &Text| text.ended.then(|| String::from_utf8_lossy(&text.bytes).into_owned());
        self.watch(bound, all, |_| false)
    }

    /// The bytes so far.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.lock().bytes.clone()
    }

    /// The line that begins at `at`, without its end, and where the next one begins. What stands before the end of the stream is a
    /// line, too. `None` when there is none in time.
    pub(super) fn line(&self, at: usize, bound: Duration) -> Option<(String, usize)> {
        let line = |text: &Text| {
            let rest = &text.bytes[at..];
            let end = rest.iter().position(|&byte| byte == b'\n');
            let end = end.or_else(|| (text.ended && !rest.is_empty()).then_some(rest.len()))?;
            Some((String::from_utf8_lossy(&rest[..end]).into_owned(), at + (end + 1).min(rest.len())))
        };
        self.watch(bound, line, |text| text.ended).ok()
    }

    fn watch<T>(
        &self,
        bound: Duration,
        mut look: impl FnMut(&Text) -> Option<T>,
        give_up: impl Fn(&Text) -> bool,
    ) -> Result<T, String> {
        let deadline = Instant::now() + bound;
        let mut text = self.lock();
        loop {
            if let Some(found) = look(&text) {
                return Ok(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || give_up(&text) {
                return Err(String::from_utf8_lossy(&text.bytes).into_owned());
            }
            text = self.0.1.wait_timeout(text, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Text> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
