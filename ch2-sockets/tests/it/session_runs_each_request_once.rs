//! Exactly once, also when the service is slow, a session has slept for long, or the server has been started anew.

use std::time::Duration;

use ch2_sockets::session::{
    Batch, Client, ClientMachine, Config, ExchangeError, Held, IncomingRequest, Limits, Reason, Server,
};
use common::netem::Profile;

use crate::virtual_time::{SEED, SERVER, World, message, ms};

/// A client and a server with 5 ms between them and nothing lost; the test is the service.
struct Pair {
    now: Duration,
    client: Client,
    server: Server,
    /// The next datagrams of the client, or of the server, are lost.
    deaf: [bool; 2],
}

impl Pair {
    fn new(limits: Limits) -> Pair {
        let config = Config::default();
        let (client, server) = (Client::new(config, SERVER), Server::new(limits, config, SEED));
        Pair { now: Duration::ZERO, client, server, deaf: [false; 2] }
    }

    fn ask(&mut self, request: &[u8]) {
        self.client.request(self.now, request.to_vec().into());
    }

    /// Both talk until then.
    fn run(&mut self, until: Duration) {
        let from = "192.0.2.9:9".parse().expect("an address");
        let mut batch = Batch::new();
        loop {
            let mut quiet = true;
            while self.client.poll_transmit(self.now, &mut batch) {
                quiet = false;
                if !self.deaf[0] {
                    self.server.handle_datagram(self.now + ms(5), from, batch.segment, &batch.bytes);
                }
            }
            while self.server.poll_transmit(self.now + ms(5), &mut batch) {
                quiet = false;
                if !self.deaf[1] {
                    self.client.handle_datagram(self.now + ms(10), SERVER, batch.segment, &batch.bytes);
                }
            }
            if !quiet {
                self.now += ms(10);
                continue;
            }
            let next = [self.client.deadline(), self.server.deadline()].into_iter().flatten().min();
            match next {
                Some(next) if next <= until => self.now = self.now.max(next),
                _ => break,
            }
            self.client.handle_timeout(self.now);
            self.server.handle_timeout(self.now);
        }
        self.now = self.now.max(until);
    }

    /// Runs until the request is at the service.
    fn delivered(&mut self) -> IncomingRequest {
        self.run(self.now + ms(200));
        self.server.poll_request().expect("a request")
    }

    /// One exchange from end to end.
    fn exchange(&mut self, request: &[u8], response: &[u8]) {
        self.ask(request);
        let delivered = self.delivered();
        assert_eq!(delivered.request, request);
        self.server.respond(self.now, delivered.exchange, response.to_vec());
        self.run(self.now + ms(200));
        assert_eq!(self.client.poll_response(), Some(Ok(response.to_vec())));
        assert!(self.server.poll_request().is_none());
    }
}

#[test]
fn many_requests_use_one_session() {
    let mut pair = Pair::new(Limits::default());
    for number in 0..100u32 {
        pair.exchange(&number.to_be_bytes(), &message(number as usize * 100, 1));
    }
    assert_eq!(pair.server.statistics().delivered, 100);
    assert_eq!(pair.server.held(), Held { active: 0, idle: 1, bytes: 0 });
}

#[test]
fn a_slow_service_is_waited_for() {
    let mut pair = Pair::new(Limits::default());
    pair.ask(b"2:0");
    let delivered = pair.delivered();
    // Far longer than a silence that makes the client give up, or the server forget.
    let start = pair.now;
    pair.run(start + Duration::from_secs(300));
    assert_eq!(pair.client.poll_response(), None);
    assert!(pair.server.poll_request().is_none(), "a question whether the server lives is no second request");
    assert!(pair.client.statistics().datagrams_sent < 400, "{:?}", pair.client.statistics());
    pair.server.respond(pair.now, delivered.exchange, b"0".to_vec());
    pair.run(start + Duration::from_secs(301));
    assert_eq!(pair.client.poll_response(), Some(Ok(b"0".to_vec())));
}

#[test]
fn a_server_that_dies_while_it_is_waited_for_is_noticed() {
    let mut pair = Pair::new(Limits::default());
    pair.ask(b"2:0");
    pair.delivered();
    pair.deaf = [true; 2];
    pair.run(pair.now + Duration::from_secs(20));
    assert!(matches!(pair.client.poll_response(), Some(Err(ExchangeError::NoAnswer { .. }))));
}

