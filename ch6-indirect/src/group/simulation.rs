//! A group in virtual time: members, the lossy link between each two of them, and what happens to them. The same seed gives the same
//! run, and a minute of it takes milliseconds.
//!
//! ```text
//!   Action (join, cast, crash, cut, heal) ──► member ──► Wire to each other member ──► member ──► Trace
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use common::netem::{Direction, Profile, Wire};

use super::membership::SUSPECT_AFTER;
use super::partition::Policy;
use super::stack::{Event, Order, Settings, Stack};
use super::{MemberId, Time, View, unwrap, wrap};

/// Names a message: who cast it, and its so-manyth.
pub type MessageName = (MemberId, u64);

/// A machine on which one member runs, and after it another, if it is excluded and comes back.
pub type Node = u32;

/// What happens to the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A node starts.
    Start(Node),
    /// A node dies without a word.
    Crash(Node),
    /// A node casts a message.
    Cast(Node),
    /// The network is cut: each node hears only those on its own side.
    Cut(Vec<Vec<Node>>),
    /// The network is whole again.
    Heal,
}

/// What a member did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It cast this message.
    Cast(MessageName),
    /// It delivered this message.
    Deliver(MessageName),
    /// It went into this view.
    View(View),
    /// Its node died.
    Crash,
    /// It was excluded.
    Excluded,
}

/// One line of a recorded run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceEvent {
    /// When.
    pub at: Time,
    /// Who.
    pub member: MemberId,
    /// What.
    pub what: What,
}

/// A recorded run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// What the members did, in the order of time.
    pub events: Vec<TraceEvent>,
    /// How many datagrams were sent, to all receivers of a group as one.
    pub datagrams: u64,
}

struct Running {
    id: MemberId,
    stack: Stack,
    cast: u64,
}

/// The group and the network between its members.
pub struct Simulation {
    order: Order,
    policy: Policy,
    profile: Arc<Profile>,
    seed: u64,
    now: Time,
    nodes: BTreeMap<Node, Running>,
    lives: BTreeMap<Node, u32>,
    wires: BTreeMap<(Node, Node), Wire>,
    sides: Option<Vec<Vec<Node>>>,
    trace: Trace,
}

impl Simulation {
    /// A network on which datagrams fare as `profile` says; nobody is there yet.
    #[must_use]
    pub fn new(order: Order, policy: Policy, profile: Profile, seed: u64) -> Simulation {
        Simulation {
            order,
            policy,
            profile: Arc::new(profile),
            seed,
            now: Time::ZERO,
            nodes: BTreeMap::new(),
            lives: BTreeMap::new(),
            wires: BTreeMap::new(),
            sides: None,
            trace: Trace::default(),
        }
    }

    /// Runs these actions, each at its time, and then until `end`.
    #[must_use]
    pub fn run(mut self, actions: &[(Time, Action)], end: Time) -> Trace {
        for (at, action) in actions {
            self.run_until(*at);
            self.act(action);
        }
        self.run_until(end);
        self.trace
    }

    fn act(&mut self, action: &Action) {
        match action {
            Action::Start(node) => self.start(*node),
            Action::Crash(node) => {
                if let Some(dead) = self.nodes.remove(node) {
                    self.record(dead.id, What::Crash);
                }
            }
            Action::Cast(node) => self.cast(*node),
            Action::Cut(sides) => self.sides = Some(sides.clone()),
            Action::Heal => self.sides = None,
        }
    }

    /// A member on this node, with a name that no other has had.
    fn start(&mut self, node: Node) {
        let life = self.lives.entry(node).or_default();
        let (id, is_first) = (MemberId(*life * 100 + node), *life == 0);
        *life += 1;
        let (order, policy) = (self.order, self.policy);
        let settings = Settings { order, policy, suspect_after: SUSPECT_AFTER, can_found: is_first };
        let stack = Stack::new(id, settings);
        self.nodes.insert(node, Running { id, stack, cast: 0 });
        self.serve(node, Stack::handle_timeout);
    }

