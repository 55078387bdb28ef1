//! Calls that are to be run at most once, or at least once, and all that can happen to their datagrams and to their server.
//!
//! Whatever the script,
//! - a call that is to be run at most once is not run twice, also when the server crashes at either of the two bad moments;
//! - what is said to be done has been run, and what is said to be not done is never run;
//! - every call ends, and the table holds no more than its limits.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use ch5_rpc::semantics::datagram::{Message, VERSION, decode, sealed};
use ch5_rpc::semantics::host::{Failpoint, Host, HostConfig, Remembers, Surroundings, Work};
use ch5_rpc::semantics::label::label;
use ch5_rpc::semantics::memory::Memory;
use ch5_rpc::semantics::publish::{Method, Reply, judge};
use ch5_rpc::semantics::store::Step;
use ch5_rpc::semantics::table::TableLimits;
use ch5_rpc::semantics::{Client, ClientConfig, Outcome, Semantics};

use super::tape::Tape;

/// Small, so that a short script reaches them.
const LIMITS: TableLimits =
    TableLimits { clients: 3, clients_per_address: 3, slots: 2, lease: Duration::from_secs(3) };
/// Calls of a script, and datagrams on their way.
const CALLS: usize = 20;
const IN_FLIGHT: usize = 64;

/// A datagram, as it is and with the frame and the check that a fuzzer cannot guess: to a server, to a client.
pub fn semantics_datagrams(bytes: &[u8]) {
    let framed = [&[VERSION][..], &(bytes.len() as u32).to_be_bytes(), bytes].concat();
    for datagram in [bytes.to_vec(), sealed(framed)] {
        let read = decode(&datagram);
        let mut world = World::new(Semantics::AtMostOnce, Remembers::Volatile, None);
        world.deliver(Way::Up, &datagram);
        let host = world.host.as_mut().expect("nothing has crashed");
        let answers = std::iter::from_fn(|| host.poll_transmit()).count();
        let most = usize::from(matches!(read, Ok(Message::Question(_))));
        assert!(answers <= most, "{answers} answers to {read:?}");

        world.call();
        world.deliver(Way::Down, &datagram);
        assert!(world.client.poll_outcome().is_none(), "nothing was sent, so nothing can be answered");
        let _ = label(&datagram);
    }
    let _ = (Method::decode(bytes), Reply::decode(bytes));
}

/// A script: what is called, what becomes of each datagram, when the server crashes.
pub fn semantics(script: &[u8]) {
    let mut tape = Tape(script);
    let semantics = tape.pick(&[Semantics::AtMostOnce, Semantics::AtMostOnce, Semantics::AtLeastOnce]);
    let remembers = tape.pick(&[Remembers::Volatile, Remembers::Durable]);
    let step = tape.pick(&[None, Some(Step::Mutated), Some(Step::Recorded)]);
    let failpoint = step.map(|step| Failpoint { step, execution: 2 + u64::from(tape.byte() % 3) });
    let mut world = World::new(semantics, remembers, failpoint);
    while !tape.is_over() {
        world.act(&mut tape);
        world.settle();
    }
    world.end(semantics);
}

#[derive(Clone, Copy)]
enum Way {
    Up,
    Down,
}

struct World {
    now: Duration,
    config: HostConfig,
    client: Client,
    host: Option<Host<Memory>>,
    /// What is left of a server that has crashed.
    disk: Memory,
    starts: u8,
    in_flight: Vec<(Way, Vec<u8>)>,
    calls: usize,
    outcomes: BTreeMap<u64, Outcome<u64>>,
}

struct Nowhere;

impl Surroundings for Nowhere {
    fn effect(&mut self, _text: &[u8]) {}
    fn crash(&mut self) {}
}

impl World {
    fn new(semantics: Semantics, remembers: Remembers, failpoint: Option<Failpoint>) -> World {
        let mut config = HostConfig { failpoint, ..HostConfig::new(remembers) };
        config.server.limits = LIMITS;
        config.work = Work { time: Duration::from_millis(700), every: 3 };
        let client = ClientConfig { semantics, give_up: Duration::from_secs(2) };
        let mut world = World {
            now: Duration::ZERO,
            config,
            client: Client::new(client, 1),
            host: None,
            disk: Memory::default(),
            starts: 0,
            in_flight: Vec::new(),
            calls: 0,
            outcomes: BTreeMap::new(),
        };
        world.start();
        world
    }

