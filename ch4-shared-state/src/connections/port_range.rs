//! The ports that the kernel may take for a socket: the option `IP_LOCAL_PORT_RANGE` (ip(7), Linux 6.3), and the error when none is
//! left.

#![expect(unsafe_code, reason = "setsockopt(2): neither std nor the socket crates know this option yet")]

use std::io;
use std::ops::RangeInclusive;
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;
use nix::libc;

/// From `linux/in.h`.
const IP_LOCAL_PORT_RANGE: libc::c_int = 51;

/// From now on `socket` is bound to a port in `range` when it connects. The kernel takes the part of the range that is
/// also in `net.ipv4.ip_local_port_range`.
///
/// # Errors
/// `ENOPROTOOPT` before Linux 6.3, `EINVAL` for a range that ends before it begins.
pub fn limit(socket: &impl AsFd, range: &RangeInclusive<u16>) -> io::Result<()> {
    let value = u32::from(*range.start()) | u32::from(*range.end()) << 16;
    // SAFETY: the kernel reads four bytes from `value`, which lives until the call returns.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::IPPROTO_IP,
            IP_LOCAL_PORT_RANGE,
            (&raw const value).cast(),
            size_of_val(&value) as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// `EADDRNOTAVAIL`: no port is left.
pub fn is_exhausted(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.raw_os_error() == Some(Errno::EADDRNOTAVAIL as i32))
}
