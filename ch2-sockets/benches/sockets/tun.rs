//! The bad link as a real network: two network namespaces, a TUN device in each, and the link's decisions between them.
//!
//! ```text
//!   namespace A                                                           namespace B
//!   sockets ─► kernel's TCP, UDP, IP ─► tun0 ─► this program: Wire ─► tun0 ─► kernel's IP, UDP, TCP ─► sockets
//!              10.9.0.1                          Wire ◄─                      10.9.0.2
//! ```
//!
//! A relay for TCP cannot lose anything: the kernel has acknowledged the bytes before the relay sees them. Here whole IP
//! packets are lost, and the kernel's own TCP has to repair it: the same hardship as a session over UDP has. It needs root
//! and /dev/net/tun, and `ip`.

#![expect(unsafe_code, reason = "a TUN device is made by ioctl(2)")]

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use common::netem::{Direction, Profile, Wire};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sched::{CloneFlags, unshare};
use nix::sys::time::TimeSpec;

const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 2);

/// Runs `server` in one namespace, which tells where it listens, and `client` in the other, and gives back what the
/// client returns. The server is left behind when the client has ended: it must end by its connection.
///
/// # Errors
/// No root, no TUN device, or what one of the two says.
pub fn between_namespaces<T: Send>(
    profile: &Profile,
    seed: u64,
    server: impl FnOnce(Ipv4Addr, mpsc::Sender<SocketAddr>) -> anyhow::Result<()> + Send,
    client: impl FnOnce(SocketAddr) -> anyhow::Result<T> + Send,
) -> anyhow::Result<T> {
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let (devices, made) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        let server_device = devices.clone();
        let server = scope.spawn(move || {
            server_device.send((SERVER, device(SERVER, CLIENT)?)).context("the link has ended")?;
            server(SERVER, tell)
        });
        let client = scope.spawn(move || {
            devices.send((CLIENT, device(CLIENT, SERVER)?)).context("the link has ended")?;
            client(told.recv().context("the server has not started")?)
        });
        let mut ends: Vec<(Ipv4Addr, File)> = made.iter().take(2).collect();
        ends.sort_by_key(|(address, _)| *address);
        let relay = (ends.len() == 2).then(|| {
            let ended = &ended;
            scope.spawn(move || relay(&ends[0].1, &ends[1].1, profile, seed, ended))
        });
        let result = client.join().unwrap_or_else(|_| anyhow::bail!("the client's thread panicked"));
        let served = server.join().unwrap_or_else(|_| anyhow::bail!("the server's thread panicked"));
        ended.store(true, Ordering::SeqCst);
        let relayed = relay.map_or(Ok(Ok(())), thread::ScopedJoinHandle::join);
        relayed.unwrap_or_else(|_| anyhow::bail!("the link's thread panicked"))?;
        served?;
        result
    })
}

/// A new namespace for this thread, and a device in it with that address.
fn device(own: Ipv4Addr, peer: Ipv4Addr) -> anyhow::Result<File> {
    unshare(CloneFlags::CLONE_NEWNET).context("a network namespace needs root")?;
    let device = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open("/dev/net/tun")
        .context("/dev/net/tun cannot be opened")?;
    // SAFETY: an ifreq of zeros is a valid one.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (place, byte) in request.ifr_name.iter_mut().zip(b"tun0") {
        *place = libc::c_char::from_ne_bytes([*byte]);
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
    // SAFETY: TUNSETIFF reads an ifreq, which lives until the call returns.
    let made = unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETIFF, &raw mut request) };
    nix::Error::result(made).context("TUNSETIFF")?;
    for arguments in [
        "link set lo up".to_owned(),
        format!("address add {own} peer {peer} dev tun0"),
        "link set tun0 mtu 1500 txqueuelen 10000 up".to_owned(),
    ] {
        // A child is born in the namespace of the thread that makes it.
        let status = Command::new("ip").args(arguments.split(' ')).stderr(Stdio::null()).status();
        ensure!(status.context("the program `ip` is not installed")?.success(), "`ip {arguments}` failed");
    }
    Ok(device)
}

/// Carries packets until it is told to end.
fn relay(
    client: &File,
    server: &File,
    profile: &Profile,
    seed: u64,
    ended: &AtomicBool,
) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut up = Wire::new(profile.clone(), seed, 0, Direction::Up);
    let mut down = Wire::new(profile.clone(), seed, 0, Direction::Down);
    let mut packet = [0; 2048];
    while !ended.load(Ordering::SeqCst) {
        for (from, wire) in [(client, &mut up), (server, &mut down)] {
            while let Some(length) = read(from, &mut packet)? {
                wire.send(began.elapsed(), packet[..length].to_vec());
            }
        }
        for (to, wire) in [(server, &mut up), (client, &mut down)] {
            while let Some(packet) = wire.arrive(began.elapsed()) {
                // A full device queue loses the packet, as a full router does.
                let _ = { to }.write(&packet);
            }
        }
        let next = [up.next_arrival(), down.next_arrival()].into_iter().flatten().min();
        wait(client, server, next.map(|next| next.saturating_sub(began.elapsed())))?;
    }
    Ok(())
}

fn read(mut from: &File, packet: &mut [u8]) -> anyhow::Result<Option<usize>> {
    match from.read(packet) {
        Ok(length) => Ok(Some(length)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Until a packet comes, the next one is due, or 10 ms have passed.
fn wait(client: &File, server: &File, due: Option<Duration>) -> anyhow::Result<()> {
    let mut ready = [client, server].map(|device| PollFd::new(device.as_fd(), PollFlags::POLLIN));
    let due = due.unwrap_or(Duration::from_millis(10)).min(Duration::from_millis(10));
    match ppoll(&mut ready, Some(TimeSpec::from_duration(due)), None) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
