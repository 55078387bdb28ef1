//! Counts what goes over the wire: a relay between client and server, which passes everything on as it is. Bytes are those that the
//! programs send, without the heads of TCP, UDP and IP.
//!
//! ```text
//!   client ──► relay ──► server       a byte is counted before it is passed on: when the answer is here, all of the call is counted
//! ```

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use serde::Serialize;
use socket2::SockRef;

use super::client::Client;
use super::contestant::{Contestant, Wanted};
use super::load::Load;
use super::measure::runtime;
use super::wire::TIMEOUT;

/// Operations that are counted; of a large one, one.
const OPERATIONS: u64 = 10;

/// Bytes of one operation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Counted {
    /// Of whom.
    pub contestant: Contestant,
    /// Of what.
    pub load: Load,
    /// From the client to the server.
    pub to_server: f64,
    /// From the server to the client.
    pub to_client: f64,
    /// Connections; 0 where it keeps one.
    pub connections: f64,
}

impl Counted {
    /// Bytes in both directions.
    pub fn both(&self) -> f64 {
        self.to_server + self.to_client
    }

    /// Counts each of these loads, on one server. The greeting of a connection that is kept does not belong to a call.
    pub fn of(contestant: Contestant, mut loads: Vec<Load>, wanted: &Wanted) -> anyhow::Result<Vec<Counted>> {
        let server = contestant.start(wanted)?;
        let relay = Relay::start(server.address, contestant == Contestant::RawUdp)?;
        // The ids of many messages are longer: what publishes many comes last.
        loads.sort_by_key(|load| load.publishes() > 1);
        loads.into_iter().map(|load| Counted::one(contestant, load, &relay)).collect()
    }

    fn one(contestant: Contestant, load: Load, relay: &Relay) -> anyhow::Result<Counted> {
        let text = load.text();
        let operations = if load.publishes() == 1 && load.payload() > 10_000 { 1 } else { OPERATIONS };
        let [before, after] = runtime()?.block_on(async {
            let client = Client::connect(contestant, relay.address).await?;
            for _ in 0..load.before() {
                client.publish(&text).await?;
            }
            client.run(load, &text).await?;
            let before = relay.read();
            for _ in 0..operations {
                client.run(load, &text).await?;
            }
            anyhow::Ok([before, relay.read()])
        })?;
        let each = |index: usize| (after[index] - before[index]) as f64 / operations as f64;
        Ok(Counted { contestant, load, to_server: each(0), to_client: each(1), connections: each(2) })
    }
}

/// Bytes to the server, bytes to the client, connections.
type Counts = Arc<[AtomicU64; 3]>;

/// A relay; its threads end with it, or with the connections they serve.
struct Relay {
    address: SocketAddr,
    counts: Counts,
    listener: Option<TcpListener>,
}

impl Relay {
    fn start(server: SocketAddr, is_datagram: bool) -> anyhow::Result<Relay> {
        let counts = Counts::default();
        let counting = Arc::clone(&counts);
        let any = (Ipv4Addr::LOCALHOST, 0);
        if is_datagram {
            let socket = UdpSocket::bind(any)?;
            socket.set_read_timeout(Some(TIMEOUT))?;
            let address = socket.local_addr()?;
            thread::spawn(move || drop(pass_datagrams(&socket, server, &counting)));
            return Ok(Relay { address, counts, listener: None });
        }
        let listener = TcpListener::bind(any)?;
        let (address, accepting) = (listener.local_addr()?, listener.try_clone()?);
        thread::spawn(move || {
            for client in accepting.incoming() {
                let Ok(client) = client else { return };
                counting[2].fetch_add(1, Ordering::SeqCst);
                if pass_connection(client, server, &counting).is_err() {
                    return;
                }
            }
        });
        Ok(Relay { address, counts, listener: Some(listener) })
    }

    fn read(&self) -> [u64; 3] {
        [0, 1, 2].map(|index| self.counts[index].load(Ordering::SeqCst))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if let Some(listener) = &self.listener {
            let _ = SockRef::from(listener).shutdown(Shutdown::Both); // wakes the accept
        }
    }
}

fn pass_connection(client: TcpStream, server: SocketAddr, counts: &Counts) -> std::io::Result<()> {
    let server = TcpStream::connect(server)?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
    }
    let back = (server.try_clone()?, client.try_clone()?);
    for (index, (from, to)) in [(client, server), back].into_iter().enumerate() {
        let counts = Arc::clone(counts);
        thread::spawn(move || drop(pass(from, to, &counts[index])));
    }
    Ok(())
}

/// Passes on until the end, and then the end.
fn pass(mut from: TcpStream, mut to: TcpStream, count: &AtomicU64) -> std::io::Result<()> {
    let mut piece = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut piece)?;
        if length == 0 {
            return to.shutdown(Shutdown::Write);
        }
        count.fetch_add(length as u64, Ordering::SeqCst);
        to.write_all(&piece[..length])?;
    }
}

/// Of one client. It ends when nothing has come for a while.
fn pass_datagrams(socket: &UdpSocket, server: SocketAddr, counts: &Counts) -> std::io::Result<()> {
    let (mut client, mut datagram) = (server, vec![0; 65_536]);
    loop {
        let (length, from) = socket.recv_from(&mut datagram)?;
        let to = if from == server { client } else { server };
        if from != server {
            client = from;
        }
        counts[usize::from(from == server)].fetch_add(length as u64, Ordering::SeqCst);
        socket.send_to(&datagram[..length], to)?;
    }
}