#[test]
fn a_client_that_slept_for_long_gets_a_new_session() {
    let mut pair = Pair::new(Limits::default());
    for number in 0..4 {
        pair.exchange(b"1:x", b"0");
        // Beyond the session's end each time, which is the token's at the latest.
        pair.run(pair.now + Duration::from_secs(61));
        assert_eq!(pair.server.held(), Held::default(), "round {number}");
    }
    let counted = pair.server.statistics();
    assert_eq!((counted.blocks_received, counted.blocks_sent), (4, 4), "of sessions that have ended");
}

#[test]
fn a_new_server_gets_the_next_request_and_not_the_last() {
    let mut pair = Pair::new(Limits::default());
    pair.exchange(b"1:x", b"0");
    pair.server = Server::new(Limits::default(), Config::default(), [1; 32]);
    pair.exchange(b"1:y", b"0");
    // The request was taken, and its server dies before the answer: whether it was run is not known, so it is not run again.
    pair.ask(b"1:z");
    pair.delivered();
    pair.server = Server::new(Limits::default(), Config::default(), [2; 32]);
    pair.run(pair.now + Duration::from_secs(5));
    assert_eq!(pair.client.poll_response(), Some(Err(ExchangeError::Refused(Reason::Unknown))));
    assert!(pair.server.poll_request().is_none());
    // And the client is of use again.
    pair.exchange(b"1:a", b"0");
}

#[test]
fn answers_that_nobody_waits_for_are_dropped() {
    let mut pair = Pair::new(Limits::default());
    pair.ask(b"2:0");
    let late = pair.delivered();
    // The client gives up and asks something else.
    pair.ask(b"2:1");
    let delivered = pair.delivered();
    assert_eq!(delivered.request, b"2:1");
    pair.server.respond(pair.now, late.exchange, b"wrong".to_vec());
    pair.server.respond(pair.now, delivered.exchange, b"0:7".to_vec());
    pair.server.respond(pair.now, delivered.exchange, b"twice".to_vec());
    pair.run(pair.now + ms(100));
    assert_eq!(pair.client.poll_response(), Some(Ok(b"0:7".to_vec())));
    assert_eq!(pair.client.poll_response(), None);
}

#[test]
fn a_response_too_big_for_the_server_is_refused() {
    let mut pair = Pair::new(Limits { response: 1000, bytes_per_client: 5000, ..Limits::default() });
    for (length, reason) in [(1001, Reason::TooLong), (1000, Reason::NoRoom)] {
        pair.server = Server::new(
            Limits { bytes_per_client: 900, response: 1000, ..Limits::default() },
            Config::default(),
            SEED,
        );
        pair.ask(b"2:0");
        let delivered = pair.delivered();
        pair.server.respond(pair.now, delivered.exchange, vec![0; length]);
        pair.run(pair.now + ms(100));
        assert_eq!(pair.client.poll_response(), Some(Err(ExchangeError::Refused(reason))));
        assert_eq!(pair.server.held().bytes, 0);
    }
}

#[test]
fn a_lost_refusal_is_said_again() {
    let mut pair = Pair::new(Limits { response: 1000, ..Limits::default() });
    pair.ask(b"2:0");
    let delivered = pair.delivered();
    pair.deaf[1] = true;
    pair.server.respond(pair.now, delivered.exchange, vec![0; 1001]);
    pair.run(pair.now + ms(50));
    pair.deaf[1] = false;
    pair.run(pair.now + Duration::from_secs(3));
    assert_eq!(pair.client.poll_response(), Some(Err(ExchangeError::Refused(Reason::Unknown))));
}

#[test]
fn a_request_beyond_the_limit_is_not_even_tried() {
    let mut pair = Pair::new(Limits::default());
    pair.ask(&vec![0; (200 << 20) + 1]);
    let too_long = ExchangeError::TooLong { length: (200 << 20) + 1, limit: 200 << 20 };
    assert_eq!(pair.client.poll_response(), Some(Err(too_long)));
    assert_eq!(pair.client.statistics().datagrams_sent, 0);
}

#[test]
fn duplicates_run_nothing_twice() {
    for seed in 0..20 {
        let mut world = World::new(seed, Limits::default(), Config::default());
        let profile =
            Profile { duplicate: 1.0, reorder: 0.3, reorder_by: ms(80), delay: ms(5), ..Profile::default() };
        let host = world.join(&profile, Config::default());
        for number in 0..20 {
            world.ask(host, message(1 + number * 300, number as u64 + 1));
        }
        assert!(world.run(Duration::from_secs(600)));
        assert_eq!(world.runs.len(), 20);
        assert!(world.runs.values().all(|&count| count == 1));
        assert!(world.hosts[host].results.iter().all(Result::is_ok));
    }
}
