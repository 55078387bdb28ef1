//! The protocol of chapter 2 over TCP: a connection for each request, whose end is the end of the request; and one connection for all
//! requests, where each needs its length before it.

use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::SystemTime;

use anyhow::ensure;
use common::board::{Board, answer_into};
use common::protocol::mboard::{Id, Request, Transport, received};

use super::FRAME;
use super::TIMEOUT;

/// Accepts for ever; a thread a connection.
pub fn serve(listener: &TcpListener) -> anyhow::Result<()> {
    let board = Arc::<Mutex<Board>>::default();
    for stream in listener.incoming() {
        let (stream, board) = (stream?, Arc::clone(&board));
        thread::spawn(move || drop(converse(stream, &board)));
    }
    Ok(())
}

fn converse(mut stream: TcpStream, board: &Mutex<Board>) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let from = stream.peer_addr()?;
    let (mut request, mut answer) = (Vec::new(), Vec::new());
    loop {
        read_frame(&mut stream, &mut request)?;
        answer.clear();
        answer.extend_from_slice(&[0; 4]);
        let mut board = board.lock().unwrap_or_else(PoisonError::into_inner);
        answer_into(&mut answer, &request, Transport::Tcp, &mut board, from, SystemTime::now().into());
        drop(board);
        let length = u32::try_from(answer.len() - 4)?;
        answer[..4].copy_from_slice(&length.to_be_bytes());
        stream.write_all(&answer)?;
    }
}

/// Most frames are in one piece with their length, and so is one read.
fn read_frame(stream: &mut TcpStream, frame: &mut Vec<u8>) -> anyhow::Result<()> {
    frame.resize(4096, 0);
    let mut have = 0;
    let length = loop {
        let count = stream.read(&mut frame[have..])?;
        ensure!(count > 0, "the connection has ended");
        have += count;
        if let Some(head) = frame[..have].first_chunk() {
            break u32::from_be_bytes(*head) as usize;
        }
    };
    ensure!(length <= FRAME && have <= 4 + length, "a frame of {length} bytes");
    frame.resize(4 + length, 0);
    stream.read_exact(&mut frame[have..])?;
    frame.drain(..4);
    Ok(())
}

/// How requests go out and answers come in.
trait Ask {
    fn ask(&self, request: &Request<'_>) -> anyhow::Result<Vec<u8>>;
}

/// A connection for each request.
pub struct Short(pub SocketAddr);

impl Ask for Short {
    fn ask(&self, request: &Request<'_>) -> anyhow::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(self.0)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.write_all(&request.encode())?;
        stream.shutdown(Shutdown::Write)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    }
}

/// One connection.
pub struct Long(RefCell<TcpStream>);

impl Long {
    pub fn connect(server: SocketAddr) -> anyhow::Result<Long> {
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        Ok(Long(RefCell::new(stream)))
    }
}

impl Ask for Long {
    fn ask(&self, request: &Request<'_>) -> anyhow::Result<Vec<u8>> {
        let request = request.encode();
        let length = u32::try_from(request.len())?;
        let mut stream = self.0.borrow_mut();
        stream.write_all(&[&length.to_be_bytes(), request.as_slice()].concat())?;
        let mut answer = Vec::new();
        read_frame(&mut stream, &mut answer)?;
        Ok(answer)
    }
}

/// The same four procedures for both.
macro_rules! procedures {
    ($wire:ty) => {
        impl $wire {
            pub fn publish(&self, text: &[u8]) -> anyhow::Result<()> {
                Ok(received::published(&self.ask(&Request::Publish(text))?)?)
            }

            pub fn last(&self, count: u64) -> anyhow::Result<Vec<u64>> {
                let ids = received::ids(&self.ask(&Request::Last(count))?)?;
                Ok(ids.into_iter().map(|Id(id)| id).collect())
            }

            pub fn get(&self, id: u64) -> anyhow::Result<usize> {
                Ok(received::message(&self.ask(&Request::Get(Id(id)))?)?.text.len())
            }

            pub fn list(&self, count: u64) -> anyhow::Result<usize> {
                Ok(received::counted(&self.ask(&Request::LastCounted(count))?)?.len())
            }
        }
    };
}

procedures!(Short);
procedures!(Long);
