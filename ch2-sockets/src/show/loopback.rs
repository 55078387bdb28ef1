//! Two ends of one TCP connection in one process, and how to wait on one of them.

use std::io;
use std::net::{IpAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

use clap::Args;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Over which address.
#[derive(Debug, Clone, Copy, Args)]
pub struct LoopbackArgs {
    /// The address that both ends of the connection have: 127.0.0.1, or ::1 for IPv6
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    address: IpAddr,
}

impl LoopbackArgs {
    /// Which address that is.
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// A connection: the end that connected, and the end that was accepted.
    ///
    /// # Errors
    /// What the system says; `EADDRNOTAVAIL` where IPv6 is switched off.
    pub fn pair(self) -> io::Result<(TcpStream, TcpStream)> {
        let listener = TcpListener::bind((self.address, 0))?;
        let connecting = TcpStream::connect(listener.local_addr()?)?;
        let (accepted, _) = listener.accept()?;
        // When one end fails, the other shall not wait for it for ever.
        for end in [&connecting, &accepted] {
            end.set_read_timeout(Some(Duration::from_secs(10)))?;
        }
        Ok((connecting, accepted))
    }
}

/// Waits until `events` have come, or an error or a hang-up, which are always reported (poll(2)).
///
/// # Errors
/// `TimedOut` after two seconds: on loopback nothing takes that long.
pub fn wait_for(socket: &impl AsFd, events: PollFlags) -> io::Result<()> {
    match poll(&mut [PollFd::new(socket.as_fd(), events)], PollTimeout::from(2000_u16)) {
        Ok(0) => Err(io::ErrorKind::TimedOut.into()),
        done => Ok(done.map(drop)?),
    }
}

/// How an errno is called in the manual: `ECONNRESET`.
pub fn name(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => format!("{:?}", Errno::from_raw(number)),
        None => error.to_string(),
    }
}
