//! No socket, no clock, no thread: from one event to the next.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use common::netem::{Direction, Profile, Wire};

use super::pair::{Link, Pair};

/// A link in virtual time.
pub struct VirtualLink {
    profile: Profile,
    seed: u64,
    now: Duration,
}

impl VirtualLink {
    /// At time zero.
    pub fn new(profile: Profile, seed: u64) -> VirtualLink {
        VirtualLink { profile, seed, now: Duration::ZERO }
    }

    /// One pair, from now to its end; when that is.
    fn run_pair(&self, pair: &mut Pair, flow: u64) -> Duration {
        let wire = |direction| Wire::new(self.profile.clone(), self.seed, flow, direction);
        let (mut up, mut down) = (wire(Direction::Up), wire(Direction::Down));
        let (mut now, mut works) = (self.now, VecDeque::new());
        while let Some(deadline) = pair.asker.deadline() {
            let work = works.front().map(|(at, _)| *at);
            let others = [up.next_arrival(), down.next_arrival(), work];
            now = others.into_iter().flatten().fold(deadline, Duration::min).max(now);
            while let Some(datagram) = up.arrive(now) {
                let work = pair.answerer.handle_datagram(now, &datagram);
                works.extend(work.map(|work| (now + pair.answerer.busy, work)));
            }
            while let Some(&(at, work)) = works.front()
                && at <= now
            {
                works.pop_front();
                down.send(now, pair.answerer.answer(now, work));
            }
            while let Some(datagram) = down.arrive(now) {
                pair.asker.handle_datagram(now, &datagram);
            }
            if let Some(datagram) = pair.asker.poll_transmit(now) {
                up.send(now, datagram);
            }
        }
        now
    }
}

impl Link for VirtualLink {
    fn now(&self) -> Duration {
        self.now
    }

    fn run(&mut self, mut pairs: Vec<Pair>) -> io::Result<Vec<Pair>> {
        let ends = pairs.iter_mut().zip(0..).map(|(pair, flow)| self.run_pair(pair, flow));
        let end = ends.max();
        self.now = end.unwrap_or(self.now);
        self.seed = self.seed.wrapping_add(1); // other faults next time
        Ok(pairs)
    }
}
