//! A client of the sessions over a real socket: the machines of [`session`](crate::session) are asked what to send, told what has come
//! and what time it is.
//!
//! ```text
//!   loop:  1. poll      ──► send, as many datagrams in a call as the kernel takes
//!          2. done?     ──► the response
//!          3. receive   ──► tell the machine, back to 1
//!          4. nothing came: wait for the socket, the stop, or the machine's next timer
//! ```
//!
//! A server that knows only the notes' block protocol answers the first datagram as an old client would be answered. Then a
//! message is uploaded its way, block by block, and the board is read with plain datagrams.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::session::{Batch, BlockClient, Client, ClientMachine, Config, ExchangeError, Statistics};
use common::net::datagram::{Arrivals, Endpoint, Woken, wait};
use common::support::cli::human;
use common::support::count::count;
use common::support::size;
use nix::errno::Errno;
use nix::poll::PollFlags;

use super::error::Error;
use super::progress;
use super::retry::RetryPolicy;
use super::udp;

/// Asked for in the kernel, each way.
const BUFFER: usize = 4 << 20;

/// A client that has sessions.
pub struct SessionDriver {
    events: EventLoop,
    config: Config,
    retry: RetryPolicy,
    dialect: Dialect,
    /// Once the server has shown that it knows the extension, no request is kept for the other protocol.
    known: bool,
    /// Of the upload in blocks.
    uploads: Statistics,
    carried: Carried,
}

/// What came through the sessions, and how long it took: the goodput.
#[derive(Debug, Clone, Copy, Default)]
struct Carried {
    bytes: u64,
    time: Duration,
}

/// What the server understands.
enum Dialect {
    /// Our extension: both directions, a window, exactly once.
    Extension(Box<Client>),
    /// The notes' protocol. The reading is done without it.
    Original(Box<udp::UdpClient>),
}

impl SessionDriver {
    /// Nothing is sent yet. With `blocks` the extension is not tried.
    pub fn new(
        server: SocketAddr,
        mut config: Config,
        blocks: bool,
        retry: RetryPolicy,
    ) -> Result<SessionDriver, Error> {
        let network = |error| Error::network(server, error);
        let endpoint = Endpoint::connect(server).map_err(network)?;
        // Half of what the kernel calls the buffer is its own overhead.
        config.receive_window = endpoint.resize_buffers(BUFFER).map_err(network)?.receive / 2;
        config.give_up = retry.total();
        let events = EventLoop {
            endpoint,
            server,
            stop: retry.stop,
            began: Instant::now(),
            batch: Batch::new(),
            arrivals: Arrivals::default(),
        };
        let dialect = if blocks {
            Dialect::Original(Box::new(udp::UdpClient::new(server, retry)))
        } else {
            Dialect::Extension(Box::new(Client::new(config, server)))
        };
        Ok(SessionDriver {
            events,
            config,
            retry,
            dialect,
            known: false,
            uploads: Statistics::default(),
            carried: Carried::default(),
        })
    }

    /// Sends the request, in blocks, and waits for its response.
    pub fn ask(&mut self, request: Vec<u8>) -> Result<Vec<u8>, Error> {
        let Dialect::Extension(client) = &mut self.dialect else { return self.ask_original(request) };
        let kept = if self.known { Vec::new() } else { request.clone() };
        let (began, length) = (self.events.now(), request.len());
        self.events.tell_path_limit(client.as_mut());
        client.request(began, request.into());
        let done = self.events.drive(client.as_mut())?;
        if let Ok(response) = &done {
            self.carried.bytes += (length + response.len()) as u64;
            self.carried.time += self.events.now() - began;
        }
        match done {
            Err(ExchangeError::Original) => {
                tracing::warn!(
                    "{} knows only the original block protocol: messages go up in blocks, one at a time, and are read \
                     as plain datagrams, each text cut to what one carries",
                    self.events.server
                );
                self.dialect =
                    Dialect::Original(Box::new(udp::UdpClient::new(self.events.server, self.retry)));
                self.ask_original(kept)
            }
            done => {
                self.known = true;
                done.map_err(|error| self.explain(error))
            }
        }
    }

    /// An upload has no answer but that it is delivered. What reads the board fits a datagram.
    fn ask_original(&mut self, request: Vec<u8>) -> Result<Vec<u8>, Error> {
        if let Dialect::Original(client) = &mut self.dialect
            && !request.starts_with(b"1:")
        {
            return client.ask(&request);
        }
        let mut client = BlockClient::new(self.config, self.events.server);
        let (began, length) = (self.events.now(), request.len());
        client.request(began, request.into());
        let done = self.events.drive(&mut client)?;
        self.carried = Carried { bytes: length as u64, time: self.events.now() - began };
        self.uploads = client.statistics();
        done.map_err(|error| self.explain(error))?;
        Ok(b"0".to_vec())
    }

