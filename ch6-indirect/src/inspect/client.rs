//! One request to the API: a connection of its own, read to its end within a time.

use std::io::{Read, Write};
use std::net::ToSocketAddrs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use common::protocol::http::{Exchange, Fault, Progress, Url};
use common::support::interruptible::InterruptibleStream;
use common::support::terminal;

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest answer, bytes: some hundred thousand queues.
const LIMIT: u64 = 256 << 20;

/// Why there is nothing to show.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// Nobody listens there.
    #[error("no broker's page is at {0}; start one with `cargo ch6 broker`")]
    NoBroker(String),
    /// The user is not known, or the password is wrong.
    #[error("the broker refuses this user and password: --user and --password-file name others")]
    Refused,
    /// What answers is no broker.
    #[error("what answers at {0} is no broker of this chapter: {1}")]
    NotOurs(String, String),
    /// It ended in the middle.
    #[error("the broker at {0} does not answer: {1}")]
    Silent(String, std::io::Error),
    /// Ctrl-C has come.
    #[error("interrupted")]
    Interrupted,
}

/// Asks one broker.
pub struct Client {
    url: Url,
    request: String,
}

impl Client {
    /// As this user.
    #[must_use]
    pub fn new(url: &Url, user: &str, password: &str) -> Client {
        let (host, login) = (url.authority(), BASE64.encode(format!("{user}:{password}")));
        let request = format!(
            "GET /api/snapshot HTTP/1.1\r\nHost: {host}\r\nUser-Agent: ch6-inspect\r\nAuthorization: Basic {login}\r\n\
             Connection: close\r\n\r\n"
        );
        Client { url: url.clone(), request }
    }

    /// What can be seen of the broker now, as JSON.
    ///
    /// # Errors
    /// See [`Unavailable`].
    pub fn snapshot(&self, interrupted: &AtomicBool) -> Result<String, Unavailable> {
        let place = || terminal::line(&self.url.authority()).into_owned();
        let is_interrupted = || interrupted.load(Ordering::SeqCst);
        let mut stream = self.connect(interrupted).ok_or_else(|| Unavailable::NoBroker(place()))?;
        let silent = |error| {
            if is_interrupted() { Unavailable::Interrupted } else { Unavailable::Silent(place(), error) }
        };
        stream.write_all(self.request.as_bytes()).map_err(silent)?;
        let (mut exchange, mut content, mut buffer) = (Exchange::new(LIMIT), Vec::new(), vec![0; 64 * 1024]);
        let began = Instant::now();
        loop {
            if began.elapsed() > PATIENCE {
                return Err(silent(std::io::ErrorKind::TimedOut.into()));
            }
            let progress = match stream.read(&mut buffer).map_err(silent)? {
                0 => exchange.finish().map(|()| Progress::Complete),
                count => exchange.receive(&buffer[..count], &mut content),
            };
            match progress {
                Ok(Progress::More) => {}
                Ok(Progress::Complete) => break,
                Err(Fault::Status(status)) if status.starts_with("401") => return Err(Unavailable::Refused),
                Err(fault) => return Err(self.not_ours(&fault.to_string())),
            }
        }
        String::from_utf8(content).map_err(|_| self.not_ours("its answer is no text"))
    }

    fn connect<'a>(&self, interrupted: &'a AtomicBool) -> Option<InterruptibleStream<'a>> {
        let addresses = (self.url.host.as_str(), self.url.port).to_socket_addrs().ok()?;
        addresses
            .into_iter()
            .find_map(|address| InterruptibleStream::connect(address, PATIENCE, interrupted).ok())
    }

    fn not_ours(&self, why: &str) -> Unavailable {
        let shown = |text: &str| terminal::line(text).into_owned();
        Unavailable::NotOurs(shown(&self.url.authority()), shown(why))
    }
}
