//! A thousand clients at once, more than the table of the server has room for: each call ends, none is run twice, and the table stays
//! within its bounds.

use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use ch5_rpc::semantics::datagram::{Answer, Message, decode};
use ch5_rpc::semantics::outcome::Unknown;
use ch5_rpc::semantics::publish::{Method, judge};
use ch5_rpc::semantics::socket::SocketCaller;
use ch5_rpc::semantics::{Client, ClientConfig, Outcome, Semantics};

use crate::support::Server;

const CALLERS: u64 = 1000;
/// Far apart, since a client counts up from its own for each binding.
const APART: u64 = 1000;

/// Clients behind one socket: each has its own identity, and its own id from the server.
struct Crowd {
    clients: Vec<Client>,
    by_id: BTreeMap<u64, usize>,
    outcomes: BTreeMap<usize, Outcome<u64>>,
}

impl Crowd {
    fn new() -> Crowd {
        let config = ClientConfig { semantics: Semantics::AtMostOnce, give_up: Duration::from_secs(5) };
        let clients = (0..CALLERS).map(|number| Client::new(config, number * APART)).collect();
        Crowd { clients, by_id: BTreeMap::new(), outcomes: BTreeMap::new() }
    }

    fn hear(&mut self, now: Duration, datagram: &[u8]) {
        let Ok(Message::Answer(answer)) = decode(datagram) else { panic!("an answer") };
        let index = match &answer {
            Answer::Bound { nonce, client, .. } => {
                let index = (nonce / APART) as usize;
                self.by_id.insert(*client, index);
                Some(index)
            }
            answer => answer.id().and_then(|id| self.by_id.get(&id.client).copied()),
        };
        if let Some(index) = index {
            self.clients[index].handle_datagram(now, datagram);
        }
    }

    fn collect(&mut self) {
        for (index, client) in self.clients.iter_mut().enumerate() {
            while let Some((_, outcome)) = client.poll_outcome() {
                self.outcomes.insert(index, judge(Semantics::AtMostOnce, outcome));
            }
        }
    }
}

fn text(index: usize) -> Vec<u8> {
    format!("of caller {index}").into_bytes()
}

#[test]
fn each_call_ends_and_none_is_run_twice() {
    let server = Server::with_log(&["semantics", "serve", "--clients", "300", "--lease", "6s"]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server.address).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
    let (began, mut crowd) = (Instant::now(), Crowd::new());
    for index in 0..crowd.clients.len() {
        crowd.clients[index].call(Duration::ZERO, Method::Publish { text: text(index) }.encode());
    }
    let mut buffer = [0; 2000];
    while crowd.outcomes.len() < crowd.clients.len() {
        assert!(began.elapsed() < Duration::from_secs(60), "{} have ended", crowd.outcomes.len());
        let now = began.elapsed();
        for client in &mut crowd.clients {
            client.handle_timeout(now);
            while let Some(datagram) = client.poll_transmit(now) {
                socket.send(&datagram).unwrap();
            }
        }
        while let Ok(length) = socket.recv(&mut buffer) {
            crowd.hear(began.elapsed(), &buffer[..length]);
        }
        crowd.collect();
    }
    let config = ClientConfig { semantics: Semantics::AtLeastOnce, give_up: Duration::from_secs(10) };
    let mut auditor = SocketCaller::connect(config, server.address).unwrap();
    let mut done = 0;
    for (index, outcome) in &crowd.outcomes {
        let counted = auditor.call(&Method::Count { text: text(*index) }, &mut || Ok(())).unwrap();
        let Outcome::Done(executions) = counted else { panic!("{counted:?}") };
        let is_true = match outcome {
            Outcome::Done(_) => executions == 1,
            Outcome::NotDone(_) => executions == 0,
            Outcome::Unknown(_) => executions <= 1,
        };
        assert!(is_true, "caller {index}: {outcome:?}, run {executions} times");
        done += u64::from(matches!(outcome, Outcome::Done(_)));
    }
    assert!(done >= 200, "the first ones find room: {done} were done");

    let log = server.process.stderr.clone();
    assert!(server.stop().success());
    let log = log.wait_for_end(Duration::from_secs(10)).unwrap();
    let clients = log.split("dropped; ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok());
    assert!(clients.is_some_and(|clients| clients <= 300), "{log}");
}

/// One publication of a client of its own at this address of the machine.
fn publish_from(address: &str, server: SocketAddr) -> Outcome<u64> {
    let socket = UdpSocket::bind((address, 0)).unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
    let config = ClientConfig { semantics: Semantics::AtMostOnce, give_up: Duration::from_secs(2) };
    let (began, mut client) = (Instant::now(), Client::new(config, rand::random()));
    client.call(Duration::ZERO, Method::Publish { text: b"x".to_vec() }.encode());
    let mut buffer = [0; 2000];
    loop {
        client.handle_timeout(began.elapsed());
        if let Some((_, outcome)) = client.poll_outcome() {
            return judge(Semantics::AtMostOnce, outcome);
        }
        while let Some(datagram) = client.poll_transmit(began.elapsed()) {
            socket.send(&datagram).unwrap();
        }
        if let Ok(length) = socket.recv(&mut buffer) {
            client.handle_datagram(began.elapsed(), &buffer[..length]);
        }
    }
}

#[test]
fn one_address_does_not_take_the_whole_table() {
    let args = ["semantics", "serve", "--clients", "4", "--clients-per-address", "2", "--lease", "60s"];
    let server = Server::start(&args);
    for number in 1..=2 {
        assert_eq!(publish_from("127.0.0.1", server.address), Outcome::Done(number));
    }
    assert_eq!(publish_from("127.0.0.1", server.address), Outcome::Unknown(Unknown::TableFull));
    assert_eq!(publish_from("127.0.0.2", server.address), Outcome::Done(3), "others have their share");
}
