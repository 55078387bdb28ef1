//! One request and its response, over whatever carries them; and all that can go wrong with it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::session;
use common::core::stop::Stop;
use common::protocol::mboard;
use common::protocol::mboard::received::Refused;
use common::support::cli::human;

use super::session::SessionDriver;
use super::{BoardClientArgs, ClientTransport, tcp, udp};

/// Why the client does not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Ctrl-C or SIGTERM.
    #[error("interrupted")]
    Interrupted,
    /// The server's system says that the port is closed.
    #[error("nobody listens at {0}: the port is closed; is the server running, and over this transport?")]
    NobodyListens(SocketAddr),
    /// Nothing came back, so often and for so long.
    #[error("nobody answers at {server}: {attempts} attempts in {}", human(*time))]
    NobodyAnswers {
        /// Who was asked.
        server: SocketAddr,
        /// How often.
        attempts: u32,
        /// For how long in all.
        time: Duration,
    },
    /// Nothing came back for so long, in a session or over a connection.
    #[error("nobody answers at {server}: silence for {}", human(*time))]
    Silence {
        /// Who was asked.
        server: SocketAddr,
        /// For how long.
        time: Duration,
    },
    /// What the session protocol says.
    #[error(transparent)]
    Session(session::ExchangeError),
    /// The server has answered, and it is no.
    #[error("the message is not published: {0}")]
    NotPublished(String),
    /// The text is longer than the transport carries.
    #[error("the message is not published: it is longer than the {0} bytes that a text may have")]
    TooLong(usize),
    /// The same for another request.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// What the network says. Not an `Io`: a pipe that breaks over there is no reader of our output who has seen enough.
    #[error("the exchange with {0} has failed: {1}")]
    Network(SocketAddr, io::Error),
    /// What our own terminal, files and descriptors say.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Anything else.
    #[error("{0:#}")]
    Other(anyhow::Error),
}

impl Error {
    /// What an error of a socket that speaks with `server` means.
    pub fn network(server: SocketAddr, error: io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Error::NobodyListens(server),
            _ => Error::Network(server, error),
        }
    }
}

/// How long and how often.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// How long one answer is waited for.
    pub timeout: Duration,
    /// How often the request is repeated.
    pub retries: u32,
    /// What ends every wait.
    pub stop: Stop,
}

impl RetryPolicy {
    /// How long there may be silence in all.
    pub fn total(&self) -> Duration {
        self.timeout.saturating_mul(self.retries.saturating_add(1))
    }
}

/// What carries the requests.
pub enum Channel {
    Udp(Box<udp::UdpClient>),
    Session(Box<SessionDriver>),
    Tcp(tcp::TcpClient),
}

impl Channel {
    /// Nothing is sent yet.
    pub fn open(args: &BoardClientArgs, server: SocketAddr, retry: RetryPolicy) -> Result<Channel, Error> {
        Ok(match args.transport {
            ClientTransport::Udp => Channel::Udp(Box::new(udp::UdpClient::new(server, retry))),
            ClientTransport::Session | ClientTransport::Blocks => {
                let blocks = args.transport == ClientTransport::Blocks;
                let driver = SessionDriver::new(server, args.session.config(), blocks, retry)?;
                Channel::Session(Box::new(driver))
            }
            ClientTransport::Tcp => Channel::Tcp(tcp::TcpClient::new(server, retry)),
        })
    }

    /// Sends the request and waits for its response.
    pub fn ask(&mut self, request: Vec<u8>) -> Result<Vec<u8>, Error> {
        match self {
            Channel::Udp(client) => client.ask(&request),
            Channel::Session(driver) => driver.ask(request),
            Channel::Tcp(client) => client.ask(&request),
        }
    }

    /// Whether a response may be cut short: over plain datagrams, one that fills the longest.
    pub fn cuts(&self, response: &[u8]) -> bool {
        let plain = match self {
            Channel::Udp(_) => true,
            Channel::Session(driver) => driver.is_original(),
            Channel::Tcp(_) => false,
        };
        plain && response.len() >= mboard::Transport::Udp.response_limit()
    }

    /// Says on stderr what it took, where that is counted.
    pub fn describe(&self) {
        if let Channel::Session(driver) = self {
            eprintln!("{}", driver.describe());
        }
    }
}
