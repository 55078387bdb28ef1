//! The protocols of others, as wires of the engine, and how a connection is set up.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, ensure};

pub mod nats;
pub mod redis;

/// A connection on which lines are asked and answered, one at a time.
struct Lines(BufReader<TcpStream>);

impl Lines {
    fn connect(server: SocketAddr) -> anyhow::Result<Lines> {
        let stream = TcpStream::connect(server).with_context(|| format!("cannot connect to {server}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Lines(BufReader::new(stream)))
    }

    fn say(&mut self, text: &[u8]) -> anyhow::Result<()> {
        Ok(self.0.get_mut().write_all(text)?)
    }

    /// The next line, which must begin so.
    fn expect(&mut self, start: &str) -> anyhow::Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line).context("no answer")?;
        ensure!(line.starts_with(start), "the server says {line:?} where {start} was expected");
        Ok(line)
    }

    fn into_parts(self) -> (TcpStream, Vec<u8>) {
        let rest = self.0.buffer().to_vec();
        (self.0.into_inner(), rest)
    }
}

/// The first line, without its end, and how many bytes it has with it; `None` when it is not whole.
fn line(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let end = bytes.windows(2).position(|two| two == b"\r\n")?;
    Some((&bytes[..end], end + 2))
}

/// A number in digits.
fn number(digits: &[u8]) -> anyhow::Result<usize> {
    std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok()).context("no number")
}
