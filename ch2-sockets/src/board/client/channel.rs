//! One request and its response, over the transport that carries them.

use std::net::SocketAddr;

use common::protocol::mboard;

use super::arguments::{BoardClientArgs, ClientTransport};
use super::error::Error;
use super::retry::RetryPolicy;
use super::session::SessionDriver;
use super::tcp::TcpClient;
use super::udp::UdpClient;

/// What carries the requests.
pub enum Channel {
    Udp(Box<UdpClient>),
    Session(Box<SessionDriver>),
    Tcp(TcpClient),
}

impl Channel {
    /// Nothing is sent yet.
    pub fn open(args: &BoardClientArgs, server: SocketAddr, retry: RetryPolicy) -> Result<Channel, Error> {
        Ok(match args.transport {
            ClientTransport::Udp => Channel::Udp(Box::new(UdpClient::new(server, retry))),
            ClientTransport::Session | ClientTransport::Blocks => {
                let blocks = args.transport == ClientTransport::Blocks;
                let driver = SessionDriver::new(server, args.session.config(), blocks, retry)?;
                Channel::Session(Box::new(driver))
            }
            ClientTransport::Tcp => Channel::Tcp(TcpClient::new(server, retry)),
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

    /// Whether each response is one datagram.
    pub fn is_plain(&self) -> bool {
        match self {
            Channel::Udp(_) => true,
            Channel::Session(driver) => driver.is_original(),
            Channel::Tcp(_) => false,
        }
    }

    /// Whether a response may be cut short: over plain datagrams, one that fills the longest.
    pub fn cuts(&self, response: &[u8]) -> bool {
        self.is_plain() && response.len() >= mboard::Transport::Udp.response_limit()
    }

    /// Says on stderr what it took, where that is counted.
    pub fn describe(&self) {
        if let Channel::Session(driver) = self {
            common::support::log::line(driver.describe());
        }
    }
}
