//! The least that two processes can do: so many bytes go there, and so many come back. A request says both lengths in its first eight
//! bytes; nothing else is in it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};

use anyhow::ensure;

use super::TIMEOUT;

/// The lengths, four bytes each.
const HEAD: usize = 8;

/// No message is longer.
const LIMIT: usize = 64 * 1024 - 1;

/// A request of the first length, for an answer of the second.
pub fn request(lengths: [usize; 2]) -> Option<Vec<u8>> {
    let mut request = vec![0; lengths[0]];
    for (place, length) in request.get_mut(..HEAD)?.chunks_exact_mut(4).zip(lengths) {
        place.copy_from_slice(&u32::try_from(length).ok()?.to_be_bytes());
    }
    Some(request)
}

/// What a request says.
fn lengths(received: &[u8]) -> Option<[usize; 2]> {
    let (head, _) = received.split_first_chunk::<HEAD>()?;
    let length =
        |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]) as usize;
    let lengths = [length(0), length(4)];
    Some(lengths.map(|length| length.min(LIMIT)))
}

/// Serves one connection after the other, for ever.
pub fn serve(listener: &TcpListener) -> anyhow::Result<()> {
    let (mut buffer, answer) = (vec![0; LIMIT], vec![0; LIMIT]);
    for stream in listener.incoming() {
        let _ = converse(stream?, &mut buffer, &answer); // until it ends
    }
    Ok(())
}

fn converse(mut stream: TcpStream, buffer: &mut [u8], answer: &[u8]) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut have = 0;
    loop {
        let count = stream.read(&mut buffer[have..])?;
        ensure!(count > 0, "the connection has ended");
        have += count;
        if let Some([request, back]) = lengths(&buffer[..have]).filter(|[request, _]| *request <= have) {
            ensure!(request == have, "one request at a time");
            stream.write_all(&answer[..back])?;
            have = 0;
        }
    }
}

/// Answers datagrams for ever.
pub fn serve_datagrams(socket: &UdpSocket) -> anyhow::Result<()> {
    let (mut buffer, answer) = (vec![0; LIMIT], vec![0; LIMIT]);
    loop {
        let (count, from) = socket.recv_from(&mut buffer)?;
        if let Some([_, back]) = lengths(&buffer[..count]) {
            socket.send_to(&answer[..back], from)?;
        }
    }
}

/// A connection.
pub struct Bytes(TcpStream, Vec<u8>);

impl Bytes {
    pub fn connect(server: SocketAddr) -> anyhow::Result<Bytes> {
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        Ok(Bytes(stream, vec![0; LIMIT]))
    }

    pub fn exchange(&mut self, request: &[u8], answer: usize) -> anyhow::Result<()> {
        self.0.write_all(request)?;
        let mut have = 0;
        while have < answer {
            let count = self.0.read(&mut self.1[have..])?;
            ensure!(count > 0, "the connection has ended");
            have += count;
        }
        ensure!(have == answer, "{have} bytes and not {answer}");
        Ok(())
    }
}

/// A socket.
pub struct Datagrams(UdpSocket, Vec<u8>);

impl Datagrams {
    pub fn connect(server: SocketAddr) -> anyhow::Result<Datagrams> {
        let socket = UdpSocket::bind((server.ip(), 0))?;
        socket.connect(server)?;
        socket.set_read_timeout(Some(TIMEOUT))?;
        Ok(Datagrams(socket, vec![0; LIMIT]))
    }

    pub fn exchange(&mut self, request: &[u8], answer: usize) -> anyhow::Result<()> {
        self.0.send(request)?;
        let count = self.0.recv(&mut self.1)?;
        ensure!(count == answer, "{count} bytes and not {answer}");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn as_many_bytes_come_back_as_were_asked_for() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let (stream_at, datagram_at) = (listener.local_addr().unwrap(), socket.local_addr().unwrap());
        thread::spawn(move || serve(&listener));
        thread::spawn(move || serve_datagrams(&socket));
        let (mut stream, mut datagrams) =
            (Bytes::connect(stream_at).unwrap(), Datagrams::connect(datagram_at).unwrap());
        for bytes in [[8, 1], [319, 196], [60_000, 60_000]] {
            let request = request(bytes).unwrap();
            assert_eq!(request.len(), bytes[0]);
            for _ in 0..3 {
                stream.exchange(&request, bytes[1]).unwrap();
                datagrams.exchange(&request, bytes[1]).unwrap();
            }
        }
        assert_eq!(request([7, 1]), None);
    }
}
