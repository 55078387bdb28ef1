//! The limit of datagrams: 46 of them in a system call, in and out, and nothing else. What arrives counts; what is lost in
//! the socket's buffer is not sent again, and no byte is looked at.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use common::support::child_server::ChildServer;
use nix::sys::socket::{setsockopt, sockopt};

use super::meter::DATAGRAM;

/// As many as fit in the 64 KiB that one call takes.
const SEGMENTS: usize = 46;

/// Takes datagrams until it is killed. Whoever sends one byte is told how many bytes came so far.
///
/// # Errors
/// What the system refuses.
pub fn serve() -> anyhow::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    setsockopt(&socket, sockopt::UdpGroSegment, &true)?;
    setsockopt(&socket, sockopt::RcvBuf, &(4 << 20))?;
    println!("LISTENING {}", socket.local_addr()?);
    let mut buffer = vec![0; 64 * 1024];
    let mut total = 0u64;
    loop {
        match socket.recv_from(&mut buffer)? {
            (1, from) => drop(socket.send_to(&total.to_be_bytes(), from)),
            (count, _) => total += count as u64,
        }
    }
}

/// Sends for so long, asks before and after, and tells the bytes per second that arrived.
///
/// # Errors
/// No answer, or what the system refuses.
pub fn send(server: &mut ChildServer, time: Duration) -> anyhow::Result<f64> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect(server.address)?;
    setsockopt(&socket, sockopt::UdpGsoSegment, &i32::try_from(DATAGRAM)?)?;
    let bytes = vec![b'x'; SEGMENTS * DATAGRAM];
    blast(&socket, &bytes, time / 4)?;
    let before = total(&socket)?;
    let began = Instant::now();
    blast(&socket, &bytes, time)?;
    let after = total(&socket)?;
    Ok((after - before) as f64 / began.elapsed().as_secs_f64())
}

fn blast(socket: &UdpSocket, bytes: &[u8], time: Duration) -> std::io::Result<()> {
    let began = Instant::now();
    while began.elapsed() < time {
        socket.send(bytes)?;
    }
    Ok(())
}

/// The question may be lost in a full buffer: it is asked again.
fn total(socket: &UdpSocket) -> anyhow::Result<u64> {
    socket.set_read_timeout(Some(Duration::from_millis(100)))?;
    for _ in 0..20 {
        socket.send(b"?")?;
        let mut total = [0; 8];
        if socket.recv(&mut total).is_ok() {
            return Ok(u64::from_be_bytes(total));
        }
    }
    anyhow::bail!("no answer from the limit's server")
}
