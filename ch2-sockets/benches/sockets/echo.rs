//! A minimal UDP echo: what a server costs that has no protocol.

use std::net::{Ipv4Addr, UdpSocket};

/// Sends back what comes, until it is killed.
///
/// # Errors
/// What the system refuses.
pub fn serve() -> anyhow::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("LISTENING {}", socket.local_addr()?);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let (count, from) = socket.recv_from(&mut buffer)?;
        socket.send_to(&buffer[..count], from)?;
    }
}
