//! Where an answer ends, for a generator that does not read what is in it.

use common::protocol::http::{Exchange, Progress};

use super::contestant::Contestant;

/// No answer is longer, bytes.
const LIMIT: u64 = 1 << 20;

/// How a wire shows the end of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Four bytes with its length are before it.
    Length,
    /// The head of Pyro: 40 bytes, and the lengths of what follows in them.
    Pyro,
    /// The head of HTTP, which says whether the connection is kept, too.
    Http,
    /// The server ends the connection.
    UntilEnd,
}

impl Framing {
    /// Of this contestant's wire, if it is one over TCP.
    pub fn of(contestant: Contestant) -> Framing {
        match contestant {
            Contestant::XmlRpc | Contestant::JsonRpc | Contestant::PythonXmlRpc | Contestant::HttpEcho => {
                Framing::Http
            }
            Contestant::Pyro => Framing::Pyro,
            Contestant::TcpShort => Framing::UntilEnd,
            _ => Framing::Length,
        }
    }

    /// Whether the wire keeps a connection for the next call; with HTTP the server decides.
    pub fn is_kept(self) -> bool {
        matches!(self, Framing::Length | Framing::Pyro)
    }
}

/// An answer that is coming.
#[derive(Debug)]
pub struct Answer {
    framing: Framing,
    received: Vec<u8>,
    http: Exchange,
}

impl Answer {
    /// Nothing has come.
    pub fn new(framing: Framing) -> Answer {
        Answer { framing, received: Vec::new(), http: Exchange::new(LIMIT) }
    }

    /// More of it has come; whether it is whole.
    pub fn receive(&mut self, bytes: &[u8]) -> anyhow::Result<bool> {
        if self.framing == Framing::Http {
            return Ok(self.http.receive(bytes, &mut self.received)? == Progress::Complete);
        }
        self.received.extend_from_slice(bytes);
        let word = |at: usize| {
            let bytes: Option<&[u8; 4]> = self.received.get(at..).and_then(<[u8]>::first_chunk);
            bytes.map(|bytes| u64::from(u32::from_be_bytes(*bytes)))
        };
        let whole = match self.framing {
            Framing::Length => word(0).map(|length| 4 + length),
            Framing::Pyro => word(12).zip(word(16)).map(|(data, annotations)| 40 + data + annotations),
            Framing::Http | Framing::UntilEnd => None,
        };
        let have = self.received.len() as u64;
        anyhow::ensure!(have <= whole.unwrap_or(LIMIT), "more than an answer: {have} bytes");
        Ok(whole == Some(have))
    }

    /// The server has ended the connection; whether that is the end of an answer.
    pub fn ends_here(&self) -> bool {
        match self.framing {
            Framing::UntilEnd => !self.received.is_empty(),
            Framing::Http => self.http.finish().is_ok(),
            Framing::Length | Framing::Pyro => false,
        }
    }

    /// It was whole, and the next one follows; whether on the same connection.
    pub fn next(&mut self) -> bool {
        self.received.clear();
        match self.framing {
            Framing::Http => std::mem::replace(&mut self.http, Exchange::new(LIMIT)).is_kept(),
            framing => framing.is_kept(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After how many bytes an answer is whole that comes byte by byte, and whether its connection is kept.
    fn whole(framing: Framing, bytes: &[u8]) -> (Option<usize>, bool) {
        let mut answer = Answer::new(framing);
        let at = bytes.iter().position(|byte| answer.receive(&[*byte]).unwrap());
        (at.map(|at| at + 1), answer.next())
    }

    #[test]
    fn an_answer_is_whole_at_its_last_byte() {
        assert_eq!(whole(Framing::Length, b"\0\0\0\x02ab"), (Some(6), true));
        let pyro = [&[0; 12][..], &[0, 0, 0, 3, 0, 0, 0, 2], &[0; 20], b"abcde"].concat();
        assert_eq!(whole(Framing::Pyro, &pyro), (Some(45), true));
        let http = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab";
        assert_eq!(whole(Framing::Http, http), (Some(http.len()), true));
        let python = b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab";
        assert_eq!(whole(Framing::Http, python), (Some(python.len()), false));
        assert_eq!(whole(Framing::UntilEnd, b"7"), (None, false));
    }

    #[test]
    fn the_end_of_a_connection_ends_what_has_no_length() {
        let ends = |framing, bytes: &[u8]| {
            let mut answer = Answer::new(framing);
            answer.receive(bytes).unwrap();
            answer.ends_here()
        };
        assert!(ends(Framing::UntilEnd, b"7") && ends(Framing::Http, b"HTTP/1.0 200 OK\r\n\r\nab"));
        assert!(!ends(Framing::Http, b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nab"));
        assert!(!ends(Framing::Length, b"\0\0\0\x02a") && !Answer::new(Framing::UntilEnd).ends_here());
    }

    #[test]
    fn an_answer_that_is_a_failure_or_too_long_is_an_error() {
        assert!(Answer::new(Framing::Http).receive(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n").is_err());
        assert!(Answer::new(Framing::Length).receive(b"\0\0\0\x01ab").is_err());
    }
}
