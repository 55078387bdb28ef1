//! `group member`: one member over IP multicast. Each line of the input is cast; what the group delivers is printed.

use std::io::{self, BufRead, ErrorKind, Write};
use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::time::{Duration, Instant};

use anyhow::Context;
use common::net::multicast::Group;
use common::netem::{Fates, Profile};
use common::support::cli::stdout;
use common::support::{interrupt, terminal};
use socket2::{Domain, Protocol, Socket, Type};

use super::args::MemberArgs;
use crate::group::stack::{Event, Settings, Stack};
use crate::group::{MemberId, Time};

/// The longest line that is cast, bytes; what is longer is cut.
const LONGEST: usize = 1000;

/// A line waits for this long at most before it is looked for.
const TURN: Duration = Duration::from_millis(20);

/// When the input has ended, the member stays for so long: what it cast last is delivered, and others may still need it.
const LINGER: Duration = Duration::from_millis(1500);

/// Joins the group and takes part in it until the end.
pub fn run(args: &MemberArgs) -> anyhow::Result<ExitCode> {
    let interrupted = interrupt::flag()?;
    let group = args.group.group()?;
    let open = || format!("cannot join {} on {}", group.address, group.interface());
    let (receiver, sender) = sockets(&group).with_context(open)?;
    let lines = read_lines();
    let (order, policy, suspect_after) = (args.order, args.policy, args.suspect);
    let settings = Settings { order, policy, suspect_after, can_found: true };
    let mut member = Member {
        receiver,
        sender,
        group: group.address,
        fates: Fates::new(Profile { loss: args.loss, ..Profile::default() }, rand::random(), 0),
        stack: Stack::new(MemberId(args.number), settings),
    };
    let mut out = stdout().lock();
    writeln!(out, "LISTENING {}", group.address)?;
    out.flush()?;
    let began = Instant::now();
    let mut lives = 0;
    let mut ends_at = args.time;
    loop {
        if interrupted.load(Ordering::Relaxed) {
            return Ok(ExitCode::from(130));
        }
        if ends_at.is_some_and(|end| began.elapsed() >= end) {
            return Ok(ExitCode::SUCCESS);
        }
        match lines.try_recv() {
            Ok(line) => member.cast(&line, began.elapsed(), &mut out)?,
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => {
                ends_at.get_or_insert(began.elapsed() + LINGER);
            }
        }
        member.receive(began)?;
        member.stack.handle_timeout(began.elapsed());
        if !member.act(&mut out)? {
            // What it knew of the group is void. It waits for the group; it does not found another one.
            lives += 1;
            let name = MemberId(args.number + lives * 100);
            member.stack = Stack::new(name, Settings { can_found: false, ..settings });
            writeln!(out, "excluded; comes back as {name}")?;
            out.flush()?;
        }
    }
}

struct Member {
    receiver: UdpSocket,
    sender: UdpSocket,
    group: SocketAddr,
    fates: Fates,
    stack: Stack,
}

impl Member {
    fn cast(&mut self, line: &str, now: Time, out: &mut impl Write) -> io::Result<()> {
        let line = line.as_bytes();
        if let Err(error) = self.stack.cast(line[..line.len().min(LONGEST)].to_vec(), now) {
            writeln!(out, "not sent: {error}")?;
        }
        Ok(())
    }

    /// Takes one datagram, if one comes within a turn.
    fn receive(&mut self, began: Instant) -> io::Result<()> {
        let mut buffer = [0; 65_536];
        match self.receiver.recv(&mut buffer) {
            Ok(length) => {
                if self.fates.next().is_none_or(|fate| !fate.is_lost()) {
                    self.stack.handle_datagram(buffer[..length].to_vec(), began.elapsed());
                }
                Ok(())
            }
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                ) =>
            {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Sends what is to be sent, and prints what is delivered; `false` when this member is out.
    fn act(&mut self, out: &mut impl Write) -> io::Result<bool> {
        while let Some(datagram) = self.stack.poll_transmit() {
            // A network that is away loses it; it is sent again.
            let _ = self.sender.send_to(&datagram, self.group);
        }
        while let Some(event) = self.stack.poll_event() {
            match event {
                Event::Deliver { from, bytes } => writeln!(out, "{from}: {}", terminal::text(&bytes))?,
                Event::View(view) => {
                    let members: Vec<String> = view.members.iter().map(MemberId::to_string).collect();
                    let side = if view.is_primary { "" } else { ", not primary" };
                    writeln!(out, "view {}: {}{side}", view.id.number, members.join(" "))?;
                }
                Event::Excluded => return Ok(false),
            }
        }
        out.flush()?;
        Ok(true)
    }
}

/// One socket that has joined, and one to send with: bound to the group's address a socket cannot send.
fn sockets(group: &Group) -> io::Result<(UdpSocket, UdpSocket)> {
    let new = || Socket::new(Domain::for_address(group.address), Type::DGRAM, Some(Protocol::UDP));
    let (receiver, sender) = (new()?, new()?);
    receiver.set_reuse_address(true)?;
    receiver.bind(&group.address.into())?;
    group.join(&receiver)?;
    receiver.set_read_timeout(Some(TURN))?;
    group.prepare_sender(&sender, 1, true)?;
    Ok((receiver.into(), sender.into()))
}

fn read_lines() -> Receiver<String> {
    let (sender, receiver) = mpsc::sync_channel(64);
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
