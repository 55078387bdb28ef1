//! `least-server`: the least that the generator can talk to. It answers every method with its `-ok`, copies each body to all consumers of
//! the server, confirms what it has read, and with a file writes it there first, with one fdatasync for all that came together.
//!
//! It has no exchange, no queue and no acknowledgement: no broker can be faster, so what the generator reaches with it is the ceiling of
//! both.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use common::support::cli::stdout;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use crate::client::frame::{self, Arguments, BODY, FRAME_MAX, HEADER, METHOD};
use crate::client::link::Link;
use crate::client::method::Method;

/// The file is written with zeros before, and written over from its start when it is full.
const FILE: usize = 16 << 20;
const LISTENER: u64 = u64::MAX;

/// The arguments of `least-server`.
#[derive(Debug, Args)]
#[command(after_help = "Example: what the comparison starts for its ceiling, until it is killed:
  cargo ch6 least-server --data /tmp/least.log")]
pub struct LeastServerArgs {
    /// Write bodies to this file before they are confirmed
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
}

/// A connection.
struct Client {
    link: Link,
    /// It has sent the protocol header.
    is_greeted: bool,
    consumes: bool,
    confirms: bool,
    published: u64,
    wants_to_write: bool,
}

/// The server.
struct Least {
    epoll: Epoll,
    clients: Vec<Option<Client>>,
    file: Option<(File, usize)>,
    delivered: u64,
}

/// Serves until it is killed.
///
/// # Errors
/// It cannot listen, or the disk is full.
pub fn run(args: &LeastServerArgs) -> anyhow::Result<ExitCode> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot listen")?;
    listener.set_nonblocking(true)?;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    epoll.add(&listener, EpollEvent::new(EpollFlags::EPOLLIN, LISTENER))?;
    let mut least = Least { epoll, clients: Vec::new(), file: None, delivered: 0 };
    if let Some(path) = &args.data {
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(path)?;
        file.write_all(&vec![0; FILE])?;
        file.sync_all()?;
        least.file = Some((file, 0));
    }
    writeln!(stdout(), "LISTENING {}", listener.local_addr()?)?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        let mut events = [EpollEvent::empty(); 128];
        let count = match least.epoll.wait(&mut events, EpollTimeout::NONE) {
            Err(Errno::EINTR) => 0,
            count => count?,
        };
        for event in &events[..count] {
            if event.data() == LISTENER {
                least.accept(&listener)?;
                continue;
            }
            let index = usize::try_from(event.data())?;
            if least.serve(index, event.events(), &mut buffer).is_err() {
                least.clients[index] = None; // it has gone, or speaks something else
            }
        }
    }
}

impl Least {
    fn accept(&mut self, listener: &TcpListener) -> anyhow::Result<()> {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let link = Link::new(stream, Vec::new())?;
        let index = self.clients.iter().position(Option::is_none).unwrap_or(self.clients.len());
        self.epoll.add(&link, EpollEvent::new(EpollFlags::EPOLLIN, index as u64))?;
        let client = Client {
            link,
            is_greeted: false,
            consumes: false,
            confirms: false,
            published: 0,
            wants_to_write: false,
        };
        if index == self.clients.len() {
            self.clients.push(None);
        }
        self.clients[index] = Some(client);
        Ok(())
    }

