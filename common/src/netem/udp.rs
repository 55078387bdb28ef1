//! The link between real sockets: datagrams, through a [`Wire`] in each direction of each flow.
//!
//! ```text
//!             one socket for all clients      one socket per client, connected to the server
//! client A ──▶ ┌───────────┐  wire up   ┌──▶ socket A ──▶ server
//!          ◀── │ listening │ ◀─ wire down ── socket A ◀──
//! client B ──▶ │  socket   │  wire up   ├──▶ socket B ──▶   the server sees a port for each client,
//!          ◀── └───────────┘ ◀─ wire down ── socket B ◀──   so its sessions stay apart
//! ```
//!
//! One thread, which waits in ppoll(2) for datagrams and for the next arrival. A client that is silent for a while is forgotten.
//!
//! What is not in the seed's hands: a datagram that the kernel drops because the relay's own receive buffer is full. The buffer
//! is as large as the kernel allows.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags};
use socket2::SockRef;

use super::profile::{Direction, Profile};
use super::recorder::Recorder;
use super::settings::Settings;
use super::sockets::{is_nothing, wait};
use super::totals::Totals;
use super::wire::Wire;
use crate::net::datagram::{Arrivals, Endpoint};

/// Most clients at a time; a datagram of one more is dropped until another is forgotten.
pub const FLOWS: usize = 256;
/// Most bytes in flight, all flows together; what comes then is dropped.
pub const IN_FLIGHT: usize = 256 * 1024 * 1024;
/// Datagrams read from one socket before the others have their turn.
const BATCH: usize = 64;
/// No datagram is longer: UDP counts its bytes in 16 bits.
const LONGEST: usize = 65_536;

/// The socket for all clients. Its buffer is enlarged before anybody can know its port.
///
/// At `0.0.0.0` or `::` it answers each client from the address which that client has written to.
pub(super) fn listen(address: SocketAddr) -> io::Result<Endpoint> {
    let socket = Endpoint::bind(address)?;
    enlarge_buffers(&socket);
    Ok(socket)
}

/// Relays datagrams until `stop` is readable.
///
/// # Errors
/// What only a broken socket says. A datagram that cannot be passed on is lost, as datagrams are.
pub(super) fn relay(
    listening: &mut Endpoint,
    settings: &Settings,
    start: Instant,
    stop: BorrowedFd<'_>,
    recorder: &Recorder,
) -> io::Result<Totals> {
    // The kernel rounds the ends of waits to 50 µs to save power; a link's delay should be exact.
    let _ = nix::sys::prctl::set_timerslack(1);
    let mut relay = DatagramRelay {
        listening,
        settings,
        profile: Arc::new(settings.profile.clone()),
        recorder,
        flows: BTreeMap::new(),
        in_flight: 0,
        totals: Totals::default(),
        buffer: vec![0; LONGEST],
    };
    let mut arrivals = Arrivals::default();
    loop {
        let next = relay.deliver(start.elapsed());
        let ready = relay.wait(stop, next.saturating_sub(start.elapsed()))?;
        if ready.stop {
            return Ok(relay.finish());
        }
        let now = start.elapsed();
        if ready.listening {
            relay.receive_from_clients(now, &mut arrivals)?;
        }
        relay.receive_from_server(now, &ready.flows);
    }
}

struct DatagramRelay<'a> {
    listening: &'a mut Endpoint,
    settings: &'a Settings,
    profile: Arc<Profile>,
    recorder: &'a Recorder,
    flows: BTreeMap<SocketAddr, Flow>,
    /// Bytes in all wires.
    in_flight: usize,
    totals: Totals,
    buffer: Vec<u8>,
}

/// A client, and the socket that stands for it towards the server.
struct Flow {
    number: u64,
    socket: UdpSocket,
    up: Wire,
    down: Wire,
    last_heard: Duration,
    refused: bool,
}

/// What has something to read.
struct Ready {
    stop: bool,
    listening: bool,
    flows: Vec<SocketAddr>,
}

