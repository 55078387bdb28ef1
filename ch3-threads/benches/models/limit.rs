//! The limit: the least that a correct server can do, so that every model can be told how far it is from it.
//!
//! ```text
//!   echo     epoll_wait ──► for each that is ready: read, write back          2 calls per request, 1 per turn
//!   answer   accept ──► read ──► write ──► close                              4 calls per connection
//!   stall    as echo, but for 100 ms in every second it does nothing          for the open loop to find
//! ```
//!
//! What is left out, and may be left out only here: limits, errors that are told from one another, a stop that finishes
//! what was begun, and clients that do not read (`write_all` blocks everybody for them).

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use socket2::{Domain, Socket, Type};

/// Which minimal server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Every byte back.
    Echo,
    /// A connection per request: as many bytes as the number sent says.
    Answer,
    /// [`Kind::Echo`], with a stall of [`STALL`] after every second.
    Stall,
}

/// How long the stalling server does nothing.
pub const STALL: Duration = Duration::from_millis(100);
/// How long it works between two stalls.
const BETWEEN_STALLS: Duration = Duration::from_secs(1);
const BACKLOG: i32 = 4096;

/// Listens, says where, and serves until it is killed.
///
/// # Errors
/// What the system refuses.
pub fn run(kind: Kind) -> anyhow::Result<()> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_tcp_nodelay(true)?; // connections inherit it
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.listen(BACKLOG)?;
    let listener = TcpListener::from(socket);
    println!("LISTENING {}", listener.local_addr()?);
    match kind {
        Kind::Echo => echo(&listener, None),
        Kind::Stall => echo(&listener, Some(Instant::now())),
        Kind::Answer => answer(&listener),
    }
}

fn echo(listener: &TcpListener, mut last_stall: Option<Instant>) -> anyhow::Result<()> {
    listener.set_nonblocking(true)?;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    let door = listener.as_raw_fd() as u64;
    epoll.add(listener, EpollEvent::new(EpollFlags::EPOLLIN, door))?;
    let mut connections: Vec<Option<TcpStream>> = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut events = [EpollEvent::empty(); 512];
    loop {
        let ready = epoll.wait(&mut events, EpollTimeout::NONE)?;
        for event in &events[..ready] {
            if event.data() == door {
                accept_all(listener, &epoll, &mut connections)?;
                continue;
            }
            let place = &mut connections[event.data() as usize];
            let Some(stream) = place else { continue };
            let alive = match stream.read(&mut buffer) {
                Ok(count) => count > 0 && stream.write_all(&buffer[..count]).is_ok(),
                Err(_) => false,
            };
            if !alive {
                *place = None;
            }
        }
        if last_stall.is_some_and(|last| last.elapsed() >= BETWEEN_STALLS) {
            sleep(STALL);
            last_stall = Some(Instant::now());
        }
    }
}

fn accept_all(
    listener: &TcpListener,
    epoll: &Epoll,
    connections: &mut Vec<Option<TcpStream>>,
) -> anyhow::Result<()> {
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                let place = stream.as_raw_fd() as usize;
                epoll.add(&stream, EpollEvent::new(EpollFlags::EPOLLIN, place as u64))?;
                if connections.len() <= place {
                    connections.resize_with(place + 1, || None);
                }
                connections[place] = Some(stream);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

fn answer(listener: &TcpListener) -> anyhow::Result<()> {
    let bytes = vec![b'*'; 64 * 1024];
    let mut ask = [0; 32];
    loop {
        let (mut stream, _) = listener.accept()?;
        // The generator asks at once and in one segment. Whatever else comes is closed.
        let Ok(count) = stream.read(&mut ask) else { continue };
        let number =
            std::str::from_utf8(&ask[..count]).ok().and_then(|text| text.trim().parse::<usize>().ok());
        if let Some(bytes) = number.and_then(|number| bytes.get(..number)) {
            let _ = stream.write_all(bytes);
        }
    }
}
