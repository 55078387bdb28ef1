//! What client and server of the sessions really send is never malformed to the dissector. Needs tshark; without it, it says so.

use std::net::SocketAddr;
use std::time::Duration;

use ch2_sockets::session::{Batch, BlockClient, Client, ClientMachine, Config, Limits, Server};

use crate::support::capture::Capture;
use crate::support::tshark::Tshark;

const BLOCK: usize = 1400 - 32;

/// Client and server in virtual time, what is between them, and what a capture sees of it.
struct Wire {
    now: Duration,
    server: Server,
    batch: Batch,
    capture: Capture,
    datagrams: usize,
    /// Whether a batch is captured as one, as on the loopback interface.
    as_one: bool,
}

impl Wire {
    fn new(as_one: bool) -> Wire {
        Wire {
            now: Duration::ZERO,
            server: Server::new(Limits::default(), Config::default(), [7; 32]),
            batch: Batch::new(),
            capture: Capture::new(),
            datagrams: 0,
            as_one,
        }
    }

    /// Runs the client's exchange to its end.
    fn run(&mut self, client: &mut impl ClientMachine) -> Vec<u8> {
        while self.now < Duration::from_secs(60) {
            self.now += Duration::from_millis(1);
            client.handle_timeout(self.now);
            self.server.handle_timeout(self.now);
            while client.poll_transmit(self.now, &mut self.batch) {
                self.up();
            }
            if let Some(incoming) = self.server.poll_request() {
                self.server.respond(self.now, incoming.exchange, b"0".to_vec());
            }
            while self.server.poll_transmit(self.now, &mut self.batch) {
                for datagram in self.down() {
                    client.handle_datagram(self.now, server_address(), datagram.len(), &datagram);
                }
            }
            if let Some(response) = client.poll_response() {
                return response.expect("the answer is a response");
            }
        }
        panic!("no answer in time")
    }

    fn up(&mut self) {
        for datagram in self.pass(client_address(), server_address()) {
            self.server.handle_datagram(self.now, client_address(), datagram.len(), &datagram);
        }
    }

    fn down(&mut self) -> Vec<Vec<u8>> {
        self.pass(server_address(), client_address())
    }

    /// Captures all, and loses every seventh.
    fn pass(&mut self, from: SocketAddr, to: SocketAddr) -> Vec<Vec<u8>> {
        if self.as_one {
            self.capture.udp(from, to, &self.batch.bytes);
        }
        let mut arrived = Vec::new();
        for datagram in self.batch.datagrams() {
            if !self.as_one {
                self.capture.udp(from, to, datagram);
            }
            self.datagrams += 1;
            if !self.datagrams.is_multiple_of(7) {
                arrived.push(datagram.to_vec());
            }
        }
        arrived
    }
}

#[test]
fn the_extension_is_read_datagram_by_datagram_and_as_batches() {
    let Some(tshark) = Tshark::find() else { return };
    for as_one in [false, true] {
        let mut wire = Wire::new(as_one);
        let mut client = Client::new(Config::default(), server_address());
        client.request(wire.now, [b"1:", &[b'x'; 100 * BLOCK][..]].concat().into());
        assert_eq!(wire.run(&mut client), b"0");
        assert_clean(&tshark, &wire.capture);
        let kinds = tshark.fields(&wire.capture, "mboard", &["mboard.kind"]);
        let kinds: Vec<&str> = kinds.iter().flat_map(|kinds| kinds.split(',')).collect();
        assert_eq!(kinds.len(), wire.datagrams, "as one: {as_one}");
        assert!(kinds.iter().filter(|&&kind| kind == "D").count() > 101);
        assert!(!tshark.fields(&wire.capture, "mboard.again", &["frame.number"]).is_empty());
        assert_eq!(
            tshark.fields(&wire.capture, "mboard.side == 1 && mboard.status == 0", &["mboard.block"])[0],
            "0"
        );
    }
}

#[test]
fn the_original_protocol_is_read() {
    let Some(tshark) = Tshark::find() else { return };
    let mut wire = Wire::new(false);
    let mut client = BlockClient::new(Config::default(), server_address());
    client.request(wire.now, [b"1:", &[b'x'; 400_000][..]].concat().into());
    wire.run(&mut client);
    assert_clean(&tshark, &wire.capture);
    let shown = tshark.columns(&wire.capture, &[]);
    assert_eq!(shown[0].1, "open");
    assert_eq!(shown.last().expect("packets").1, "delivered");
}

fn assert_clean(tshark: &Tshark, capture: &Capture) {
    let malformed =
        tshark.fields(capture, "mboard.malformed || !mboard", &["frame.number", "_ws.expert.message"]);
    assert!(malformed.is_empty(), "{malformed:?}");
}

fn client_address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 40_000))
}

fn server_address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 7777))
}
