//! One drawer, sans-I/O: the algorithm, a channel to each other node, when it wants the pen, and whom it takes for dead.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::agreement::{Agreement, Message, Stamp};
use super::channel::Channel;
use super::datagram::Datagram;

/// Heartbeats in the time after which a silent node is taken for dead: all but one may be lost.
const BEATS: u32 = 4;

/// What a node does.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub rounds: u32,
    pub hold: Duration,
    pub think: Duration,
    /// With the pen in its hand.
    pub dies: bool,
    pub detector: Option<Duration>,
    pub timeout: Duration,
}

/// What happened, and when, by the one real clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Wants(Stamp),
    Enters(Stamp),
    Leaves,
    Dies,
    Suspects(usize),
    Sent { to: usize, id: u64, message: Message },
    Received { from: usize, id: u64 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Thinks,
    Waits,
    Draws,
    Done,
    Dead,
}

/// A drawer.
#[derive(Debug)]
pub struct Node {
    id: usize,
    plan: Plan,
    random: StdRng,
    agreement: Agreement,
    /// To each node; that to itself is not used.
    channels: Vec<Channel>,
    /// When each was heard last, and whether it is taken for dead.
    heard: Vec<Duration>,
    suspected: Vec<bool>,
    next_beat: Duration,
    /// They get a heartbeat now.
    beats: Vec<usize>,
    phase: Phase,
    /// When it stops to think, or to draw.
    next: Duration,
    rounds: u32,
    datagrams: u64,
    /// What happened.
    pub events: Vec<(Duration, Event)>,
}

impl Node {
    /// Node `id` of `nodes`.
    pub fn new(id: usize, nodes: usize, plan: Plan, seed: u64) -> Node {
        let mut random = StdRng::seed_from_u64(seed ^ (id as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let next = random.random_range(Duration::ZERO..=plan.think);
        Node {
            id,
            plan,
            random,
            agreement: Agreement::new(id, nodes),
            channels: (0..nodes).map(|_| Channel::new(plan.timeout)).collect(),
            heard: vec![Duration::ZERO; nodes],
            suspected: vec![false; nodes],
            next_beat: Duration::ZERO,
            beats: Vec::new(),
            phase: Phase::Thinks,
            next,
            rounds: plan.rounds,
            datagrams: 0,
            events: Vec::new(),
        }
    }

    /// A datagram came.
    pub fn handle_datagram(&mut self, now: Duration, bytes: &[u8]) {
        let Some(datagram) = Datagram::parse(bytes, self.channels.len()) else { return };
        let from = datagram.from;
        // Who is taken for dead stays dead: the others have gone on without it.
        if self.phase == Phase::Dead || from == self.id || self.suspected[from] {
            return;
        }
        self.heard[from] = now;
        if datagram.message.is_some() {
            self.events.push((now, Event::Received { from, id: datagram.id }));
        }
        let message = self.channels[from].handle(now, datagram.acknowledged, datagram.message);
        if let Some(message) = message {
            self.agreement.handle_message(from, message);
        }
        self.handle_timeout(now);
    }

    /// When [`handle_timeout`](Node::handle_timeout) or [`poll_transmit`](Node::poll_transmit) has something to do.
    pub fn deadline(&self) -> Option<Duration> {
        if self.phase == Phase::Dead {
            return None;
        }
        let own = matches!(self.phase, Phase::Thinks | Phase::Draws).then_some(self.next);
        let channels = self.peers().filter_map(|peer| self.channels[peer].deadline());
        let detector = self.plan.detector.into_iter().flat_map(|silence| {
            self.peers().map(move |peer| self.heard[peer] + silence).chain([self.next_beat])
        });
        own.into_iter().chain(channels).chain(detector).min()
    }

    fn peers(&self) -> impl Iterator<Item = usize> {
        (0..self.channels.len()).filter(|&peer| peer != self.id && !self.suspected[peer])
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Duration) {
        if self.phase == Phase::Dead {
            return;
        }
        if let Some(silence) = self.plan.detector {
            let silent: Vec<usize> = self.peers().filter(|&peer| self.heard[peer] + silence <= now).collect();
            for peer in silent {
                self.suspected[peer] = true;
                self.channels[peer].forget();
                self.agreement.leave_out(peer);
                self.events.push((now, Event::Suspects(peer)));
            }
            if self.next_beat <= now {
                self.beats = self.peers().collect();
                self.next_beat = now + silence / BEATS;
            }
        }
        match self.phase {
            Phase::Thinks if self.next <= now => {
                let stamp = self.agreement.request();
                self.events.push((now, Event::Wants(stamp)));
                self.phase = Phase::Waits;
            }
            Phase::Draws if self.next <= now => {
                self.events.push((now, Event::Leaves));
                self.agreement.release();
                self.rounds -= 1;
                self.next = now + self.random.random_range(Duration::ZERO..=self.plan.think);
                self.phase = if self.rounds == 0 { Phase::Done } else { Phase::Thinks };
            }
            _ => {}
        }
        if self.phase == Phase::Waits && self.agreement.enter() {
            let wanted = self.events.iter().rev().find_map(|(_, event)| match event {
                Event::Wants(stamp) => Some(*stamp),
                _ => None,
            });
            self.events.extend(wanted.map(|stamp| (now, Event::Enters(stamp))));
            (self.phase, self.next) = (Phase::Draws, now + self.plan.hold);
            if self.plan.dies {
                self.events.push((now, Event::Dies));
                self.phase = Phase::Dead;
            }
        }
        while let Some((to, message)) = self.agreement.poll_message() {
            self.channels[to].send(now, message);
        }
    }

    /// The next datagram, and to whom.
    pub fn poll_transmit(&mut self, now: Duration) -> Option<(usize, Vec<u8>)> {
        if self.phase == Phase::Dead {
            return None;
        }
        let peers: Vec<usize> = self.peers().collect();
        for to in peers {
            if let Some((acknowledged, message)) = self.channels[to].poll_transmit(now) {
                return Some((to, self.datagram(now, to, acknowledged, message)));
            }
        }
        let to = self.beats.pop()?;
        Some((to, self.datagram(now, to, self.channels[to].received(), None)))
    }

    fn datagram(
        &mut self,
        now: Duration,
        to: usize,
        acknowledged: u64,
        message: Option<(u64, Message)>,
    ) -> Vec<u8> {
        self.datagrams += 1;
        let id = self.datagrams;
        if let Some((_, message)) = message {
            self.events.push((now, Event::Sent { to, id, message }));
        }
        Datagram { id, from: self.id, acknowledged, message }.encode()
    }

    /// Whether it has nothing more to do, and all its messages have come. It still answers the others.
    pub fn is_done(&self) -> bool {
        match self.phase {
            Phase::Dead => true,
            Phase::Done => self.peers().all(|peer| self.channels[peer].is_idle()),
            _ => false,
        }
    }

    /// Whom it waits for at the end; `None` when it waits for nobody.
    pub fn waits_for(&self) -> Option<Vec<usize>> {
        (self.phase == Phase::Waits).then(|| self.agreement.missing().collect())
    }

    /// Datagrams that it has sent.
    pub fn datagrams(&self) -> u64 {
        self.datagrams
    }
}
