//! The protocol of chapter 2 in memory, for all wires that speak it.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::SystemTime;

use anyhow::bail;
use common::board::Board;
use common::protocol::mboard::response::{Status, encode_status};
use common::protocol::mboard::{Request, Transport, received};

use crate::compare::load::TEXT;
use crate::compare::stopwatch::{InMemory, Part};

/// The sender of a call that comes over no network.
pub const NOBODY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

/// With so many bytes of length before each message.
pub fn in_memory(prefix: usize) -> InMemory {
    let (mut board, mut answer) = (Board::default(), Vec::new());
    Box::new(move |watch| {
        watch.start();
        let request = Request::Publish(&TEXT).encode();
        watch.lap(Part::ClientEncodes);
        let Ok(Request::Publish(text)) = Request::parse(&request, Transport::Tcp) else {
            bail!("no publish")
        };
        watch.lap(Part::ServerDecodes);
        let published = board.publish(text, NOBODY, SystemTime::now().into());
        watch.lap(Part::Procedure);
        answer.clear();
        encode_status(published.map_or(Status::BadFormat, |_| Status::Ok), &mut answer);
        watch.lap(Part::ServerEncodes);
        received::published(&answer)?;
        watch.lap(Part::ClientDecodes);
        Ok([request.len(), answer.len()].map(|length| prefix + length))
    })
}
