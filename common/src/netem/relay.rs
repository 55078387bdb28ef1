//! A relay on real sockets: whatever reaches it goes through the link to the server, and the answers come back through it.
//!
//! ```text
//! client ◀──▶ 127.0.0.1:7778  ( the link )  ◀──▶ 127.0.0.1:7777 server
//!              UDP and TCP, the same port
//! ```

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use nix::sys::eventfd::{EfdFlags, EventFd};

use super::recorder::Recorder;
use super::settings::Settings;
use super::totals::Summary;
use super::{tcp, udp};
use crate::net::datagram::Endpoint;

/// A relay whose sockets are open: clients may already send, and are served once it [runs](Relay::run).
#[derive(Debug)]
pub struct Relay {
    settings: Settings,
    address: SocketAddr,
    udp: Option<Endpoint>,
    tcp: Option<TcpListener>,
}

impl Relay {
    /// Opens the sockets.
    ///
    /// # Errors
    /// `InvalidInput` when neither carrier is wanted; what bind(2) says, above all `EADDRINUSE`.
    pub fn bind(settings: &Settings) -> io::Result<Relay> {
        /// A port that is free for TCP may be taken for UDP.
        const ATTEMPTS: usize = 16;
        let mut last =
            Err(io::Error::new(io::ErrorKind::InvalidInput, "neither UDP nor TCP is to be relayed"));
        for _ in 0..ATTEMPTS {
            last = Relay::bind_once(settings);
            let retry = settings.listen.port() == 0 && settings.udp && settings.tcp;
            if !retry || !last.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse) {
                break;
            }
        }
        last
    }

    fn bind_once(settings: &Settings) -> io::Result<Relay> {
        let mut address = settings.listen;
        let tcp = settings.tcp.then(|| TcpListener::bind(address)).transpose()?;
        if let Some(tcp) = &tcp {
            address = tcp.local_addr()?;
        }
        let udp = settings.udp.then(|| udp::listen(address)).transpose()?;
        if let Some(udp) = &udp {
            address = udp.address()?;
        } else if tcp.is_none() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "neither UDP nor TCP is to be relayed"));
        }
        Ok(Relay { settings: settings.clone(), address, udp, tcp })
    }

    /// Where clients reach it, by either carrier.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Relays until `stop` is readable, which it must stay: [`Stop::fd`](crate::core::stop::Stop::fd), or an eventfd. What is in
    /// flight then is lost, and connections are closed.
    ///
    /// # Errors
    /// What only a broken socket says.
    pub fn run(self, stop: BorrowedFd<'_>, recorder: &Recorder) -> io::Result<Summary> {
        let start = Instant::now();
        let settings = &self.settings;
        thread::scope(|scope| {
            let udp = self.udp.map(|mut socket| {
                let run = move || {
                    udp::relay(&mut socket, settings, start, stop, recorder)
                        .inspect_err(|error| tracing::error!("no datagrams are relayed any more: {error}"))
                };
                thread::Builder::new().name("udp".into()).spawn_scoped(scope, run)
            });
            let tcp = self.tcp.as_ref().map(|socket| tcp::relay(socket, settings, start, stop, recorder));
            let udp = udp
                .transpose()?
                .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            Ok(Summary { udp: udp.transpose()?, tcp: tcp.transpose()? })
        })
    }

    /// Relays in a thread of its own: for tests and benchmarks, whose client and server are in the same process.
    ///
    /// # Errors
    /// When there is no descriptor or no thread left.
    pub fn start(self, recorder: Arc<Recorder>) -> io::Result<RunningRelay> {
        let address = self.address;
        let stop = Arc::new(EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?);
        let end = Arc::clone(&stop);
        let run = move || self.run(end.as_fd(), &recorder);
        let thread = thread::Builder::new().name("link".into()).spawn(run)?;
        Ok(RunningRelay { address, stop, thread: Some(thread) })
    }
}

/// A relay at work in its own thread. Dropping it stops it.
#[derive(Debug)]
pub struct RunningRelay {
    address: SocketAddr,
    stop: Arc<EventFd>,
    thread: Option<JoinHandle<io::Result<Summary>>>,
}

impl RunningRelay {
    /// Where clients reach it, by either carrier.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it.
    ///
    /// # Errors
    /// What [`Relay::run`] says.
    pub fn stop(mut self) -> io::Result<Summary> {
        self.end().unwrap_or_else(|| Ok(Summary::default()))
    }

    fn end(&mut self) -> Option<io::Result<Summary>> {
        let thread = self.thread.take()?;
        let _ = self.stop.write(1); // fails only when it is readable anyway
        Some(thread.join().unwrap_or_else(|_| Err(io::Error::other("the relay panicked"))))
    }
}

impl Drop for RunningRelay {
    fn drop(&mut self) {
        let _ = self.end();
    }
}