impl DatagramRelay<'_> {
    /// Hands out what has arrived, forgets who is silent, and says when to look again.
    fn deliver(&mut self, now: Duration) -> Duration {
        let mut next = now + Duration::from_secs(3600);
        let mut silent = Vec::new();
        for (client, flow) in &mut self.flows {
            while let Some(datagram) = flow.up.arrive(now) {
                self.in_flight -= datagram.len();
                flow.send_to_server(&datagram);
            }
            while let Some(datagram) = flow.down.arrive(now) {
                self.in_flight -= datagram.len();
                if let Err(error) = self.listening.send(*client, datagram.len(), &datagram) {
                    tracing::debug!("to {client}: {error}");
                }
            }
            let arrival = flow.up.next_arrival().into_iter().chain(flow.down.next_arrival()).min();
            let forgotten = flow.last_heard + self.settings.idle;
            if arrival.is_none() && forgotten <= now {
                silent.push(*client);
            }
            next = next.min(arrival.unwrap_or(forgotten));
        }
        for client in silent {
            if let Some(flow) = self.flows.remove(&client) {
                self.totals.add(&flow.up.counts(), &flow.down.counts());
                tracing::debug!("flow {}: {client} is silent and forgotten", flow.number);
            }
        }
        next
    }

    fn wait(&self, stop: BorrowedFd<'_>, timeout: Duration) -> io::Result<Ready> {
        let mut descriptors = Vec::with_capacity(2 + self.flows.len());
        descriptors.push(PollFd::new(stop, PollFlags::POLLIN));
        descriptors.push(PollFd::new(self.listening.as_fd(), PollFlags::POLLIN));
        let flows = self.flows.values();
        descriptors.extend(flows.map(|flow| PollFd::new(flow.socket.as_fd(), PollFlags::POLLIN)));
        wait(&mut descriptors, Some(timeout))?;
        let mut ready = descriptors.iter().map(|descriptor| descriptor.any().unwrap_or(false));
        Ok(Ready {
            stop: ready.next().unwrap_or(false),
            listening: ready.next().unwrap_or(false),
            flows: self
                .flows
                .keys()
                .zip(ready)
                .filter(|(_, ready)| *ready)
                .map(|(client, _)| *client)
                .collect(),
        })
    }

    fn receive_from_clients(&mut self, now: Duration, arrivals: &mut Arrivals) -> io::Result<()> {
        for _ in 0..BATCH {
            match self.listening.receive(arrivals) {
                Ok(()) => {}
                Err(error) if is_nothing(&error) => break,
                Err(error) => return Err(error),
            }
            for arrival in arrivals.iter() {
                arrival.datagrams().for_each(|datagram| self.receive(now, arrival.from, datagram));
            }
            if !arrivals.is_full() {
                break;
            }
        }
        if self.recorder.is_on() {
            self.flows.values_mut().for_each(|flow| self.recorder.record(flow.up.take_events()));
        }
        Ok(())
    }

    fn receive(&mut self, now: Duration, client: SocketAddr, datagram: &[u8]) {
        if !self.flows.contains_key(&client) {
            match self.admit(client, now) {
                Ok(flow) => _ = self.flows.insert(client, flow),
                Err(error) => {
                    if self.totals.turned_away == 0 {
                        tracing::warn!("{client} is turned away: {error}");
                    }
                    self.totals.turned_away += 1;
                    return;
                }
            }
        }
        let flow = self.flows.get_mut(&client).expect("it was just admitted");
        flow.last_heard = now;
        pass(&mut flow.up, now, datagram, &mut self.in_flight);
    }

    fn receive_from_server(&mut self, now: Duration, ready: &[SocketAddr]) {
        for client in ready {
            let Some(flow) = self.flows.get_mut(client) else { continue };
            for _ in 0..BATCH {
                match flow.socket.recv(&mut self.buffer) {
                    Ok(length) => {
                        flow.last_heard = now;
                        pass(&mut flow.down, now, &self.buffer[..length], &mut self.in_flight);
                    }
                    Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => flow.note_refusal(),
                    Err(_) => break,
                }
            }
            self.recorder.record(flow.down.take_events());
        }
    }

    /// A socket and two wires for a new client.
    fn admit(&mut self, client: SocketAddr, now: Duration) -> io::Result<Flow> {
        if self.flows.len() >= FLOWS {
            return Err(io::Error::other(format!("{FLOWS} clients are there already")));
        }
        let to = self.settings.to;
        let any: SocketAddr = match to {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any)?;
        socket.connect(to)?;
        socket.set_nonblocking(true)?;
        enlarge_buffers(&socket);
        let number = self.totals.flows;
        self.totals.flows += 1;
        let wire = |direction| {
            let wire = Wire::new(Arc::clone(&self.profile), self.settings.seed, number, direction)
                .labelled(self.settings.label);
            if self.recorder.is_on() { wire.recorded() } else { wire }
        };
        tracing::debug!(
            "flow {number}: {client}, seen by the server as port {}",
            socket.local_addr()?.port()
        );
        let [up, down] = Direction::BOTH.map(wire);
        Ok(Flow { number, socket, up, down, last_heard: now, refused: false })
    }

    fn finish(mut self) -> Totals {
        for flow in self.flows.values() {
            self.totals.add(&flow.up.counts(), &flow.down.counts());
        }
        self.totals
    }
}

impl Flow {
    fn send_to_server(&mut self, datagram: &[u8]) {
        let mut sent = self.socket.send(datagram);
        // An earlier datagram found nobody, and this call only reports it: the datagram itself has not been sent.
        if sent.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
            self.note_refusal();
            sent = self.socket.send(datagram);
        }
        if let Err(error) = sent {
            tracing::debug!("flow {}, to the server: {error}", self.number);
        }
    }

    fn note_refusal(&mut self) {
        if !self.refused {
            self.refused = true;
            tracing::warn!("flow {}: no server there (ICMP port unreachable)", self.number);
        }
    }
}

fn pass(wire: &mut Wire, now: Duration, datagram: &[u8], in_flight: &mut usize) {
    if *in_flight + 2 * datagram.len() > IN_FLIGHT {
        return wire.turn_away(now, datagram);
    }
    let before = wire.bytes_in_flight();
    wire.send(now, datagram.to_vec());
    *in_flight += wire.bytes_in_flight() - before;
}

/// As large as the kernel allows (`net.core.rmem_max`): what a burst overflows here is lost outside the seed's hands.
fn enlarge_buffers(socket: &impl AsFd) {
    let socket = SockRef::from(socket);
    let _ = socket.set_recv_buffer_size(8 * 1024 * 1024);
    let _ = socket.set_send_buffer_size(8 * 1024 * 1024);
}
