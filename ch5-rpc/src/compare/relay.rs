//! Counts what goes over the wire: a relay between client and server, which passes everything on as it is. Bytes are those that the
//! programs send, without the heads of TCP, UDP and IP.
//!
//! ```text
//!   client ──► relay ──► server       a byte is counted before it is passed on: when the answer is here, all of the call is counted
//! ```
//!
//! It can keep the bytes as well: the load generator sends the request of a client again, and need not know the wire.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde::Serialize;
use socket2::SockRef;

use super::client::Client;
use super::contestant::{Contestant, Wanted};
use super::load::{Load, TEXT};
use super::run::runtime;
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
        let relay = Relay::start(server.address, contestant == Contestant::RawUdp, false)?;
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

/// What a client sends for a publish, as it goes over the wire.
#[derive(Debug)]
pub struct Recorded {
    /// What it sends when it has connected, and is answered before the call.
    pub greeting: Vec<u8>,
    /// The call.
    pub request: Vec<u8>,
}

impl Recorded {
    /// Of this contestant's client, at its server, which has one message more then.
    pub fn of(contestant: Contestant, server: SocketAddr) -> anyhow::Result<Recorded> {
        let relay = Relay::start(server, contestant == Contestant::RawUdp, true)?;
        runtime()?.block_on(async {
            let client = Client::connect(contestant, relay.address).await?;
            let [greeting, _] = relay.take();
            client.publish(&TEXT).await?;
            let [request, _] = relay.take();
            Ok(Recorded { greeting, request })
        })
    }
}

/// What has gone through.
#[derive(Default)]
struct Seen {
    /// Bytes to the server, bytes to the client, connections.
    counts: [AtomicU64; 3],
    /// The bytes, where they are kept.
    kept: Option<[Mutex<Vec<u8>>; 2]>,
}

impl Seen {
    /// These bytes are about to be passed on.
    fn note(&self, direction: usize, bytes: &[u8]) {
        if let Some(kept) = &self.kept {
            kept[direction].lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        }
        self.counts[direction].fetch_add(bytes.len() as u64, Ordering::SeqCst);
    }
}

/// A relay; its threads end with it, or with the connections they serve.
struct Relay {
    address: SocketAddr,
    seen: Arc<Seen>,
    listener: Option<TcpListener>,
}

impl Relay {
    fn start(server: SocketAddr, is_datagram: bool, keeps: bool) -> anyhow::Result<Relay> {
        let seen = Arc::new(Seen { kept: keeps.then(Default::default), ..Seen::default() });
        let seeing = Arc::clone(&seen);
        let any = (Ipv4Addr::LOCALHOST, 0);
        if is_datagram {
            let socket = UdpSocket::bind(any)?;
            socket.set_read_timeout(Some(TIMEOUT))?;
            let address = socket.local_addr()?;
            thread::spawn(move || drop(pass_datagrams(&socket, server, &seeing)));
            return Ok(Relay { address, seen, listener: None });
        }
        let listener = TcpListener::bind(any)?;
        let (address, accepting) = (listener.local_addr()?, listener.try_clone()?);
        thread::spawn(move || {
            for client in accepting.incoming() {
                let Ok(client) = client else { return };
                seeing.counts[2].fetch_add(1, Ordering::SeqCst);
                if pass_connection(client, server, &seeing).is_err() {
                    return;
                }
            }
        });
        Ok(Relay { address, seen, listener: Some(listener) })
    }

    /// What has been kept since the last time: to the server, and to the client.
    fn take(&self) -> [Vec<u8>; 2] {
        let take =
            |kept: &Mutex<Vec<u8>>| std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner));
        self.seen.kept.as_ref().map(|kept| kept.each_ref().map(take)).unwrap_or_default()
    }

    fn read(&self) -> [u64; 3] {
        [0, 1, 2].map(|index| self.seen.counts[index].load(Ordering::SeqCst))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if let Some(listener) = &self.listener {
            let _ = SockRef::from(listener).shutdown(Shutdown::Both); // wakes the accept
        }
    }
}

fn pass_connection(client: TcpStream, server: SocketAddr, seen: &Arc<Seen>) -> std::io::Result<()> {
    let server = TcpStream::connect(server)?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
    }
    let back = (server.try_clone()?, client.try_clone()?);
    for (index, (from, to)) in [(client, server), back].into_iter().enumerate() {
        let seen = Arc::clone(seen);
        thread::spawn(move || drop(pass(from, to, &seen, index)));
    }
    Ok(())
}

/// Passes on until the end, and then the end.
fn pass(mut from: TcpStream, mut to: TcpStream, seen: &Seen, direction: usize) -> std::io::Result<()> {
    let mut piece = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut piece)?;
        if length == 0 {
            return to.shutdown(Shutdown::Write);
        }
        seen.note(direction, &piece[..length]);
        to.write_all(&piece[..length])?;
    }
}

/// Of one client. It ends when nothing has come for a while.
fn pass_datagrams(socket: &UdpSocket, server: SocketAddr, seen: &Seen) -> std::io::Result<()> {
    let (mut client, mut datagram) = (server, vec![0; 65_536]);
    loop {
        let (length, from) = socket.recv_from(&mut datagram)?;
        let to = if from == server { client } else { server };
        if from != server {
            client = from;
        }
        seen.note(usize::from(from == server), &datagram[..length]);
        socket.send_to(&datagram[..length], to)?;
    }
}
