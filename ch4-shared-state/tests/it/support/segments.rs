//! What the kernel has counted of a connection.

#![expect(unsafe_code, reason = "no safe wrapper reads TCP_INFO")]

use std::mem::{size_of, zeroed};
use std::net::TcpStream;
use std::os::fd::AsRawFd;

use nix::libc;

/// Segments with data that this end has received (tcp(7), TCP_INFO).
pub fn received(stream: &TcpStream) -> u32 {
    // SAFETY: a tcp_info is made of integers, for which zero is a value.
    let mut info: libc::tcp_info = unsafe { zeroed() };
    let mut length = size_of::<libc::tcp_info>() as libc::socklen_t;
    // SAFETY: the pointers are to what they say they are, and `length` is how long it is.
    let result = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut info).cast(),
            &raw mut length,
        )
    };
    assert_eq!(result, 0);
    info.tcpi_data_segs_in
}
