//! The baseline: a length, and a value in bincode. As little as a remote call over tokio can be: no ids, no deadlines, no tasks but one a
//! connection. Answers come in the order of the requests, so many can be in flight all the same.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use anyhow::{Context, bail, ensure};
use common::board::Board;
use common::protocol::frame;
use common::protocol::mboard::Id;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::mboard::NOBODY;
use super::{FRAME, posting};
use crate::compare::load::TEXT;
use crate::compare::stopwatch::{InMemory, Part};
use crate::compare::tally::Tally;
use crate::rpc::interface::{Posting, Text};

const LIMIT: u32 = FRAME as u32;

#[derive(Debug, Serialize, Deserialize)]
enum Ask {
    Publish(Text),
    Last(u64),
    Get(u64),
    List(u64),
}

#[derive(Debug, Serialize, Deserialize)]
enum Reply {
    Published(u64),
    Ids(Vec<u64>),
    Messages(Vec<Posting>),
    Failed(String),
}

/// Accepts for ever; a task a connection.
pub async fn serve(listener: TcpListener) -> anyhow::Result<()> {
    let board = Arc::<Mutex<Board>>::default();
    loop {
        let (stream, from) = listener.accept().await?;
        tokio::spawn(converse(stream, from, Arc::clone(&board)));
    }
}

async fn converse(mut stream: TcpStream, from: SocketAddr, board: Arc<Mutex<Board>>) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let (mut received, mut answers) = (Vec::with_capacity(8192), Vec::new());
    while stream.read_buf(&mut received).await? > 0 {
        let mut read = 0;
        while let Some((ask, length)) = frame::decode::<Ask>(&received[read..], LIMIT)? {
            let reply = run(&mut board.lock().unwrap_or_else(PoisonError::into_inner), from, ask);
            frame::encode(&reply, LIMIT, &mut answers)?;
            read += length;
        }
        received.drain(..read);
        stream.write_all(&answers).await?;
        answers.clear();
    }
    Ok(())
}

fn run(board: &mut Board, from: SocketAddr, ask: Ask) -> Reply {
    match ask {
        Ask::Publish(text) => match board.publish(text.0, from, SystemTime::now().into()) {
            Ok(Id(id)) => Reply::Published(id),
            Err(full) => Reply::Failed(full.to_string()),
        },
        Ask::Last(count) => Reply::Ids(board.last(count).map(|Id(id)| id).collect()),
        Ask::Get(id) => {
            Reply::Messages(board.message(Id(id)).map(|message| posting(id, message)).into_iter().collect())
        }
        Ask::List(count) => {
            let first = board.last(count).next().map_or(0, |Id(id)| id);
            Reply::Messages((first..).zip(board.last_messages(count)).map(|(id, m)| posting(id, m)).collect())
        }
    }
}

/// A publish without a socket.
pub fn in_memory() -> InMemory {
    let mut board = Board::default();
    let (mut request, mut answer) = (Vec::new(), Vec::new());
    Box::new(move |watch| {
        request.clear();
        answer.clear();
        watch.start();
        frame::encode(&Ask::Publish(Text(TEXT.into())), LIMIT, &mut request)?;
        watch.lap(Part::ClientEncodes);
        let (ask, _) = frame::decode(&request, LIMIT)?.context("it is whole")?;
        watch.lap(Part::ServerDecodes);
        let reply = run(&mut board, NOBODY, ask);
        watch.lap(Part::Procedure);
        frame::encode(&reply, LIMIT, &mut answer)?;
        watch.lap(Part::ServerEncodes);
        let (reply, _) = frame::decode::<Reply>(&answer, LIMIT)?.context("it is whole")?;
        published(&reply)?;
        watch.lap(Part::ClientDecodes);
        Ok([request.len(), answer.len()])
    })
}

/// One connection.
pub struct Framed(tokio::sync::Mutex<Connection>);

struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
    sent: Vec<u8>,
}

impl Framed {
    pub async fn connect(server: SocketAddr) -> anyhow::Result<Framed> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        let connection = Connection { stream, received: Vec::with_capacity(8192), sent: Vec::new() };
        Ok(Framed(tokio::sync::Mutex::new(connection)))
    }

    async fn ask(&self, ask: Ask) -> anyhow::Result<Reply> {
        let mut connection = self.0.lock().await;
        connection.send(&ask).await?;
        connection.receive().await
    }

    pub async fn publish(&self, text: &[u8]) -> anyhow::Result<()> {
        published(&self.ask(Ask::Publish(Text(text.into()))).await?)
    }

    pub async fn last(&self, count: u64) -> anyhow::Result<Vec<u64>> {
        match self.ask(Ask::Last(count)).await? {
            Reply::Ids(ids) => Ok(ids),
            other => bail!("not an answer to last: {other:?}"),
        }
    }

    pub async fn get(&self, id: u64) -> anyhow::Result<usize> {
        match self.ask(Ask::Get(id)).await? {
            Reply::Messages(messages) => Ok(messages.first().context("no message")?.text.bytes().len()),
            other => bail!("not an answer to get: {other:?}"),
        }
    }

    pub async fn list(&self, count: u64) -> anyhow::Result<usize> {
        match self.ask(Ask::List(count)).await? {
            Reply::Messages(messages) => Ok(messages.len()),
            other => bail!("not an answer to list: {other:?}"),
        }
    }

    /// Publishes with so many in flight until the end of the time, and waits for all answers.
    pub async fn publish_many(
        &self,
        text: &[u8],
        window: usize,
        until: Instant,
        interrupted: &AtomicBool,
    ) -> anyhow::Result<Tally> {
        let mut connection = self.0.lock().await;
        let text = Text(text.into());
        let (mut waiting, mut tally) = (VecDeque::with_capacity(window), Tally::default());
        loop {
            let now = Instant::now();
            let is_over = now >= until || interrupted.load(Ordering::Relaxed);
            if !is_over && waiting.len() < window {
                connection.send(&Ask::Publish(text.clone())).await?;
                waiting.push_back(now);
                continue;
            }
            let Some(sent) = waiting.pop_front() else { return Ok(tally) };
            published(&connection.receive().await?)?;
            tally.add(sent.elapsed());
        }
    }
}

fn published(reply: &Reply) -> anyhow::Result<()> {
    ensure!(matches!(reply, Reply::Published(_)), "not published: {reply:?}");
    Ok(())
}

impl Connection {
    async fn send(&mut self, ask: &Ask) -> anyhow::Result<()> {
        self.sent.clear();
        frame::encode(ask, LIMIT, &mut self.sent)?;
        Ok(self.stream.write_all(&self.sent).await?)
    }

    async fn receive(&mut self) -> anyhow::Result<Reply> {
        loop {
            if let Some((reply, length)) = frame::decode(&self.received, LIMIT)? {
                self.received.drain(..length);
                return Ok(reply);
            }
            ensure!(self.stream.read_buf(&mut self.received).await? > 0, "the server has hung up");
        }
    }
}
