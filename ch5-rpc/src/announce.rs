//! A server announces its reference by multicast, once a second; a client hears it. Notes, chapter 5: *to find a server without
//! its address*.
//!
//! ```text
//!   server ── PYRO:6f1c…@127.0.0.1:7777 ──► group, each second ──► every client that has joined on the same interface
//! ```
//!
//! **The interface matters.** What is sent by loopback is heard by those that joined on loopback, and by no others. The notes'
//! client joins where the route to the group leads, which is mostly not loopback: for it the server must announce by `default`.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::ValueEnum;
use common::support::cli::human;
use common::support::interrupt;
use socket2::{Domain, Protocol, Socket, Type};

/// How often.
const PERIOD: Duration = Duration::from_secs(1);

/// Routers that an announcement crosses, and one.
const TTL: u32 = 4;

/// By which interface a server is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Announce {
    /// Loopback: heard on this machine, by those that listen there
    Lo,
    /// Where the route to the group leads: heard in the local network
    Default,
    /// None: no announcement
    Off,
}

/// By which interface a client listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Interface {
    /// Loopback: hears what is announced there, on this machine
    Lo,
    /// Where the route to the group leads: hears what is announced in the local network
    Default,
}

/// A group and its port.
#[derive(Debug, Clone, Copy)]
pub struct Group(pub Ipv4Addr, pub u16);

impl Announce {
    fn interface(self) -> Option<Interface> {
        match self {
            Announce::Lo => Some(Interface::Lo),
            Announce::Default => Some(Interface::Default),
            Announce::Off => None,
        }
    }
}

impl Interface {
    /// For the kernel: its own address, or none, and then the route decides.
    fn address(self) -> Ipv4Addr {
        match self {
            Interface::Lo => Ipv4Addr::LOCALHOST,
            Interface::Default => Ipv4Addr::UNSPECIFIED,
        }
    }
}

impl Group {
    /// Sends `text` to the group every second, until the program ends.
    ///
    /// # Errors
    /// No socket for it. A network that is not there is no error: it may come.
    pub fn announce(self, by: Announce, text: String) -> io::Result<()> {
        let Some(interface) = by.interface() else { return Ok(()) };
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_multicast_if_v4(&interface.address())?;
        socket.set_multicast_ttl_v4(TTL)?;
        socket.set_multicast_loop_v4(true)?;
        let group = SocketAddr::from((self.0, self.1)).into();
        thread::Builder::new().name("announcer".into()).spawn(move || {
            let mut is_silent = false;
            loop {
                let sent = socket.send_to(text.as_bytes(), &group);
                if let (Err(error), false) = (&sent, is_silent) {
                    tracing::warn!("not announced: {error}");
                }
                is_silent = sent.is_err();
                thread::sleep(PERIOD);
            }
        })?;
        Ok(())
    }

    /// Waits for an announcement that `read` understands. Anyone can announce: what is heard is a hint and no proof.
    ///
    /// # Errors
    /// Nothing was heard in time, or Ctrl-C has come.
    pub fn hear<T>(
        self,
        interface: Interface,
        timeout: Duration,
        read: impl Fn(&str) -> Option<T>,
    ) -> anyhow::Result<T> {
        let Group(group, port) = self;
        let socket = self.receiver(interface).with_context(|| format!("cannot listen to {group}:{port}"))?;
        let end = Instant::now() + timeout;
        let mut buffer = [0; 1024];
        while Instant::now() < end && !interrupt::has_come() {
            match socket.recv(&mut buffer) {
                Ok(length) => {
                    if let Some(heard) = std::str::from_utf8(&buffer[..length]).ok().and_then(&read) {
                        return Ok(heard);
                    }
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(error) => return Err(error).context("cannot listen for announcements"),
            }
        }
        bail!("no server has announced itself on {group}:{port} within {}", human(timeout))
    }

    fn receiver(self, interface: Interface) -> io::Result<UdpSocket> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_reuse_address(true)?;
        // Bound to the group: what is sent to this port otherwise is not for us.
        socket.bind(&SocketAddrV4::new(self.0, self.1).into())?;
        socket.set_multicast_all_v4(false)?;
        socket.join_multicast_v4(&self.0, &interface.address())?;
        socket.set_read_timeout(Some(Duration::from_millis(100)))?; // to look for Ctrl-C
        Ok(socket.into())
    }
}
