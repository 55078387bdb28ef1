//! Sessions over UDP: a server that answers every request with one byte, and a client that sends request after request.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use anyhow::bail;
use bytes::Bytes;
use ch2_sockets::session::{Batch, Client, ClientMachine, Config, Limits, Server, Statistics};
use common::net::datagram::{Arrivals, Endpoint, wait};
use common::netem::{Fates, Profile};
use common::support::child_server::ChildServer;
use nix::poll::PollFlags;

use super::meter::{MESSAGE, Meter};

/// What each side asks of the kernel for its socket; the kernel may have a lower limit.
const BUFFER: usize = 4 << 20;

/// Serves until it is killed, and loses that fraction of what comes in: before the protocol sees it, and with the fates of
/// the link. A relay would lose them, too, but is much slower than what is measured.
///
/// # Errors
/// What the system refuses.
pub fn serve(loss: f64, seed: u64) -> anyhow::Result<()> {
    let endpoint = Endpoint::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    println!("LISTENING {}", endpoint.address()?);
    let losses = (loss > 0.0).then(|| Losses::new(loss, seed));
    serve_on(endpoint, losses)
}

/// The same on a socket that is there already.
///
/// # Errors
/// What the system refuses.
pub fn serve_on(mut endpoint: Endpoint, mut losses: Option<Losses>) -> anyhow::Result<()> {
    let config = Config { receive_window: receive_window(&endpoint)?, ..Config::default() };
    let mut server = Server::new(Limits::default(), config, rand::random());
    let (mut arrivals, mut batch) = (Arrivals::default(), Batch::default());
    let began = Instant::now();
    loop {
        while receive(&mut endpoint, &mut arrivals)? {
            for arrival in arrivals.iter() {
                match &mut losses {
                    None => {
                        server.handle_datagram(began.elapsed(), arrival.from, arrival.segment, arrival.bytes);
                    }
                    Some(losses) => losses.apply(arrival.segment, arrival.bytes, |run| {
                        server.handle_datagram(began.elapsed(), arrival.from, arrival.segment, run);
                    }),
                }
            }
            while let Some(delivered) = server.poll_request() {
                server.respond(began.elapsed(), delivered.exchange, b"0".as_slice());
                server.recycle(delivered.request);
            }
            while server.poll_transmit(began.elapsed(), &mut batch) {
                endpoint.send(batch.to, batch.segment, &batch.bytes)?;
            }
        }
        let due = server.deadline().map(|due| due.saturating_sub(began.elapsed()));
        wait(&endpoint.as_fd(), PollFlags::POLLIN, None, due)?;
        server.handle_timeout(began.elapsed());
        while server.poll_transmit(began.elapsed(), &mut batch) {
            endpoint.send(batch.to, batch.segment, &batch.bytes)?;
        }
    }
}

/// Which datagrams are lost: the link's fates, asked beforehand, because the asking would cost as much as a datagram does.
pub struct Losses {
    lost: Vec<bool>,
    next: usize,
}

impl Losses {
    /// A million fates, then the same again.
    fn new(loss: f64, seed: u64) -> Losses {
        let fates = Fates::new(Profile { loss, ..Profile::default() }, seed, 0);
        Losses { lost: fates.take(1 << 20).map(|fate| fate.is_lost()).collect(), next: 0 }
    }

    /// Hands on what is not lost, in runs of datagrams that came together.
    fn apply(&mut self, segment: usize, bytes: &[u8], mut hand_on: impl FnMut(&[u8])) {
        let mut start = 0;
        for (index, datagram) in bytes.chunks(segment).enumerate() {
            self.next = (self.next + 1) % self.lost.len();
            if self.lost[self.next] {
                let here = index * segment;
                if start < here {
                    hand_on(&bytes[start..here]);
                }
                start = here + datagram.len();
            }
        }
        if start < bytes.len() {
            hand_on(&bytes[start..]);
        }
    }
}

/// Sends message after message for so long, and tells how many bytes per second were answered for.
///
/// # Errors
/// The server does not answer.
pub fn send(server: &mut ChildServer, time: Duration) -> anyhow::Result<f64> {
    let mut driver = Driver::connect(server.address, Config::default())?;
    let (message, mut meter) = (Bytes::from(vec![b'x'; MESSAGE]), Meter::new(time));
    while meter.goes_on() {
        driver.client.request(driver.began.elapsed(), message.clone());
        driver.run_until(None)?;
        meter.delivered(MESSAGE);
    }
    Ok(meter.per_s())
}

/// Sends one message that never ends for so long: bytes acknowledged per second, and what it cost.
///
/// # Errors
/// The server does not answer.
pub fn send_slowly(target: SocketAddr, config: Config, time: Duration) -> anyhow::Result<(f64, Statistics)> {
    let mut driver = Driver::connect(target, config)?;
    driver.client.request(Duration::ZERO, vec![b'x'; 200 << 20].into());
    driver.run_until(Some(time))?;
    let bytes = driver.client.progress().sent;
    Ok((bytes as f64 / driver.began.elapsed().as_secs_f64(), driver.client.statistics()))
}

/// A client and its socket.
struct Driver {
    endpoint: Endpoint,
    client: Client,
    server: SocketAddr,
    arrivals: Arrivals,
    batch: Batch,
    began: Instant,
}

impl Driver {
    fn connect(server: SocketAddr, config: Config) -> anyhow::Result<Driver> {
        let endpoint = Endpoint::connect(server)?;
        let config = Config { receive_window: receive_window(&endpoint)?, ..config };
        Ok(Driver {
            endpoint,
            client: Client::new(config, server),
            server,
            arrivals: Arrivals::default(),
            batch: Batch::default(),
            began: Instant::now(),
        })
    }

    /// Until the answer is there, or the time has come.
    fn run_until(&mut self, deadline: Option<Duration>) -> anyhow::Result<()> {
        loop {
            while receive(&mut self.endpoint, &mut self.arrivals)? {
                let now = self.began.elapsed();
                for arrival in self.arrivals.iter() {
                    self.client.handle_datagram(now, arrival.from, arrival.segment, arrival.bytes);
                }
                self.transmit()?;
            }
            if let Some(response) = self.client.poll_response() {
                response?;
                return Ok(());
            }
            self.client.handle_timeout(self.began.elapsed());
            self.transmit()?;
            let now = self.began.elapsed();
            if deadline.is_some_and(|deadline| now >= deadline) {
                return Ok(());
            }
            let due = self.client.deadline().into_iter().chain(deadline).min();
            let Some(due) = due else { bail!("{} waits for nothing", self.server) };
            wait(&self.endpoint.as_fd(), PollFlags::POLLIN, None, Some(due.saturating_sub(now)))?;
        }
    }

    fn transmit(&mut self) -> anyhow::Result<()> {
        while self.client.poll_transmit(self.began.elapsed(), &mut self.batch) {
            self.endpoint.send(self.batch.to, self.batch.segment, &self.batch.bytes)?;
        }
        Ok(())
    }
}

fn receive(endpoint: &mut Endpoint, arrivals: &mut Arrivals) -> anyhow::Result<bool> {
    match endpoint.receive(arrivals) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn receive_window(endpoint: &Endpoint) -> anyhow::Result<usize> {
    Ok(endpoint.resize_buffers(BUFFER)?.receive / 2)
}