    fn cast(&mut self, node: Node) {
        let Some(running) = self.nodes.get_mut(&node) else { return };
        running.cast += 1;
        let name = (running.id, running.cast);
        self.record(name.0, What::Cast(name));
        self.serve(node, |stack, now| {
            stack.cast(wrap(&name, &[]), now).expect("a scenario casts less than a group can hold");
        });
    }

    fn run_until(&mut self, end: Time) {
        while let Some(next) = self.next_time().filter(|&next| next <= end) {
            self.now = self.now.max(next);
            let now = self.now;
            let arrived: Vec<(Node, Vec<u8>)> =
                self.wires.iter_mut().filter_map(|(&(_, to), wire)| Some((to, wire.arrive(now)?))).collect();
            for (to, datagram) in arrived {
                self.serve(to, |stack, now| stack.handle_datagram(datagram, now));
            }
            let due: Vec<Node> = self
                .nodes
                .iter()
                .filter(|(_, running)| running.stack.deadline().is_some_and(|deadline| deadline <= now))
                .map(|(&node, _)| node)
                .collect();
            for node in due {
                self.serve(node, Stack::handle_timeout);
            }
        }
        self.now = end;
    }

    fn next_time(&self) -> Option<Time> {
        let arrivals = self.wires.values().filter_map(Wire::next_arrival);
        arrivals.chain(self.nodes.values().filter_map(|running| running.stack.deadline())).min()
    }

    /// Has a member do something, and does what it wants done.
    fn serve(&mut self, node: Node, does: impl FnOnce(&mut Stack, Time)) {
        let Some(running) = self.nodes.get_mut(&node) else { return };
        does(&mut running.stack, self.now);
        let id = running.id;
        let mut is_excluded = false;
        while let Some(event) = self.nodes.get_mut(&node).and_then(|running| running.stack.poll_event()) {
            match event {
                Event::Deliver { bytes, .. } => {
                    if let Some((name, _)) = unwrap(&bytes) {
                        self.record(id, What::Deliver(name));
                    }
                }
                Event::View(view) => self.record(id, What::View(view)),
                Event::Excluded => is_excluded = true,
            }
        }
        while let Some(datagram) = self.nodes.get_mut(&node).and_then(|running| running.stack.poll_transmit())
        {
            self.multicast(node, &datagram);
        }
        if is_excluded {
            self.record(id, What::Excluded);
            self.start(node);
        }
    }

    fn multicast(&mut self, from: Node, datagram: &[u8]) {
        self.trace.datagrams += 1;
        let others: Vec<Node> = self.nodes.keys().copied().filter(|&node| node != from).collect();
        for to in others {
            if self.is_cut(from, to) {
                continue;
            }
            let flow = u64::from(from) * 1000 + u64::from(to);
            let (profile, seed) = (Arc::clone(&self.profile), self.seed);
            let wire = self.wires.entry((from, to));
            let wire = wire.or_insert_with(|| Wire::new(profile, seed, flow, Direction::Up));
            wire.send(self.now, datagram.to_vec());
        }
    }

    fn is_cut(&self, from: Node, to: Node) -> bool {
        let side = |node: Node| self.sides.iter().flatten().position(|side| side.contains(&node));
        side(from) != side(to)
    }

    fn record(&mut self, member: MemberId, what: What) {
        self.trace.events.push(TraceEvent { at: self.now, member, what });
    }
}

/// A link that loses this share of the datagrams, doubles and overtakes as many, and takes 1 to 10 ms.
#[must_use]
pub fn lossy(share: f64) -> Profile {
    Profile {
        loss: share,
        duplicate: share / 2.0,
        reorder: share / 2.0,
        reorder_by: Duration::from_millis(30),
        delay: Duration::from_millis(1),
        jitter: Duration::from_millis(9),
        ..Profile::default()
    }
}
