//! A world without sockets for the session tests: one server, clients behind two lossy wires each, and a clock that jumps.
//!
//! ```text
//! client 0 ═ wires 0 ═╗
//! client 1 ═ wires 1 ═╬═ server ═ service: a function from request to response
//! outsider ───────────╝  (straight in, what comes back is kept)
//! ```
//!
//! Nothing here waits: the time jumps to the next arrival or timer. The same seed gives the same run to the last byte, and
//! `trace` is a hash of every datagram with its time.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hasher};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use ch2_sockets::session::{
    Batch, BlockClient, Client, ClientMachine, Config, ExchangeError, Limits, Server, Statistics,
};
use common::netem::{Direction, Profile, Wire};

/// Where the server is.
pub const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 7777);
/// Datagrams that a side takes in before it sends.
const RECEIVED_AT_ONCE: usize = 46;
pub const SEED: [u8; 32] = [42; 32];

pub fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Bytes in which every block differs.
pub fn message(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// A client and its two wires.
pub struct Host {
    pub address: SocketAddr,
    pub client: Box<dyn ClientMachine>,
    pub up: Wire,
    pub down: Wire,
    /// What it still asks, last first.
    pub requests: Vec<Vec<u8>>,
    /// What came of what it asked. An original client's success is an empty response.
    pub results: Vec<Result<Vec<u8>, ExchangeError>>,
    /// Every datagram that it sent, if wanted.
    pub recorded: Option<Vec<Vec<u8>>>,
}

pub type ServiceFn = Box<dyn FnMut(SocketAddr, &[u8]) -> Vec<u8>>;

pub struct World {
    pub now: Duration,
    pub server: Server,
    pub hosts: Vec<Host>,
    pub service: ServiceFn,
    /// How often each request was run.
    pub runs: HashMap<Vec<u8>, u32>,
    /// Datagrams to addresses that are no host's.
    pub outside: Vec<(SocketAddr, Vec<u8>)>,
    /// The most bytes of messages that the server held.
    pub most_held: usize,
    trace: DefaultHasher,
    batch: Batch,
    seed: u64,
    places: BTreeMap<SocketAddr, usize>,
}

impl World {
    pub fn new(seed: u64, limits: Limits, config: Config) -> World {
        World {
            now: Duration::ZERO,
            server: Server::new(limits, config, SEED),
            hosts: Vec::new(),
            service: Box::new(|_, request| request.to_vec()),
            runs: HashMap::new(),
            outside: Vec::new(),
            most_held: 0,
            trace: DefaultHasher::new(),
            batch: Batch::new(),
            seed,
            places: BTreeMap::new(),
        }
    }

    /// A client of the extension; its number.
    pub fn join(&mut self, profile: &Profile, config: Config) -> usize {
        let client = Client::new(config, SERVER);
        self.add(profile, Box::new(client))
    }

    /// A client of the original protocol; its number.
    pub fn join_original(&mut self, profile: &Profile, config: Config) -> usize {
        let client = BlockClient::new(config, SERVER);
        self.add(profile, Box::new(client))
    }

    fn add(&mut self, profile: &Profile, client: Box<dyn ClientMachine>) -> usize {
        let number = self.hosts.len();
        let address = SocketAddr::from(([10, 0, (number / 32) as u8, 1], 1000 + number as u16));
        let wire = |direction| Wire::new(profile.clone(), self.seed, number as u64, direction);
        let (up, down) = (wire(Direction::Up), wire(Direction::Down));
        self.places.insert(address, number);
        self.hosts.push(Host {
            address,
            client,
            up,
            down,
            requests: Vec::new(),
            results: Vec::new(),
            recorded: None,
        });
        number
    }

    /// A client asks this, after what it asks already.
    pub fn ask(&mut self, host: usize, request: Vec<u8>) {
        let idle = self.hosts[host].requests.is_empty();
        self.hosts[host].requests.insert(0, request);
        if idle {
            self.begin(host);
        }
    }

    /// Until every request has its result, or the time is over: whether they all have.
    pub fn run(&mut self, until: Duration) -> bool {
        loop {
            self.settle();
            if self.hosts.iter().all(|host| host.requests.is_empty()) {
                return true;
            }
            if !self.step(until) {
                return false;
            }
        }
    }

    /// Until then, whatever happens.
    pub fn pass(&mut self, until: Duration) {
        while self.step(until) {}
        self.now = until;
        self.server.handle_timeout(until);
    }

    /// A datagram from anywhere, straight to the server. What it answers to strangers is in `outside`.
    pub fn inject(&mut self, from: SocketAddr, datagram: &[u8]) {
        self.server.handle_datagram(self.now, from, datagram.len(), datagram);
        self.settle();
    }

    /// A hash of all datagrams, their times and their ways.
    pub fn trace(&self) -> u64 {
        self.trace.finish()
    }

    pub fn statistics(&self, host: usize) -> Statistics {
        self.hosts[host].client.statistics()
    }

    fn begin(&mut self, host: usize) {
        let now = self.now;
        let host = &mut self.hosts[host];
        let Some(request) = host.requests.last().cloned() else { return };
        host.client.request(now, request.into());
    }

    /// Sends what there is to send, then jumps to the next thing that happens before `until`.
    fn step(&mut self, until: Duration) -> bool {
        self.settle();
        let timers = self.hosts.iter().filter_map(|host| host.client.deadline());
        let arrivals =
            self.hosts.iter().flat_map(|host| [host.up.next_arrival(), host.down.next_arrival()]).flatten();
        let Some(next) = timers.chain(arrivals).chain(self.server.deadline()).min() else { return false };
        if next > until {
            return false;
        }
        self.now = next.max(self.now);
        let now = self.now;
        for host in &mut self.hosts {
            // As many as one system call brings: what has come at the same time beyond that is acknowledged apart.
            for datagram in std::iter::from_fn(|| host.up.arrive(now)).take(RECEIVED_AT_ONCE) {
                self.server.handle_datagram(now, host.address, datagram.len(), &datagram);
            }
            for datagram in std::iter::from_fn(|| host.down.arrive(now)).take(RECEIVED_AT_ONCE) {
                host.client.handle_datagram(now, SERVER, datagram.len(), &datagram);
            }
            host.client.handle_timeout(now);
        }
        self.server.handle_timeout(now);
        true
    }

    fn settle(&mut self) {
        let now = self.now;
        self.most_held = self.most_held.max(self.server.held().bytes);
        while let Some(delivered) = self.server.poll_request() {
            let response = (self.service)(delivered.from, &delivered.request);
            *self.runs.entry(delivered.request).or_default() += 1;
            self.server.respond(now, delivered.exchange, response);
        }
        self.most_held = self.most_held.max(self.server.held().bytes);
        while self.server.poll_transmit(now, &mut self.batch) {
            for datagram in self.batch.datagrams() {
                note(&mut self.trace, now, self.batch.to, datagram);
                match self.places.get(&self.batch.to) {
                    Some(&place) => drop(self.hosts[place].down.send(now, datagram.to_vec())),
                    None => self.outside.push((self.batch.to, datagram.to_vec())),
                }
            }
        }
        for place in 0..self.hosts.len() {
            self.collect(place);
            let host = &mut self.hosts[place];
            while host.client.poll_transmit(now, &mut self.batch) {
                for datagram in self.batch.datagrams() {
                    note(&mut self.trace, now, host.address, datagram);
                    host.recorded.iter_mut().for_each(|recorded| recorded.push(datagram.to_vec()));
                    let _ = host.up.send(now, datagram.to_vec());
                }
            }
        }
    }

    /// Takes a client's result, and begins its next request.
    fn collect(&mut self, place: usize) {
        let host = &mut self.hosts[place];
        if let Some(result) = host.client.poll_response() {
            host.results.push(result);
            host.requests.pop();
            self.begin(place);
        }
    }
}

fn note(trace: &mut DefaultHasher, now: Duration, address: SocketAddr, datagram: &[u8]) {
    trace.write_u128(now.as_nanos());
    trace.write_u16(address.port());
    trace.write(datagram);
}
