//! tarpc as its own examples have it: the interface of `board-server`, and nothing of what is around it there. No limits, no typed errors
//! of the machinery, no stop.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use bytes::BytesMut;
use common::board::Board;
use common::protocol::mboard::Id;
use futures_util::StreamExt;
use tarpc::client::Config;
use tarpc::server::{BaseChannel, Channel};
use tarpc::{ClientMessage, Request, Response, context, serde_transport};
use tokio::net::{TcpListener, TcpStream};
use tokio_serde::formats::Bincode;
use tokio_serde::{Deserializer as _, Serializer as _};
use tokio_util::codec::{Decoder as _, Encoder as _, Framed, LengthDelimitedCodec};

use super::mboard::NOBODY;
use super::{FRAME, posting, traced};
use crate::compare::load::TEXT;
use crate::compare::stopwatch::{InMemory, Part};
use crate::rpc::interface::{
    BoardError, BoardRpc, BoardRpcClient, BoardRpcRequest, BoardRpcResponse, CallId, News, Posting, Seen,
    Text,
};

#[derive(Clone)]
struct Bared {
    board: Arc<Mutex<Board>>,
    from: SocketAddr,
}

impl Bared {
    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BoardRpc for Bared {
    async fn publish(self, _: context::Context, text: Text, _: Option<CallId>) -> Result<u64, BoardError> {
        let published = self.board().publish(text.0, self.from, SystemTime::now().into());
        published.map(|Id(id)| id).map_err(|full| BoardError::Full(full.to_string()))
    }

    async fn last(self, _: context::Context, count: u64) -> Result<Vec<u64>, BoardError> {
        Ok(self.board().last(count).map(|Id(id)| id).collect())
    }

    async fn get(self, _: context::Context, id: u64) -> Result<Posting, BoardError> {
        let board = self.board();
        board.message(Id(id)).map(|message| posting(id, message)).ok_or(BoardError::NoMessage(id))
    }

    async fn last_with_text(self, _: context::Context, count: u64) -> Result<Vec<Posting>, BoardError> {
        let board = self.board();
        let first = board.last(count).next().map_or(0, |Id(id)| id);
        Ok((first..).zip(board.last_messages(count)).map(|(id, message)| posting(id, message)).collect())
    }

    async fn wait(self, _: context::Context, seen: Seen) -> Result<News, BoardError> {
        Ok(News { seen, messages: Vec::new() })
    }
}

fn codec() -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder().max_frame_length(FRAME).new_codec()
}

/// Accepts for ever; a task a connection, and one a call.
pub async fn serve(listener: TcpListener) -> anyhow::Result<()> {
    let board = Arc::default();
    loop {
        let (stream, from) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let transport = serde_transport::new(Framed::new(stream, codec()), Bincode::default());
        let service = Bared { board: Arc::clone(&board), from };
        let calls = BaseChannel::with_defaults(transport).execute(service.serve());
        tokio::spawn(calls.for_each(|call| async {
            tokio::spawn(call);
        }));
    }
}

/// A publish without a socket and without tasks: the formats of both ends.
pub fn in_memory() -> InMemory {
    let mut board = Board::default();
    let (mut client, mut server) = (codec(), codec());
    let mut calls = Bincode::<ClientMessage<BoardRpcRequest>, ClientMessage<BoardRpcRequest>>::default();
    let mut answers = Bincode::<Response<BoardRpcResponse>, Response<BoardRpcResponse>>::default();
    let (mut out, mut back) = (BytesMut::new(), BytesMut::new());
    Box::new(move |watch| {
        watch.start();
        let message = BoardRpcRequest::Publish { text: Text(TEXT.into()), call: None };
        let request = ClientMessage::Request(Request { context: traced(), id: 1, message });
        client.encode(Pin::new(&mut calls).serialize(&request)?, &mut out)?;
        watch.lap(Part::ClientEncodes);
        let request_length = out.len();
        let frame = server.decode(&mut out)?.context("it is whole")?;
        let ClientMessage::Request(request) = Pin::new(&mut calls).deserialize(&frame)? else {
            bail!("no request")
        };
        let BoardRpcRequest::Publish { text, .. } = request.message else { bail!("no publish") };
        watch.lap(Part::ServerDecodes);
        let published = board.publish(text.0, NOBODY, SystemTime::now().into());
        let published = published.map(|Id(id)| id).map_err(|full| BoardError::Full(full.to_string()));
        watch.lap(Part::Procedure);
        let response = Response { request_id: request.id, message: Ok(BoardRpcResponse::Publish(published)) };
        server.encode(Pin::new(&mut answers).serialize(&response)?, &mut back)?;
        watch.lap(Part::ServerEncodes);
        let answer_length = back.len();
        let frame = client.decode(&mut back)?.context("it is whole")?;
        Pin::new(&mut answers).deserialize(&frame)?.message?;
        watch.lap(Part::ClientDecodes);
        Ok([request_length, answer_length])
    })
}

/// One connection.
pub struct Bare(BoardRpcClient);

impl Bare {
    pub async fn connect(server: SocketAddr) -> anyhow::Result<Bare> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        let transport = serde_transport::new(Framed::new(stream, codec()), Bincode::default());
        Ok(Bare(BoardRpcClient::new(Config::default(), transport).spawn()))
    }

    pub async fn publish(&self, text: &[u8]) -> anyhow::Result<()> {
        self.0.publish(context::current(), Text(text.into()), None).await??;
        Ok(())
    }

    pub async fn last(&self, count: u64) -> anyhow::Result<Vec<u64>> {
        Ok(self.0.last(context::current(), count).await??)
    }

    pub async fn get(&self, id: u64) -> anyhow::Result<usize> {
        Ok(self.0.get(context::current(), id).await??.text.bytes().len())
    }

    pub async fn list(&self, count: u64) -> anyhow::Result<usize> {
        Ok(self.0.last_with_text(context::current(), count).await??.len())
    }
}