    /// Whether texts come cut to a datagram.
    pub fn is_original(&self) -> bool {
        matches!(self.dialect, Dialect::Original(_))
    }

    /// What was counted.
    pub fn statistics(&self) -> Statistics {
        match &self.dialect {
            Dialect::Extension(client) => client.statistics(),
            Dialect::Original(_) => self.uploads,
        }
    }

    /// What it took, in a few lines.
    pub fn describe(&self) -> String {
        describe(&self.statistics(), self.carried)
    }

    fn explain(&self, error: ExchangeError) -> Error {
        match error {
            ExchangeError::NoAnswer { after } => {
                Error::SilentPath { server: self.events.server, time: after }
            }
            error => Error::Session(error),
        }
    }
}

/// The socket, and the clock that the machines are told.
struct EventLoop {
    endpoint: Endpoint,
    server: SocketAddr,
    stop: common::core::stop::Stop,
    began: Instant,
    batch: Batch,
    arrivals: Arrivals,
}

impl EventLoop {
    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn tell_path_limit(&self, machine: &mut impl ClientMachine) {
        if let Ok(longest) = self.endpoint.longest_in_one_piece() {
            machine.handle_path_limit(self.now(), longest);
        }
    }

    /// Runs the loop until the exchange has ended.
    fn drive(&mut self, machine: &mut impl ClientMachine) -> Result<Result<Vec<u8>, ExchangeError>, Error> {
        let mut bars = progress::Bars::default();
        loop {
            while machine.poll_transmit(self.now(), &mut self.batch) {
                let sent = self.endpoint.send(self.batch.to, self.batch.segment, &self.batch.bytes);
                sent.or_else(|error| self.handle_socket_error(machine, error))?;
            }
            if let Some(outcome) = machine.poll_response() {
                return Ok(outcome);
            }
            match self.endpoint.receive(&mut self.arrivals) {
                Ok(()) => {
                    let now = self.now();
                    for arrival in self.arrivals.iter() {
                        // From the server, or the kernel had dropped it.
                        machine.handle_datagram(now, self.server, arrival.segment, arrival.bytes);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    bars.show(&machine.progress());
                    let timeout = machine.deadline().map(|at| at.saturating_sub(self.now()));
                    let woken = wait(&self.endpoint, PollFlags::POLLIN, Some(self.stop.fd()), timeout)?;
                    if woken == Woken::Stopped {
                        return Err(Error::Interrupted);
                    }
                }
                Err(error) => self.handle_socket_error(machine, error)?,
            }
            if machine.deadline().is_some_and(|at| at <= self.now()) {
                machine.handle_timeout(self.now());
            }
        }
    }

    /// A datagram that could not be sent is a datagram lost, and the machine sees to it. That nobody listens is the end. That it was
    /// too long for the path says how long the next may be.
    fn handle_socket_error(
        &self,
        machine: &mut impl ClientMachine,
        error: std::io::Error,
    ) -> Result<(), Error> {
        if error.kind() == ErrorKind::ConnectionRefused {
            return Err(Error::network(self.server, error));
        }
        if error.raw_os_error() == Some(Errno::EMSGSIZE as i32) {
            self.tell_path_limit(machine);
        }
        tracing::debug!("{}: {error}", self.server);
        Ok(())
    }
}

fn describe(counted: &Statistics, carried: Carried) -> String {
    let round_trip = counted.smoothed_round_trip.map_or("not measured".into(), human);
    let percent = |part: u64, all: u64| 100.0 * part as f64 / all.max(1) as f64;
    format!(
        "sent      {}; {}; retransmissions: {} ({:.1} %)\n\
         received  {}; {}, {} more in vain ({:.1} %)\n\
         goodput   {}/s: requests and responses of {} in {}\n\
         way       round trip {round_trip}, window {}, {}",
        count(counted.datagrams_sent, "datagram"),
        count(counted.blocks_sent, "block"),
        counted.retransmissions,
        percent(counted.retransmissions, counted.blocks_sent),
        count(counted.datagrams_received, "datagram"),
        count(counted.blocks_received, "block"),
        counted.duplicates,
        percent(counted.duplicates, counted.blocks_received + counted.duplicates),
        size::human((carried.bytes as f64 / carried.time.as_secs_f64().max(1e-9)) as u64),
        size::human(carried.bytes),
        human(carried.time),
        count(counted.window, "block"),
        count(counted.timeouts, "timeout"),
    )
}
