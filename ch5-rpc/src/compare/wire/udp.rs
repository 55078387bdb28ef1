//! The protocol of chapter 2, a datagram each way. No request is sent again: one that is lost ends the measurement.

use std::net::{SocketAddr, UdpSocket};
use std::time::SystemTime;

use common::board::{Board, answer_into};
use common::protocol::mboard::{Id, Request, Transport, received};

use super::TIMEOUT;

/// Answers for ever.
pub fn serve(socket: &UdpSocket) -> anyhow::Result<()> {
    let (mut board, mut answer) = (Board::default(), Vec::new());
    let mut request = vec![0; 65_536];
    loop {
        let (length, from) = socket.recv_from(&mut request)?;
        answer.clear();
        let now = SystemTime::now().into();
        answer_into(&mut answer, &request[..length], Transport::Udp, &mut board, from, now);
        socket.send_to(&answer, from)?;
    }
}

/// A socket.
pub struct Udp(UdpSocket);

impl Udp {
    pub fn connect(server: SocketAddr) -> anyhow::Result<Udp> {
        let socket = UdpSocket::bind((server.ip(), 0))?;
        socket.connect(server)?;
        socket.set_read_timeout(Some(TIMEOUT))?;
        Ok(Udp(socket))
    }

    fn ask<T>(&self, request: &Request<'_>, read: impl FnOnce(&[u8]) -> T) -> anyhow::Result<T> {
        self.0.send(&request.encode())?;
        let mut answer = [0; 65_536];
        let length = self.0.recv(&mut answer)?;
        Ok(read(&answer[..length]))
    }

    pub fn publish(&self, text: &[u8]) -> anyhow::Result<()> {
        Ok(self.ask(&Request::Publish(text), received::published)??)
    }

    pub fn last(&self, count: u64) -> anyhow::Result<Vec<u64>> {
        let ids = self.ask(&Request::Last(count), received::ids)??;
        Ok(ids.into_iter().map(|Id(id)| id).collect())
    }

    pub fn get(&self, id: u64) -> anyhow::Result<usize> {
        let length = |answer: &[u8]| received::message(answer).map(|message| message.text.len());
        Ok(self.ask(&Request::Get(Id(id)), length)??)
    }

    pub fn list(&self, _count: u64) -> anyhow::Result<usize> {
        anyhow::bail!("the protocol has no such request over UDP")
    }
}
