//! The stub of `board-client`, with all its checks. Publications have no call id, as those of bare tarpc have none.

use std::net::SocketAddr;
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use bytes::BytesMut;
use common::protocol::mboard::Id;
use tarpc::{ClientMessage, Request, Response};
use tokio_util::codec::{Decoder as _, Encoder as _};

use super::mboard::NOBODY;
use super::{FRAME, TIMEOUT, traced};
use crate::compare::load::TEXT;
use crate::compare::stopwatch::{InMemory, Part};
use crate::rpc::board::{Board, CallContext};
use crate::rpc::codec::{ClientCodec, Format, Received, Room, ServerCodec};
use crate::rpc::interface::{BoardError, BoardRpcRequest, BoardRpcResponse, Text};
use crate::rpc::stub::{RemoteBoard, RetryPolicy, StubSettings, Target};

/// A publish without a socket and without tasks: the codecs of both ends.
pub fn in_memory(format: Format) -> InMemory {
    let mut board = common::board::Board::default();
    let mut client = ClientCodec::<BoardRpcResponse>::new(format, FRAME);
    let mut server = ServerCodec::<BoardRpcRequest>::new(format, FRAME, &Room::new(FRAME));
    let (mut out, mut back) = (BytesMut::new(), BytesMut::new());
    Box::new(move |watch| {
        watch.start();
        let message = BoardRpcRequest::Publish { text: Text(TEXT.into()), call: None };
        let request = ClientMessage::Request(Request { context: traced(), id: 1, message });
        client.encode(request, &mut out)?;
        watch.lap(Part::ClientEncodes);
        let request_length = out.len();
        let Some(Received::Message(ClientMessage::Request(request))) = server.decode(&mut out)? else {
            bail!("no request")
        };
        let BoardRpcRequest::Publish { text, .. } = request.message else { bail!("no publish") };
        watch.lap(Part::ServerDecodes);
        let published = board.publish(text.0, NOBODY, SystemTime::now().into());
        let published = published.map(|Id(id)| id).map_err(|full| BoardError::Full(full.to_string()));
        watch.lap(Part::Procedure);
        let message = Ok(BoardRpcResponse::Publish(published));
        server.encode(Response { request_id: request.id, message }, &mut back)?;
        watch.lap(Part::ServerEncodes);
        let answer_length = back.len();
        client.decode(&mut back)?.context("it is whole")?.message?;
        watch.lap(Part::ClientDecodes);
        Ok([request_length, answer_length])
    })
}

/// A stub; it connects with the first call.
pub struct Ours(RemoteBoard);

impl Ours {
    pub fn new(server: SocketAddr, format: Format) -> Ours {
        let target = Target::Tcp { host: server.ip().to_string(), port: server.port(), format };
        // A call that was made twice would be counted once.
        let settings = StubSettings { frame: FRAME, retry: RetryPolicy::NEVER, ..StubSettings::default() };
        Ours(RemoteBoard::new(target, settings))
    }

    pub async fn publish(&self, text: &[u8]) -> anyhow::Result<()> {
        self.0.publish(CallContext::within(TIMEOUT), Text(text.into()), None).await?;
        Ok(())
    }

    pub async fn last(&self, count: u64) -> anyhow::Result<Vec<u64>> {
        Ok(self.0.last(CallContext::within(TIMEOUT), count).await?)
    }

    pub async fn get(&self, id: u64) -> anyhow::Result<usize> {
        Ok(self.0.get(CallContext::within(TIMEOUT), id).await?.text.bytes().len())
    }

    pub async fn list(&self, count: u64) -> anyhow::Result<usize> {
        Ok(self.0.last_with_text(CallContext::within(TIMEOUT), count).await?.len())
    }
}
