//! One request and its response, over whatever carries them; and all that can go wrong with it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::session;
use common::core::stop::Stop;
use common::protocol::mboard;
use common::protocol::mboard::received::Refused;
use common::support::cli::human;
use thiserror::Error;

use super::session::Sessions;
use super::{BoardClientArgs, Transport, tcp, udp};

/// Why the client does not go on.
#[derive(Debug, Error)]
pub enum Trouble {
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

impl Trouble {
    /// What an error of a socket that speaks with `server` means.
    pub fn network(server: SocketAddr, error: io::Error) -> Trouble {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Trouble::NobodyListens(server),
            _ => Trouble::Network(server, error),
        }
    }
}

/// How long and how often.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How long one answer is waited for.
    pub timeout: Duration,
    /// How often the request is repeated.
    pub retries: u32,
    /// What ends every wait.
    pub stop: Stop,
}

impl Patience {
    /// How long there may be silence in all.
    pub fn in_all(&self) -> Duration {
        self.timeout.saturating_mul(self.retries.saturating_add(1))
    }
}

/// What carries the requests.
pub enum Connection {
    Udp(Box<udp::Client>),
    Session(Box<Sessions>),
    Tcp(tcp::Client),
}

impl Connection {
    /// Nothing is sent yet.
    pub fn open(
        args: &BoardClientArgs,
        server: SocketAddr,
        patience: Patience,
    ) -> Result<Connection, Trouble> {
        Ok(match args.transport {
            Transport::Udp => Connection::Udp(Box::new(udp::Client::new(server, patience))),
            Transport::Session | Transport::Blocks => {
                let blocks = args.transport == Transport::Blocks;
                let sessions = Sessions::new(server, args.session.config(), blocks, patience)?;
                Connection::Session(Box::new(sessions))
            }
            Transport::Tcp => Connection::Tcp(tcp::Client::new(server, patience)),
        })
    }

    /// Sends the request and waits for its response.
    pub fn ask(&mut self, request: Vec<u8>) -> Result<Vec<u8>, Trouble> {
        match self {
            Connection::Udp(client) => client.ask(&request),
            Connection::Session(sessions) => sessions.ask(request),
            Connection::Tcp(client) => client.ask(&request),
        }
    }

    /// Whether a response may be cut short: over plain datagrams, one that fills the longest.
    pub fn cuts(&self, response: &[u8]) -> bool {
        let plain = match self {
            Connection::Udp(_) => true,
            Connection::Session(sessions) => sessions.is_original(),
            Connection::Tcp(_) => false,
        };
        plain && response.len() >= mboard::Transport::Udp.response_limit()
    }

    /// Says on stderr what it took, where that is counted.
    pub fn describe(&self) {
        if let Connection::Session(sessions) = self {
            eprintln!("{}", sessions.describe());
        }
    }
}
