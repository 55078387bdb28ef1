//! UDP sockets: a thread for each end, and a relay between them.

use std::io;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::netem::{Profile, Relay, Settings};

use super::pair::{Link, Pair};
use crate::clocks::answerer::Answerer;
use crate::clocks::asker::Asker;

/// No datagram here is longer.
const DATAGRAM: usize = 256;
/// How often an answerer looks whether it is over.
const LOOK: Duration = Duration::from_millis(20);

/// A link between sockets.
pub struct UdpLink {
    profile: Profile,
    seed: u64,
    begin: Instant,
}

impl UdpLink {
    /// Time zero is now.
    pub fn new(profile: Profile, seed: u64) -> UdpLink {
        UdpLink { profile, seed, begin: Instant::now() }
    }
}

impl Link for UdpLink {
    fn now(&self) -> Duration {
        self.begin.elapsed()
    }

    fn run(&mut self, mut pairs: Vec<Pair>) -> io::Result<Vec<Pair>> {
        let begin = self.begin;
        let over = AtomicBool::new(false);
        let result = thread::scope(|scope| {
            // Whatever happens, the answerers end.
            let _end = EndOnDrop(&over);
            let mut askers = Vec::new();
            for pair in &mut pairs {
                let answerer = UdpSocket::bind("127.0.0.1:0")?;
                self.seed = self.seed.wrapping_add(1);
                let settings = Settings::new(answerer.local_addr()?, self.profile.clone(), self.seed);
                let relay = Relay::bind(&Settings { tcp: false, ..settings })?.start(Default::default())?;
                let socket = UdpSocket::bind("127.0.0.1:0")?;
                socket.connect(relay.address())?;
                let Pair { asker, answerer: node } = pair;
                let over = &over;
                scope.spawn(move || answer(&answerer, node, begin, over));
                askers.push((scope.spawn(move || ask(&socket, asker, begin)), relay));
            }
            for (asker, _relay) in askers {
                asker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            }
            Ok(())
        });
        result.map(|()| pairs)
    }
}

struct EndOnDrop<'a>(&'a AtomicBool);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn answer(socket: &UdpSocket, node: &mut Answerer, begin: Instant, over: &AtomicBool) -> io::Result<()> {
    socket.set_read_timeout(Some(LOOK))?;
    let mut buffer = [0; DATAGRAM];
    while !over.load(Ordering::SeqCst) {
        let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
        if let Some(work) = node.handle_datagram(begin.elapsed(), &buffer[..length]) {
            thread::sleep(node.busy);
            let _ = socket.send_to(&node.answer(begin.elapsed(), work), from); // else it is lost, as on the way
        }
    }
    Ok(())
}

fn ask(socket: &UdpSocket, asker: &mut Asker, begin: Instant) -> io::Result<()> {
    let mut buffer = [0; DATAGRAM];
    while let Some(deadline) = asker.deadline() {
        if let Some(request) = asker.poll_transmit(begin.elapsed()) {
            let _ = socket.send(&request);
            continue;
        }
        let wait = deadline.saturating_sub(begin.elapsed());
        socket.set_read_timeout(Some(wait.max(Duration::from_micros(100))))?;
        if let Ok(length) = socket.recv(&mut buffer) {
            asker.handle_datagram(begin.elapsed(), &buffer[..length]);
        }
    }
    Ok(())
}
