//! The client of each contestant, with the same four procedures. Those that block do so inside: their futures are ready at once, and so
//! the loop that measures is the same for all.

use std::net::SocketAddr;

use super::contestant::Contestant;
use super::load::{BYTES, Load, MESSAGES, TEXT};
use super::wire::{bare, framed, http, ours, pyro, stream, udp};
use crate::rpc::codec::Format;
use crate::stub::wire::Wire;

/// A client that is connected, or connects for each call.
pub enum Client {
    Udp(udp::Udp),
    Short(stream::Short),
    Long(stream::Long),
    Framed(Box<framed::Framed>),
    Bare(Box<bare::Bare>),
    Ours(Box<ours::Ours>),
    Http(Box<http::Http>),
    Pyro(Box<pyro::Pyro>),
}

/// Calls this procedure of the wire at hand.
macro_rules! of_each {
    ($client:expr, $wire:ident => $call:expr) => {
        match $client {
            Client::Udp($wire) => $call,
            Client::Short($wire) => $call,
            Client::Long($wire) => $call,
            Client::Framed($wire) => $call.await,
            Client::Bare($wire) => $call.await,
            Client::Ours($wire) => $call.await,
            Client::Http($wire) => $call,
            Client::Pyro($wire) => $call,
        }
    };
}

impl Client {
    /// A client of this server.
    pub async fn connect(contestant: Contestant, server: SocketAddr) -> anyhow::Result<Client> {
        Ok(match contestant {
            Contestant::RawUdp => Client::Udp(udp::Udp::connect(server)?),
            Contestant::TcpShort => Client::Short(stream::Short(server)),
            Contestant::TcpLong => Client::Long(stream::Long::connect(server)?),
            Contestant::Framed => Client::Framed(Box::new(framed::Framed::connect(server).await?)),
            Contestant::TarpcBare => Client::Bare(Box::new(bare::Bare::connect(server).await?)),
            Contestant::Tarpc => Client::Ours(Box::new(ours::Ours::new(server, Format::Bincode))),
            Contestant::TarpcJson => Client::Ours(Box::new(ours::Ours::new(server, Format::Json))),
            Contestant::XmlRpc | Contestant::PythonXmlRpc | Contestant::HttpEcho => {
                Client::Http(Box::new(http::Http::new(Wire::Xml, server)?))
            }
            Contestant::JsonRpc => Client::Http(Box::new(http::Http::new(Wire::Json, server)?)),
            Contestant::Pyro => Client::Pyro(Box::new(pyro::Pyro::connect(server)?)),
        })
    }

    /// Puts a text on the board.
    pub async fn publish(&self, text: &[u8]) -> anyhow::Result<()> {
        of_each!(self, wire => wire.publish(text))
    }

    /// The ids of the last messages.
    pub async fn last(&self, count: u64) -> anyhow::Result<Vec<u64>> {
        of_each!(self, wire => wire.last(count))
    }

    /// The length of the text of a message.
    pub async fn get(&self, id: u64) -> anyhow::Result<usize> {
        of_each!(self, wire => wire.get(id))
    }

    /// How many of the last messages came with their texts, in one answer.
    pub async fn list(&self, count: u64) -> anyhow::Result<usize> {
        of_each!(self, wire => wire.list(count))
    }

    /// One operation. An answer that is not what was asked for is an error.
    pub async fn run(&self, load: Load, text: &[u8]) -> anyhow::Result<()> {
        match load {
            Load::Publish
            | Load::Where
            | Load::Many
            | Load::Served
            | Load::Open
            | Load::Together
            | Load::Binary
            | Load::Large => self.publish(text).await,
            Load::Tiny => {
                for _ in 0..BYTES {
                    self.publish(text).await?;
                }
                Ok(())
            }
            Load::Read => self.read_each(1).await,
            Load::Chatty => self.read_each(MESSAGES).await,
            Load::AtOnce => {
                let found = self.list(MESSAGES).await?;
                anyhow::ensure!(found as u64 == MESSAGES, "{found} messages and not {MESSAGES}");
                Ok(())
            }
        }
    }

    async fn read_each(&self, count: u64) -> anyhow::Result<()> {
        let ids = self.last(count).await?;
        anyhow::ensure!(ids.len() as u64 == count, "{} ids and not {count}", ids.len());
        for id in ids {
            let length = self.get(id).await?;
            anyhow::ensure!(length == TEXT.len(), "message {id} has {length} bytes and not {}", TEXT.len());
        }
        Ok(())
    }
}
