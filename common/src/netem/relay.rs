//! A relay on real sockets: whatever reaches it goes through the link to the server, and the answers come back through it.
//!
//! ```text
//! client ◀──▶ 127.0.0.1:7778  ( the link )  ◀──▶ 127.0.0.1:7777 server
//!              UDP and TCP, the same port
//! ```

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::eventfd::{EfdFlags, EventFd};

use super::counts::Counts;
use super::journal::{LabelDecoder, no_label};
use super::profile::Profile;
use super::recorder::Recorder;
use super::{tcp, udp};

/// What a relay does.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where clients reach it; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// The server.
    pub to: SocketAddr,
    /// Whether datagrams are relayed.
    pub udp: bool,
    /// Whether connections are.
    pub tcp: bool,
    /// What goes wrong.
    pub profile: Profile,
    /// When it does.
    pub seed: u64,
    /// A client that sent and received no datagram for so long is forgotten.
    pub idle: Duration,
    /// What reads the labels of the events.
    pub label: LabelDecoder,
}

impl Settings {
    /// Both carriers, from a port that the system chooses on 127.0.0.1, and clients forgotten after a minute.
    #[must_use]
    pub fn new(to: SocketAddr, profile: Profile, seed: u64) -> Settings {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        Settings {
            listen,
            to,
            udp: true,
            tcp: true,
            profile,
            seed,
            idle: Duration::from_secs(60),
            label: no_label,
        }
    }
}

/// What one carrier did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// From clients to the server.
    pub up: Counts,
    /// Back.
    pub down: Counts,
    /// Clients (UDP) or connections (TCP) that were served.
    pub flows: u64,
    /// Datagrams or connections of clients for which there was no room.
    pub turned_away: u64,
}

impl Totals {
    pub(super) fn add(&mut self, up: &Counts, down: &Counts) {
        self.up += *up;
        self.down += *down;
    }
}

/// What a relay did, by carrier; `None` where it was off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Datagrams.
    pub udp: Option<Totals>,
    /// Connections.
    pub tcp: Option<Totals>,
}

/// A relay whose sockets are open: clients may already send, and are served once it [runs](Relay::run).
#[derive(Debug)]
pub struct Relay {
    settings: Settings,
    address: SocketAddr,
    udp: Option<UdpSocket>,
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
            address = udp.local_addr()?;
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
            let udp = self.udp.as_ref().map(|socket| {
                let run = move || {
                    udp::relay(socket, settings, start, stop, recorder)
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
    pub fn start(self, recorder: Arc<Recorder>) -> io::Result<Running> {
        let address = self.address;
        let stop = Arc::new(EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?);
        let end = Arc::clone(&stop);
        let run = move || self.run(end.as_fd(), &recorder);
        let thread = thread::Builder::new().name("link".into()).spawn(run)?;
        Ok(Running { address, stop, thread: Some(thread) })
    }
}

/// A relay at work in its own thread. Dropping it stops it.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    stop: Arc<EventFd>,
    thread: Option<JoinHandle<io::Result<Summary>>>,
}

impl Running {
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

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.end();
    }
}
