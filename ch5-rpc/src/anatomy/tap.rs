//! A TCP connection that records each send and each recv: for threads that block, and for tokio.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::record::{Recorder, What};

/// A peer that says nothing for so long, milliseconds, says nothing more.
const SILENCE: u16 = 20_000;

/// The two ends of a connection over the loopback.
pub fn connection() -> io::Result<(TcpStream, TcpStream)> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    for end in [&client, &server] {
        end.set_nodelay(true)?;
    }
    Ok((client, server))
}

/// One end, for a thread that blocks.
#[derive(Debug)]
pub struct Tap {
    stream: TcpStream,
    recorder: Recorder,
}

impl Tap {
    /// Records what passes.
    pub fn new(stream: TcpStream, recorder: &Recorder) -> Tap {
        Tap { stream, recorder: recorder.clone() }
    }

    /// Where its moments go.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }
}

impl Read for Tap {
    /// Waits with poll(2) before it calls recv(2): so it is known when the bytes were there and when they were copied.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut wanted = [PollFd::new(self.stream.as_fd(), PollFlags::POLLIN)];
        if poll(&mut wanted, PollTimeout::from(SILENCE))? == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let begin = Instant::now();
        let length = self.stream.read(buffer)?;
        if length > 0 {
            self.recorder.passed(What::Read, begin, &buffer[..length]);
        }
        Ok(length)
    }
}

impl Write for Tap {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let begin = Instant::now();
        let length = self.stream.write(bytes)?;
        self.recorder.passed(What::Written, begin, &bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// One end, for tokio.
#[derive(Debug)]
pub struct AsyncTap {
    stream: tokio::net::TcpStream,
    recorder: Recorder,
}

impl AsyncTap {
    /// Records what passes. Inside a runtime only.
    ///
    /// # Errors
    /// The runtime cannot watch the socket.
    pub fn new(stream: TcpStream, recorder: &Recorder) -> io::Result<AsyncTap> {
        stream.set_nonblocking(true)?;
        Ok(AsyncTap { stream: tokio::net::TcpStream::from_std(stream)?, recorder: recorder.clone() })
    }
}

impl AsyncRead for AsyncTap {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (begin, before) = (Instant::now(), buffer.filled().len());
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.recorder.passed(What::Read, begin, &buffer.filled()[before..]);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for AsyncTap {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let begin = Instant::now();
        let length = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.recorder.passed(What::Written, begin, &bytes[..length]);
        Poll::Ready(Ok(length))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
