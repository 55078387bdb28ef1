//! A socket that does not block, what waits to be written, and what came and is not whole.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};

use anyhow::{Context, ensure};

/// A link.
#[derive(Debug)]
pub struct Link {
    stream: TcpStream,
    /// What came and is not whole.
    rest: Vec<u8>,
    /// What is to be written, and how much of it is.
    out: Vec<u8>,
    written: usize,
}

impl Link {
    /// Of a connection that is set up, and of what came over it already.
    ///
    /// # Errors
    /// What fcntl(2) says.
    pub fn new(stream: TcpStream, rest: Vec<u8>) -> io::Result<Link> {
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Link { stream, rest, out: Vec::new(), written: 0 })
    }

    /// Bytes that wait to be written.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.out.len() - self.written
    }

    /// Where to append what is to be written.
    pub fn out(&mut self) -> &mut Vec<u8> {
        if self.written > 0 {
            self.out.drain(..self.written);
            self.written = 0;
        }
        &mut self.out
    }

    /// Writes what the socket takes.
    ///
    /// # Errors
    /// The peer is gone.
    pub fn flush(&mut self) -> anyhow::Result<()> {
        while self.waiting() > 0 {
            match self.stream.write(&self.out[self.written..]) {
                Ok(length) => self.written += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("the server does not read any more"),
            }
        }
        self.out.clear();
        self.written = 0;
        Ok(())
    }

    /// Reads what is there into `buffer`, behind what was left, and gives it to `take`, which says how much of it was whole.
    ///
    /// # Errors
    /// The peer is gone, or what `take` says.
    pub fn read(
        &mut self,
        buffer: &mut [u8],
        take: impl FnOnce(&[u8]) -> anyhow::Result<usize>,
    ) -> anyhow::Result<()> {
        let before = self.rest.len();
        ensure!(before < buffer.len(), "{before} bytes came, and they are not whole");
        let length = match self.stream.read(&mut buffer[before..]) {
            Ok(0) => anyhow::bail!("the server has closed the connection"),
            Ok(length) => length,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => 0,
            Err(error) => return Err(error).context("the connection is lost"),
        };
        buffer[..before].copy_from_slice(&self.rest);
        let bytes = &buffer[..before + length];
        let used = take(bytes)?;
        self.rest.clear();
        self.rest.extend_from_slice(&bytes[used..]);
        Ok(())
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
