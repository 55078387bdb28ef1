//! Datagrams by name: `--unix`. They are neither lost nor overtaken, and a sender waits while the receiver's queue is full; the kernel
//! says which process has sent one (`SO_PASSCRED`, unix(7)).

use std::io::{IoSliceMut, Write};
use std::os::fd::AsRawFd;
use std::process::ExitCode;

use common::core::stop::Stop;
use common::support::count::count;
use common::support::{cli, terminal};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};
use socket2::Type;

use super::receive::DatagramReceiveArgs;
use super::send::DatagramSendArgs;
use crate::kernel::unix::{self, Bound, Endpoint, UnixName, table, unreachable};
use crate::kernel::wait::{self, Wait, ended};

pub(super) fn send(args: &DatagramSendArgs, to: &UnixName) -> anyhow::Result<ExitCode> {
    let mut out = cli::stdout().lock();
    let bound;
    let unbound;
    let socket = match &args.bind {
        Some(Endpoint::Internet(_)) => {
            return Ok(cli::wrong("with --unix, --bind takes a path or @NAME"));
        }
        Some(Endpoint::Unix(name)) => {
            bound = Bound::new(Type::DGRAM, name)?;
            writeln!(out, "Socket is bound to {name}")?;
            &bound.socket
        }
        None => {
            unbound = unix::socket(Type::DGRAM)?;
            writeln!(out, "Socket is not bound: it has no name, and nobody can answer it")?;
            &unbound
        }
    };
    let sent = socket
        .send_to(args.message.as_bytes(), &to.address()?)
        .map_err(|error| anyhow::anyhow!(unreachable(&error, to)))?;
    writeln!(out, "Sent message to {to}")?;
    writeln!(out, "Payload length {}: [{}]", count(sent, "byte"), args.message)?;
    write!(out, "{}", table::text(table::row_of(socket)?.as_ref()))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn receive(args: &DatagramReceiveArgs, name: &UnixName) -> anyhow::Result<ExitCode> {
    let stop = Stop::install()?;
    let mut out = cli::stdout().lock();
    let Bound { socket, .. } = &Bound::new(Type::DGRAM, name)?;
    setsockopt(socket, sockopt::PassCred, &true)?;
    writeln!(out, "LISTENING {name}")?;
    writeln!(out, "Waiting for message ...")?;
    let mut buffer = vec![0; args.buffer as usize];
    let mut received = 0;
    while args.count == 0 || received < args.count {
        match wait::readable(socket, args.timeout, stop)? {
            Wait::Ready => {}
            Wait::Stopped => break,
            Wait::TimedOut => {
                anyhow::bail!("no message came within {}", cli::human(args.timeout.unwrap_or_default()))
            }
        }
        write!(out, "{}", table::text(table::row_of(socket)?.as_ref()))?;
        let mut slices = [IoSliceMut::new(&mut buffer)];
        let mut control = nix::cmsg_space!(nix::libc::ucred);
        let flags = MsgFlags::MSG_TRUNC;
        let from = UnixName::of(&socket.peek_sender()?);
        let message = recvmsg::<()>(socket.as_raw_fd(), &mut slices, Some(&mut control), flags)?;
        let from = from.map_or_else(|| "a socket without a name".into(), |from| from.to_string());
        let credentials = message.cmsgs()?.find_map(|control| match control {
            ControlMessageOwned::ScmCredentials(credentials) => Some(unix::credentials_of(&credentials)),
            _ => None,
        });
        let length = message.bytes;
        received += 1;
        writeln!(out, "Received message from {from}")?;
        if let Some(credentials) = credentials {
            writeln!(out, "   sent by {credentials}, says the kernel")?;
        }
        let fitted = &buffer[..length.min(args.buffer as usize)];
        writeln!(out, "Payload length {}: [{}]", count(fitted.len(), "byte"), terminal::text(fitted))?;
        super::receive::say_cut(&mut out, length, fitted.len())?;
    }
    Ok(ended(stop))
}
