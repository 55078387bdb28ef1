//! A [`Caller`] on a real UDP socket, which waits for the end of each call.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::net::datagram::{Arrivals, Endpoint, wait};
use nix::poll::PollFlags;

use super::caller::Caller;
use super::client::ClientConfig;
use super::outcome::Outcome;
use super::publish::Method;

/// The longest time between two calls of `look`.
const LOOK: Duration = Duration::from_millis(20);

/// A caller, its socket and its clock.
pub struct SocketCaller {
    caller: Caller,
    endpoint: Endpoint,
    server: SocketAddr,
    arrivals: Arrivals,
    began: Instant,
}

impl SocketCaller {
    /// A caller of the server at this address. Nothing is sent yet.
    ///
    /// # Errors
    /// What connect(2) says.
    pub fn connect(config: ClientConfig, server: SocketAddr) -> io::Result<SocketCaller> {
        let endpoint = Endpoint::connect(server)?;
        let caller = Caller::new(config, rand::random());
        Ok(SocketCaller { caller, endpoint, server, arrivals: Arrivals::default(), began: Instant::now() })
    }

    /// Calls that were begun so far: a conditional publish is two.
    #[must_use]
    pub fn last_sequence(&self) -> u64 {
        self.caller.last_sequence()
    }

    /// Publishes, and waits for the end. `look` is called now and then; its error ends the wait.
    ///
    /// # Errors
    /// What the socket says, or `look`.
    pub fn publish(
        &mut self,
        text: &[u8],
        look: &mut dyn FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<Outcome<u64>> {
        self.caller.publish(self.began.elapsed(), text);
        self.wait(look)
    }

    /// Makes another call, and waits for the end.
    ///
    /// # Errors
    /// As [`publish`](SocketCaller::publish).
    pub fn call(
        &mut self,
        method: &Method,
        look: &mut dyn FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<Outcome<u64>> {
        self.caller.call(self.began.elapsed(), method);
        self.wait(look)
    }

    /// Begins to publish and leaves as soon as the datagram of the publish is sent: the end of a client at its worst moment.
    ///
    /// # Errors
    /// What the socket says.
    pub fn publish_and_die(mut self, text: &[u8]) -> io::Result<()> {
        self.caller.publish(self.began.elapsed(), text);
        self.send();
        Ok(())
    }

    fn wait(&mut self, look: &mut dyn FnMut() -> anyhow::Result<()>) -> anyhow::Result<Outcome<u64>> {
        loop {
            self.send();
            if let Some(outcome) = self.caller.poll_outcome() {
                return Ok(outcome);
            }
            let deadline =
                self.caller.deadline().map_or(LOOK, |deadline| deadline.saturating_sub(self.began.elapsed()));
            wait(&self.endpoint, PollFlags::POLLIN, None, Some(deadline.min(LOOK)))?;
            self.receive();
            self.caller.handle_timeout(self.began.elapsed());
            look()?;
        }
    }

    fn send(&mut self) {
        while let Some(datagram) = self.caller.poll_transmit(self.began.elapsed()) {
            // ConnectionRefused is about an earlier datagram, and reported instead of sending this one.
            for _ in 0..2 {
                match self.endpoint.send(self.server, datagram.len(), &datagram) {
                    Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                    _ => break,
                }
            }
        }
    }

    fn receive(&mut self) {
        while self.endpoint.receive(&mut self.arrivals).is_ok() {
            for arrival in self.arrivals.iter() {
                for datagram in arrival.datagrams() {
                    self.caller.handle_datagram(self.began.elapsed(), datagram);
                }
            }
        }
    }
}

/// Ends a wait when Ctrl-C has come.
pub fn interrupted(flag: &AtomicBool) -> anyhow::Result<()> {
    if flag.load(Ordering::SeqCst) { Err(anyhow::anyhow!("interrupted")) } else { Ok(()) }
}
