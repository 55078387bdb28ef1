//! A client that publishes, reads its acknowledgements, and fetches nothing.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

use super::plan::Plan;

/// One of them.
#[derive(Debug)]
pub struct Publisher {
    /// Its connection, non-blocking.
    pub stream: TcpStream,
    number: usize,
    next: u64,
    text: Vec<u8>,
    unsent: Vec<u8>,
    /// The loop has been asked to say when there is room.
    pub waits: bool,
    /// Texts that the server says it has.
    pub acknowledged: u64,
}

/// So many bytes unsent, and no more is put behind them: the server does not keep up, and its clients notice.
const MOST_UNSENT: usize = 1 << 20;

impl Publisher {
    /// The publisher with this number.
    pub fn new(stream: TcpStream, number: usize, plan: &Plan) -> Publisher {
        Publisher {
            stream,
            number,
            next: 0,
            text: vec![b'x'; plan.bytes],
            unsent: Vec::new(),
            waits: false,
            acknowledged: 0,
        }
    }

    /// Puts its next text behind those that are to be sent.
    pub fn publish(&mut self, plan: &Plan) {
        let header = format!("{:04x}{:012x}", self.number, self.next);
        self.text[..header.len()].copy_from_slice(header.as_bytes());
        plan.dialect.publish(&self.text, &mut self.unsent);
        self.next += 1;
    }

    /// Whether it has more to send than the server takes.
    pub fn is_choked(&self) -> bool {
        self.unsent.len() >= MOST_UNSENT
    }

    /// Whether something waits for room.
    pub fn wants_to_write(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Sends what the socket takes.
    ///
    /// # Errors
    /// The connection's.
    pub fn send(&mut self) -> io::Result<()> {
        match self.stream.write(&self.unsent) {
            Ok(count) if count == self.unsent.len() => self.unsent.clear(),
            Ok(count) => drop(self.unsent.drain(..count)),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Reads acknowledgements once.
    ///
    /// # Errors
    /// The connection's, or the server refuses a text.
    pub fn read(&mut self, plan: &Plan, scratch: &mut [u8]) -> io::Result<()> {
        let count = match self.stream.read(scratch) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let bytes = &scratch[..count];
        if plan.dialect.refuses(bytes) {
            return Err(io::Error::other("the server refuses a text: its board is full"));
        }
        let mark = plan.dialect.acknowledges();
        self.acknowledged += bytes.iter().filter(|&&byte| byte == mark).count() as u64;
        Ok(())
    }
}
