//! NATS core: lines of text, and bodies with their length before them. <https://docs.nats.io/reference/reference-protocols/nats-protocol>
//!
//! ```text
//!   PUB s 128                 MSG s 1 128
//!   <128 bytes>               <128 bytes>
//! ```

use std::net::{SocketAddr, TcpStream};
use std::ops::Range;

use anyhow::{Context, bail};
use common::support::terminal::text;

use super::{Lines, line, number};
use crate::client::wire::{Seen, Template, Wire};

/// A connection that is set up; with `subject` it is subscribed.
///
/// # Errors
/// There is no server, or it refuses.
pub fn connect(server: SocketAddr, subject: Option<&str>) -> anyhow::Result<(TcpStream, Vec<u8>)> {
    let mut lines = Lines::connect(server)?;
    lines.expect("INFO ")?;
    let subscribe = subject.map(|subject| format!("SUB {subject} 1\r\n")).unwrap_or_default();
    lines.say(
        format!(
            "CONNECT {{\"verbose\":false,\"pedantic\":false,\"tls_required\":false}}\r\n{subscribe}PING\r\n"
        )
        .as_bytes(),
    )?;
    lines.expect("PONG")?;
    Ok(lines.into_parts())
}

/// The wire.
#[derive(Debug)]
pub struct Nats {
    template: Template,
    pings: u32,
}

impl Nats {
    /// For bodies of so many bytes.
    pub fn new(subject: &str, size: usize) -> Nats {
        let before = format!("PUB {subject} {size}\r\n");
        Nats { template: Template::new(before.as_bytes(), size, b"\r\n"), pings: 0 }
    }
}

impl Wire for Nats {
    fn publish(&mut self, numbers: Range<u64>, out: &mut Vec<u8>) {
        self.template.write(numbers, out);
    }

    fn read(&mut self, bytes: &[u8], seen: &mut Seen) -> anyhow::Result<usize> {
        let mut used = 0;
        while let Some((head, length)) = line(&bytes[used..]) {
            if head.starts_with(b"MSG ") {
                let size = number(head.rsplit(|&byte| byte == b' ').next().context("no size")?)?;
                let Some(body) = bytes[used + length..].get(..size + 2) else { break };
                seen.body(&body[..size])?;
                used += size + 2;
            } else if head == b"PING" {
                self.pings += 1;
            } else if head.starts_with(b"-ERR") {
                bail!("the server says {}", text(head));
            }
            used += length;
        }
        Ok(used)
    }

    fn answer(&mut self, out: &mut Vec<u8>) {
        for _ in 0..std::mem::take(&mut self.pings) {
            out.extend_from_slice(b"PONG\r\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted_wherever_the_bytes_are_cut() {
        let mut published = Vec::new();
        Nats::new("s", 10).publish(0..1, &mut published);
        assert_eq!(published, b"PUB s 10\r\n\0\0\0\0\0\0\0\0xx\r\n");
        let bytes = b"MSG s 1 10\r\n\0\0\0\0\0\0\0\0xx\r\nPING\r\nMSG s 1 10\r\n\0\0\0\0\0\0\0\x01xx\r\n";
        for cut in 0..=bytes.len() {
            let (mut nats, mut seen, mut out) = (Nats::new("s", 10), Seen::default(), Vec::new());
            let used = nats.read(&bytes[..cut], &mut seen).unwrap();
            assert_eq!(nats.read(&bytes[used..], &mut seen).unwrap(), bytes.len() - used);
            nats.answer(&mut out);
            assert_eq!((seen.delivered, out.as_slice()), (2, &b"PONG\r\n"[..]), "cut at {cut}");
        }
    }

    #[test]
    fn a_slow_consumer_is_a_fault() {
        let error = Nats::new("s", 8).read(b"-ERR 'Slow Consumer'\r\n", &mut Seen::default()).unwrap_err();
        assert_eq!(error.to_string(), "the server says -ERR 'Slow Consumer'");
    }
}
