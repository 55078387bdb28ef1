//! The receiver of datagrams. A datagram longer than the buffer is cut and its rest is lost: `recvfrom` says nothing
//! of it unless it is asked to (`MSG_TRUNC`, recv(2)).

use std::io::{self, IoSliceMut, Write};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use common::core::stop::Stop;
use common::support::cli::within;
use common::support::count::count;
use common::support::{cli, terminal};
use nix::sys::socket::{MsgFlags, SockaddrStorage, recvmsg};

use crate::kernel::endpoint;
use crate::kernel::unix::UnixName;
use crate::kernel::wait::{self, Wait, ended};
use crate::kernel::{self, Protocol};

const EXAMPLES: &str = "\
Examples:
  cargo ch2 datagram receive                       one datagram on 127.0.0.1:7778
  cargo ch2 datagram receive --buffer 5            what does not fit is lost
  cargo ch2 datagram receive --timeout 500ms       do not wait for ever
  cargo ch2 datagram receive -l :: --count 0       every address, until Ctrl-C
  cargo ch2 datagram receive -l 0.0.0.0            broadcasts too; start it on two machines
  cargo ch2 datagram receive --unix /tmp/s         by name, and who has sent it";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DatagramReceiveArgs {
    /// The address to receive on; 0.0.0.0 or :: for all
    #[arg(short, long, default_value = "127.0.0.1", value_parser = common::support::listen::address)]
    listenaddr: IpAddr,
    /// The port to receive on; 0 for any free one
    #[arg(short = 'p', long, default_value_t = 7778)]
    listenport: u16,
    /// Receive on a Unix domain socket instead: a path, or @NAME for one without a file
    #[arg(long, value_name = "PATH|@NAME", conflicts_with_all = ["listenaddr", "listenport"])]
    pub(super) unix: Option<UnixName>,
    /// Size of the receive buffer, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(0..=65536))]
    pub(super) buffer: u32,
    /// Give up when nothing comes for so long [default: wait for ever]
    #[arg(long, value_name = "TIME", value_parser = cli::duration)]
    pub(super) timeout: Option<Duration>,
    /// End after so many datagrams; 0: never
    #[arg(long, default_value_t = 1, value_parser = within(0..=1_000_000_000_000u64))]
    pub(super) count: u64,
}

/// A datagram, as far as it fitted into the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// What fitted.
    pub bytes: &'a [u8],
    /// How long it was on the wire, in bytes: more than `bytes` when it was cut.
    pub length: usize,
    /// Who sent it.
    pub from: SocketAddr,
}

/// Receives one datagram into `buffer`; waits for it as the socket does.
///
/// # Errors
/// What recvmsg(2) says.
pub fn receive<'a>(socket: &impl AsFd, buffer: &'a mut [u8]) -> io::Result<Datagram<'a>> {
    let fd = socket.as_fd().as_raw_fd();
    let (length, from) = {
        let mut slices = [IoSliceMut::new(buffer)];
        // With MSG_TRUNC the length returned is the datagram's, not that of the part which fitted.
        let message = recvmsg::<SockaddrStorage>(fd, &mut slices, None, MsgFlags::MSG_TRUNC)?;
        (message.bytes, message.address)
    };
    let from = from.as_ref().and_then(|from| {
        let v4 = from.as_sockaddr_in().map(|v4| SocketAddr::V4((*v4).into()));
        v4.or_else(|| from.as_sockaddr_in6().map(|v6| SocketAddr::V6((*v6).into())))
    });
    let from = from.ok_or_else(|| io::Error::other("a datagram from neither IPv4 nor IPv6"))?;
    let fitted = length.min(buffer.len());
    Ok(Datagram { bytes: &buffer[..fitted], length, from })
}

pub(super) fn run(args: &DatagramReceiveArgs) -> anyhow::Result<ExitCode> {
    let stop = Stop::install()?;
    let mut out = cli::stdout().lock();
    let address = SocketAddr::new(args.listenaddr, args.listenport);
    let socket = endpoint::socket(address, Protocol::Udp)?;
    endpoint::bind(&socket, address, Protocol::Udp)?;
    writeln!(out, "LISTENING {}", endpoint::local(&socket)?)?;
    writeln!(out, "Waiting for message ...")?;
    let mut buffer = vec![0; args.buffer as usize];
    let mut received = 0;
    while args.count == 0 || received < args.count {
        match wait::readable(&socket, args.timeout, stop)? {
            Wait::Ready => {}
            Wait::Stopped => break,
            Wait::TimedOut => {
                let limit = cli::human(args.timeout.unwrap_or_default());
                anyhow::bail!("no message came within {limit}; UDP cannot say whether one was sent")
            }
        }
        // The datagram now waits in the kernel: its row shows it, with the kernel's own overhead in the count.
        let row = kernel::row_of(&socket, Protocol::Udp)?;
        write!(out, "{}", kernel::table::text(&[("socket", row.as_ref())]))?;
        let datagram = receive(&socket, &mut buffer)?;
        received += 1;
        writeln!(out, "Received message from {}", datagram.from)?;
        let text = terminal::text(datagram.bytes);
        writeln!(out, "Payload length {}: [{text}]", count(datagram.bytes.len(), "byte"))?;
        say_cut(&mut out, datagram.length, datagram.bytes.len())?;
    }
    Ok(ended(stop))
}

/// Says what of a datagram did not fit into the buffer.
pub(super) fn say_cut(out: &mut impl Write, length: usize, fitted: usize) -> io::Result<()> {
    if length == fitted {
        return Ok(());
    }
    let (length, lost) = (count(length, "byte"), count(length - fitted, "byte"));
    writeln!(out, "The datagram had {length}, the buffer {fitted}: the rest, {lost}, is lost (MSG_TRUNC)")
}
