//! Answers on their way out. Those to one client and of one length, one after another, leave in one system call (GSO).
//!
//! ```text
//!   to A: 0   to A: 0   to A: 0   to B: 0:3:4   to A: 0
//!   └───── one call ─────────┘    └─ another ─┘ └ a third ┘       the order stays
//! ```
//!
//! A client that asks one thing at a time gains nothing by it and waits no longer: what came together is answered together.

use std::net::{Ipv4Addr, SocketAddr};

use common::net::datagram::Endpoint;

/// As many datagrams as one call may cut, by the kernel's own limit (`UDP_MAX_SEGMENTS`).
const MOST: usize = 64;
/// Bytes that fit into one call, besides the headers.
const BYTES: usize = 65_507;

/// Answers that have not left.
#[derive(Debug)]
pub struct Answers {
    to: SocketAddr,
    segment: usize,
    bytes: Vec<u8>,
}

impl Default for Answers {
    fn default() -> Answers {
        Answers { to: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)), segment: 0, bytes: Vec::new() }
    }
}

impl Answers {
    /// Adds what `write` appends, an answer to this client. What does not go together with it is sent first.
    pub fn add(&mut self, endpoint: &Endpoint, to: SocketAddr, write: impl FnOnce(&mut Vec<u8>)) {
        let before = self.bytes.len();
        write(&mut self.bytes);
        let length = self.bytes.len() - before;
        if length == 0 {
            return; // nothing is to be answered
        }
        let fits = to == self.to && length == self.segment && self.bytes.len() <= BYTES.min(MOST * length);
        if !fits {
            self.send(endpoint, before);
            (self.to, self.segment) = (to, length);
        }
    }

    /// Sends all of them.
    pub fn flush(&mut self, endpoint: &Endpoint) {
        self.send(endpoint, self.bytes.len());
    }

    fn send(&mut self, endpoint: &Endpoint, end: usize) {
        if end > 0
            && let Err(error) = endpoint.send(self.to, self.segment, &self.bytes[..end])
        {
            tracing::debug!("{} is not answered: {error}", self.to);
        }
        self.bytes.drain(..end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::net::datagram::{Arrivals, Woken, wait};
    use nix::poll::PollFlags;
    use std::time::Duration;

    #[test]
    fn every_answer_reaches_its_client_whole_and_in_order() {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = Endpoint::bind(any).unwrap();
        let mut clients = [Endpoint::bind(any).unwrap(), Endpoint::bind(any).unwrap()];
        let long = "x".repeat(20_000);
        let script = [
            (0, "a"),
            (0, "b"),
            (1, "c"),
            (0, "d"),
            (0, "long"),
            (0, &long),
            (0, &long),
            (0, &long),
            (0, &long),
        ];
        let mut answers = Answers::default();
        for (to, text) in script {
            answers
                .add(&server, clients[to].address().unwrap(), |out| out.extend_from_slice(text.as_bytes()));
        }
        for _ in 0..100 {
            answers.add(&server, clients[1].address().unwrap(), |out| out.push(b'0'));
        }
        answers.flush(&server);
        for (number, client) in clients.iter_mut().enumerate() {
            let mut expected: Vec<&str> =
                script.iter().filter(|(to, _)| *to == number).map(|(_, text)| *text).collect();
            expected.extend([["0"; 100].as_slice(), &[]][1 - number]);
            let mut received = Vec::new();
            let mut arrivals = Arrivals::default();
            while received.len() < expected.len() {
                let woken = wait(client, PollFlags::POLLIN, None, Some(Duration::from_secs(5))).unwrap();
                assert_eq!(woken, Woken::Ready, "answers are missing");
                client.receive(&mut arrivals).unwrap();
                for arrival in arrivals.iter() {
                    received
                        .extend(arrival.datagrams().map(|text| String::from_utf8(text.to_vec()).unwrap()));
                }
            }
            assert_eq!(received, expected);
        }
    }
}