    fn act(&mut self, tape: &mut Tape<'_>) {
        let choice = tape.byte() % 9;
        let which = usize::from(tape.byte());
        match choice {
            0 => self.call(),
            1 | 2 if !self.in_flight.is_empty() => {
                let (way, datagram) = self.in_flight.swap_remove(which % self.in_flight.len());
                self.deliver(way, &datagram);
            }
            3 if !self.in_flight.is_empty() => {
                let (way, datagram) = self.in_flight[which % self.in_flight.len()].clone();
                self.deliver(way, &datagram);
            }
            4 if !self.in_flight.is_empty() => {
                self.in_flight.swap_remove(which % self.in_flight.len());
            }
            5 if !self.in_flight.is_empty() => {
                let (way, mut datagram) = self.in_flight[which % self.in_flight.len()].clone();
                let bit = usize::from(tape.byte()) % (datagram.len() * 8);
                datagram[bit / 8] ^= 1 << (bit % 8);
                self.deliver(way, &datagram);
            }
            6 => self.wait(Duration::from_millis(13 * which as u64)),
            7 => self.crash(),
            8 => self.start(),
            _ => {}
        }
    }

    fn call(&mut self) {
        if self.calls < CALLS {
            self.calls += 1;
            let sequence =
                self.client.call(self.now, Method::Publish { text: text(self.calls as u64) }.encode());
            assert_eq!(sequence, self.calls as u64);
        }
    }

    fn deliver(&mut self, way: Way, datagram: &[u8]) {
        match (way, &mut self.host) {
            (Way::Down, _) => self.client.handle_datagram(self.now, datagram),
            (Way::Up, Some(host)) => {
                let from = SocketAddr::from(([192, 0, 2, 1], 1000));
                if host.handle_datagram(self.now, from, datagram, &mut Nowhere).is_err() {
                    self.crash();
                }
            }
            (Way::Up, None) => {}
        }
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        self.client.handle_timeout(self.now);
        if self.host.as_mut().is_some_and(|host| host.handle_timeout(self.now, &mut Nowhere).is_err()) {
            self.crash();
        }
    }

    fn settle(&mut self) {
        while let Some(datagram) = self.client.poll_transmit(self.now) {
            self.send(Way::Up, datagram);
        }
        while let Some((_, datagram)) = self.host.as_mut().and_then(Host::poll_transmit) {
            self.send(Way::Down, datagram);
        }
        while let Some((sequence, outcome)) = self.client.poll_outcome() {
            let semantics = self.semantics();
            let before = self.outcomes.insert(sequence, judge(semantics, outcome));
            assert_eq!(before, None, "call {sequence} ends once");
        }
        if let Some(host) = &self.host {
            let (clients, records) = host.held();
            assert!(clients <= LIMITS.clients && records <= LIMITS.clients * LIMITS.slots);
        }
    }

    fn semantics(&self) -> Semantics {
        // Of the two that are tried only a full board is judged differently, and none is full.
        Semantics::AtMostOnce
    }

    fn send(&mut self, way: Way, datagram: Vec<u8>) {
        if self.in_flight.len() < IN_FLIGHT {
            self.in_flight.push((way, datagram));
        }
    }

    fn crash(&mut self) {
        if let Some(host) = self.host.take() {
            self.disk = host.into_store();
        }
    }

    fn start(&mut self) {
        if self.host.is_none() {
            self.starts = self.starts.saturating_add(1);
            // A memory that is kept keeps its name.
            let incarnation =
                if self.config.remembers == Remembers::Durable { 1 } else { self.starts.into() };
            let disk = std::mem::take(&mut self.disk);
            self.host = Host::new(self.config, self.now, disk, incarnation, [self.starts; 16]).ok();
        }
    }

    /// From now on all is well: every call ends, and then everything that is still on its way arrives.
    fn end(&mut self, semantics: Semantics) {
        for _ in 0..1000 {
            self.settle();
            if self.outcomes.len() == self.calls && self.in_flight.is_empty() {
                break;
            }
            self.start();
            for (way, datagram) in std::mem::take(&mut self.in_flight) {
                self.deliver(way, &datagram);
            }
            self.settle();
            self.wait(Duration::from_millis(20));
        }
        self.wait(Duration::from_secs(1)); // calls that are at work
        assert_eq!(self.outcomes.len(), self.calls, "every call ends");
        self.crash();
        for (number, outcome) in &self.outcomes {
            let executions = self.disk.count(&text(*number));
            let most = if semantics == Semantics::AtMostOnce { 1 } else { u64::MAX };
            let is_true = match outcome {
                Outcome::Done(_) => executions >= 1,
                Outcome::NotDone(_) => executions == 0,
                Outcome::Unknown(_) => true,
            };
            assert!(executions <= most && is_true, "call {number}: {outcome:?}, run {executions} times");
        }
    }
}

fn text(number: u64) -> Vec<u8> {
    number.to_string().into_bytes()
}
