//! All that can go wrong with a request to the board.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use common::protocol::mboard::received::Refused;
use common::support::cli::human;
use common::support::count::count;

use crate::session::ExchangeError;

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
    #[error("nobody answers at {server}: {} in {}", count(*attempts, "attempt"), human(*time))]
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
    /// The same in a session, whose datagrams may be too long for the path.
    #[error(
        "nobody answers at {server}: silence for {}; if only long datagrams are lost on this path, \
         --datagram makes them shorter",
        human(*time)
    )]
    SilentPath {
        /// Who was asked.
        server: SocketAddr,
        /// For how long.
        time: Duration,
    },
    /// What the session protocol says.
    #[error(transparent)]
    Session(ExchangeError),
    /// The server has answered, and it is no.
    #[error("the message is not published: {0}")]
    NotPublished(String),
    /// The text is longer than the transport carries.
    #[error("the message is not published: a text may have {} at most", count(*.0, "byte"))]
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