    fn serve(&mut self, index: usize, events: EpollFlags, buffer: &mut [u8]) -> anyhow::Result<()> {
        if events.contains(EpollFlags::EPOLLOUT) {
            self.flush(index)?;
        }
        if !events.intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR) {
            return Ok(());
        }
        let Some(client) = &mut self.clients[index] else { return Ok(()) };
        let (mut deliveries, mut records, mut answers) = (Vec::new(), Vec::new(), Vec::new());
        let (is_durable, delivered) = (self.file.is_some(), &mut self.delivered);
        let before = client.published;
        let Client { link, is_greeted, consumes, confirms, published, .. } = client;
        link.read(buffer, |bytes| {
            let mut used = 0;
            if !*is_greeted {
                if bytes.len() < 8 {
                    return Ok(0);
                }
                (*is_greeted, used) = (true, 8);
                let start = Method::new(10, 10).octet(0).octet(9).table(&[]);
                answers.extend(start.long_text(b"PLAIN").long_text(b"en_US").frame(0));
            }
            while let Some((frame, length)) = frame::next(&bytes[used..])? {
                used += length;
                if frame.kind == BODY {
                    *published += 1;
                    *delivered += 1;
                    deliver(*delivered, frame.payload, &mut deliveries);
                    if is_durable {
                        records.extend_from_slice(frame.payload);
                    }
                } else if frame.kind == METHOD {
                    let mut arguments = Arguments(frame.payload);
                    match (arguments.short()?, arguments.short()?) {
                        (60, 40 | 80) => {}
                        (60, 20) => *consumes = true,
                        (85, 10) => *confirms = true,
                        _ => {}
                    }
                    if let Some(answer) = answer(frame.payload)? {
                        answers.extend(answer.frame(frame.channel));
                    }
                }
            }
            Ok(used)
        })?;
        if let (Some((file, at)), false) = (&mut self.file, records.is_empty()) {
            if *at + records.len() > FILE {
                *at = 0;
            }
            file.seek(SeekFrom::Start(*at as u64))?;
            file.write_all(&records)?;
            file.sync_data()?;
            *at += records.len();
        }
        if *confirms && *published > before {
            answers.extend(Method::new(60, 80).long_long(*published).octet(1).frame(1));
        }
        link.out().extend_from_slice(&answers);
        self.flush(index)?;
        if !deliveries.is_empty() {
            self.relay(&deliveries);
        }
        Ok(())
    }

    fn relay(&mut self, deliveries: &[u8]) {
        for index in 0..self.clients.len() {
            if let Some(client) = self.clients[index].as_mut().filter(|client| client.consumes) {
                client.link.out().extend_from_slice(deliveries);
                if self.flush(index).is_err() {
                    self.clients[index] = None;
                }
            }
        }
    }

    fn flush(&mut self, index: usize) -> anyhow::Result<()> {
        let Some(client) = &mut self.clients[index] else { return Ok(()) };
        client.link.flush()?;
        let wants_to_write = client.link.waiting() > 0;
        if wants_to_write != client.wants_to_write {
            client.wants_to_write = wants_to_write;
            let room = if wants_to_write { EpollFlags::EPOLLOUT } else { EpollFlags::empty() };
            let mut event = EpollEvent::new(EpollFlags::EPOLLIN | room, index as u64);
            self.epoll.modify(&client.link, &mut event)?;
        }
        Ok(())
    }
}

/// A delivery of a body in one frame.
fn deliver(tag: u64, body: &[u8], out: &mut Vec<u8>) {
    // Consumer tag "c", redelivered, no exchange, no key.
    let mut method = [0, 60, 0, 60, 1, b'c', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    method[6..14].copy_from_slice(&tag.to_be_bytes());
    frame::write(METHOD, 1, &method, out);
    let mut header = [0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    header[4..12].copy_from_slice(&(body.len() as u64).to_be_bytes());
    frame::write(HEADER, 1, &header, out);
    frame::write(BODY, 1, body, out);
}

/// What answers a method, if anything does.
fn answer(method: &[u8]) -> anyhow::Result<Option<Method>> {
    let mut arguments = Arguments(method);
    let ids = (arguments.short()?, arguments.short()?);
    Ok(Some(match ids {
        (10, 11) => Method::new(10, 30).short(1).long(FRAME_MAX).short(0),
        (10, 40) => Method::new(10, 41).text(""),
        (20, 10) => Method::new(20, 11).long_text(b""),
        (50, 10) => Method::new(50, 11).text("").long(0).long(0),
        (50, 40) => Method::new(50, 41).long(0),
        (60, 20) => Method::new(60, 21).text("c"),
        (10, 50) => Method::new(10, 51),
        (20, 40) | (40, 10) | (50, 20) | (60, 10) | (85, 10) => Method::new(ids.0, ids.1 + 1),
        _ => return Ok(None),
    }))
}
