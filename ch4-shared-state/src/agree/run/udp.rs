//! UDP sockets: a thread for each node, and a relay for each ordered pair.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::netem::{Profile, Relay, Settings};

use crate::agree::node::Node;

/// No datagram here is longer.
const DATAGRAM: usize = 256;
/// The longest wait, for a node to see that all are done.
const LOOK: Duration = Duration::from_millis(20);

/// Runs until all are done, or the time is over.
pub fn over_udp(mut nodes: Vec<Node>, profile: &Profile, seed: u64, end: Duration) -> io::Result<Vec<Node>> {
    let sockets: Vec<UdpSocket> =
        nodes.iter().map(|_| UdpSocket::bind("127.0.0.1:0")).collect::<io::Result<_>>()?;
    let mut relays = Vec::new();
    let mut flow = seed;
    for _ in &sockets {
        let mut to = Vec::new();
        for socket in &sockets {
            flow = flow.wrapping_add(1);
            let settings = Settings::new(socket.local_addr()?, profile.clone(), flow);
            to.push(Relay::bind(&Settings { tcp: false, ..settings })?.start(Default::default())?);
        }
        relays.push(to);
    }
    let working = AtomicUsize::new(nodes.len());
    let begin = Instant::now();
    thread::scope(|scope| {
        for ((node, socket), relays) in nodes.iter_mut().zip(&sockets).zip(&relays) {
            let addresses: Vec<SocketAddr> =
                relays.iter().map(common::netem::RunningRelay::address).collect();
            let working = &working;
            scope.spawn(move || run(node, socket, &addresses, begin, end, working));
        }
    });
    Ok(nodes)
}

/// One node. It answers the others until all are done.
fn run(
    node: &mut Node,
    socket: &UdpSocket,
    addresses: &[SocketAddr],
    begin: Instant,
    end: Duration,
    working: &AtomicUsize,
) -> io::Result<()> {
    let mut buffer = [0; DATAGRAM];
    let mut is_done = false;
    while begin.elapsed() < end {
        node.handle_timeout(begin.elapsed());
        while let Some((to, datagram)) = node.poll_transmit(begin.elapsed()) {
            let _ = socket.send_to(&datagram, addresses[to]); // else it is lost, as on the way
        }
        if node.is_done() && !std::mem::replace(&mut is_done, true) {
            working.fetch_sub(1, Ordering::SeqCst);
        }
        if working.load(Ordering::SeqCst) == 0 {
            break;
        }
        let wait = node.deadline().map_or(LOOK, |deadline| deadline.saturating_sub(begin.elapsed()));
        socket.set_read_timeout(Some(wait.clamp(Duration::from_micros(100), LOOK)))?;
        if let Ok(length) = socket.recv(&mut buffer) {
            node.handle_datagram(begin.elapsed(), &buffer[..length]);
        }
    }
    Ok(())
}
