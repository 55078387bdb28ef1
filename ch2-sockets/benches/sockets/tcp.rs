//! TCP as the peer: messages with their length before them, each answered with one byte when all of it has come.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::meter::{MESSAGE, Meter};

const BUFFER: usize = 256 * 1024;

/// Serves, a thread per connection, until it is killed.
///
/// # Errors
/// What the system refuses.
pub fn serve() -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("LISTENING {}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept()?;
        thread::spawn(move || sink(stream));
    }
}

/// Takes messages until the end of the stream, and tells how many bytes came.
///
/// # Errors
/// What the connection says.
pub fn sink(mut stream: TcpStream) -> std::io::Result<u64> {
    let mut buffer = vec![0; BUFFER];
    let mut total = 0;
    loop {
        let mut length = [0; 8];
        match stream.read_exact(&mut length) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(total),
            done => done?,
        }
        let mut missing = u64::from_be_bytes(length);
        while missing > 0 {
            let room = buffer.len().min(usize::try_from(missing).unwrap_or(usize::MAX));
            match stream.read(&mut buffer[..room])? {
                0 => return Ok(total),
                count => (missing, total) = (missing - count as u64, total + count as u64),
            }
        }
        stream.write_all(b"0")?;
    }
}

/// Sends message after message for so long, and tells how many bytes per second were answered for.
///
/// # Errors
/// What the connection says.
pub fn send(target: SocketAddr, time: Duration) -> anyhow::Result<f64> {
    let mut stream = TcpStream::connect(target)?;
    stream.set_nodelay(true)?;
    let message = vec![b'x'; MESSAGE];
    let mut meter = Meter::new(time);
    while meter.goes_on() {
        stream.write_all(&(MESSAGE as u64).to_be_bytes())?;
        stream.write_all(&message)?;
        stream.read_exact(&mut [0])?;
        meter.delivered(MESSAGE);
    }
    Ok(meter.per_s())
}

/// Counts what comes, until the end of the stream.
///
/// # Errors
/// What the connection says.
pub fn count(mut stream: TcpStream, received: &AtomicU64) -> std::io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            count => received.fetch_add(count as u64, Ordering::SeqCst),
        };
    }
}

/// Sends one endless message for so long; the other end counts. For links so slow that a message would never end.
///
/// # Errors
/// What the connection says.
pub fn send_slowly(mut stream: TcpStream, time: Duration) -> std::io::Result<()> {
    let deadline = Instant::now() + time;
    stream.set_nodelay(true)?;
    let chunk = vec![b'x'; 16 * 1024];
    while let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        stream.set_write_timeout(Some(left))?;
        match stream.write(&chunk) {
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
