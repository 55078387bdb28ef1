//! What a service pushes reaches every client under every model whose handlers share memory, also the one who waits in
//! silence: each model has its own way of being woken.
//!
//! All models run in this process, each in a thread with a listener of its own, because the stop is one for all.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use ch3_threads::model::{Model, Settings};
use common::core::counters::Counters;
use common::core::framing::Delimited;
use common::core::listener::Listener;
use common::core::outbox::{Outbox, OutboxLimit, WhenFull};
use common::core::server::Server;
use common::core::service::{Answer, Memory, Peer, PeerId, Protocol, Service};
use common::core::stop::Stop;
use common::core::work::AnyService;

/// Whoever rings, all hear it.
#[derive(Default)]
struct Bell {
    connected: Mutex<BTreeMap<PeerId, Outbox>>,
}

impl Service for Bell {
    type Request = Vec<u8>;

    fn name(&self) -> &'static str {
        "bell"
    }

    fn memory(&self) -> Memory {
        Memory::Shared
    }

    fn protocol(&self) -> impl Protocol<Request = Vec<u8>> {
        Delimited::new(b'\n', 80)
    }

    fn handle(&self, _peer: &Peer, request: Vec<u8>) -> Answer {
        if request == b"ring" {
            for outbox in self.connected.lock().expect("nobody panics under it").values() {
                outbox.push(Arc::from(*b"ding\n")).expect("a few bytes fit");
            }
        }
        Answer::new([&request[..], b"\n"].concat())
    }

    fn outbox(&self) -> Option<OutboxLimit> {
        Some(OutboxLimit { bytes: 1 << 20, when_full: WhenFull::Disconnect })
    }

    fn arrive(&self, peer: &Peer, outbox: &Outbox) {
        self.connected.lock().expect("nobody panics under it").insert(peer.id, outbox.clone());
    }

    fn leave(&self, peer: &Peer) {
        self.connected.lock().expect("nobody panics under it").remove(&peer.id);
    }
}

/// How often it is rung.
const RINGS: usize = 50;

#[test]
fn every_client_hears_the_bell_under_every_model_with_one_memory() {
    let stop = Stop::install().unwrap();
    let started: Vec<_> = Model::ALL
        .into_iter()
        .filter(|model| !model.copies_memory() && model.available().is_ok())
        .flat_map(|model| {
            let one = model.default_workers();
            let loops = matches!(model, Model::Epoll | Model::Tokio).then_some(2);
            [Some(one), loops].into_iter().flatten().map(move |workers| (model, workers))
        })
        .map(|(model, workers)| {
            let bell = Arc::new(Bell::default());
            let service: Arc<dyn AnyService> = bell.clone();
            let server = Server::new(service, stop, Counters::shared().unwrap());
            let listener = Listener::open(([127, 0, 0, 1], 0).into(), 64, false, stop).unwrap();
            let address = listener.address().ip().unwrap();
            let running = thread::spawn(move || {
                model.run(&server, listener, &Settings { workers, backlog: 64, worker_command: None })
            });
            (model, workers, bell, address, running)
        })
        .collect();

    let mut clients = Vec::new();
    for (model, workers, _, address, _) in &started {
        let seats = model.seats(*workers).unwrap_or(3).min(3);
        println!("{} with {workers} workers, {seats} clients", model.name());
        clients.push(hear_each_other(*address, seats));
    }

    stop.request();
    for (model, workers, bell, _, running) in started {
        println!("{} with {workers} workers ends", model.name());
        running.join().unwrap().unwrap();
        assert!(bell.connected.lock().unwrap().is_empty(), "all who arrived have left");
    }
    for mut client in clients.into_iter().flatten() {
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
    }
}

/// The last of them rings, and all hear it, fifty times; they are still connected.
fn hear_each_other(address: SocketAddr, count: usize) -> Vec<BufReader<TcpStream>> {
    let mut clients: Vec<BufReader<TcpStream>> = (0..count)
        .map(|_| {
            let stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            let mut client = BufReader::new(stream);
            send(&client, "here");
            assert_eq!(line(&mut client), "here\n"); // it has arrived
            client
        })
        .collect();
    for _ in 0..RINGS {
        let ringer = clients.last_mut().unwrap();
        send(ringer, "ring");
        let mut heard = [line(ringer), line(ringer)];
        heard.sort();
        assert_eq!(heard, ["ding\n", "ring\n"]);
        for silent in clients.iter_mut().rev().skip(1) {
            assert_eq!(line(silent), "ding\n");
        }
    }
    // A silent one speaks: what was pushed to it has not disturbed its own requests.
    for client in &mut clients {
        send(client, "here");
        assert_eq!(line(client), "here\n");
    }
    clients
}

fn send(client: &BufReader<TcpStream>, text: &str) {
    client.get_ref().write_all(format!("{text}\n").as_bytes()).unwrap();
}

fn line(client: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    client.read_line(&mut line).unwrap();
    line
}
