//! Layer 2: what one member delivers, all members of its view do, although the network loses, doubles and overtakes.
//!
//! ```text
//!   sender     1 ───── 2 ──╳── 3 ─────────────── 2 again ───►
//!   receiver   1 delivered     3 delivered, 2 is missing: NACK 2      2 delivered
//! ```
//!
//! - Each sender numbers its messages. A gap is seen when a later message comes; a lost *last* one when the sender says, now and then,
//!   how many it has sent.
//! - **NACK**: a receiver asks for what it misses; nothing is said about what has come. With one sender and a thousand receivers,
//!   acknowledgements would be a thousand messages for each message.
//! - **Stability**: a message that all members have will never be asked for: it is forgotten. Until then every member keeps it, because
//!   its sender may die.
//! - Messages are delivered as they come, not in order: order is another layer's promise, and whoever does not need it need not wait.
//!
//! Not done: flow control, and NACKs that wait a random while so that one speaks for all (SRM, PGM).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Down, Layer, MemberId, Output, Received, Time, Up, View, ViewId, unwrap, wrap};

/// How long a gap may stand before it is asked for; and again.
const NACK_AFTER: Duration = Duration::from_millis(20);

/// How often a member says what it has sent and received.
const HEARTBEAT: Duration = Duration::from_millis(50);

/// A message so far beyond the first that is missing is dropped: it will be asked for when its turn comes.
const WINDOW: u64 = 512;

/// Most messages that one NACK asks for.
const ASKED_AT_ONCE: usize = 64;

/// Most messages that are kept for a view that has not begun here yet.
const EARLY: usize = 1024;

/// What stands before the bytes of the layer above.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Header {
    /// Message `number` of `from`; for one member, if `to` is there.
    Data { view: ViewId, from: MemberId, number: u64, to: Option<MemberId> },
    /// These numbers of `origin` are missing: send them again.
    /// Only the origin answers, unless it may be dead: then all do that have it.
    Nack { view: ViewId, origin: MemberId, numbers: Vec<u64>, to_all: bool },
    /// So many has `from` sent, and this it has received.
    Heartbeat { view: ViewId, from: MemberId, sent: u64, received: Vec<(MemberId, u64)> },
    /// Outside of all views, and not reliable.
    Shout { from: MemberId },
}

/// What is known of one sender.
#[derive(Debug, Default)]
struct Sender {
    /// All up to here have come.
    all_up_to: u64,
    /// Some beyond it have.
    beyond: BTreeSet<u64>,
    /// So many it has sent, as far as is known.
    sent: u64,
    /// What may still be asked for: to whom, and what.
    kept: BTreeMap<u64, (Option<MemberId>, Vec<u8>)>,
}

/// The layer.
#[derive(Debug)]
pub struct Reliable {
    me: MemberId,
    view: Option<View>,
    senders: BTreeMap<MemberId, Sender>,
    /// What each member has of each sender, without gaps.
    others: BTreeMap<MemberId, BTreeMap<MemberId, u64>>,
    /// Messages of views that have not begun here.
    early: VecDeque<(ViewId, Vec<u8>)>,
    target: Option<Received>,
    is_stopped: bool,
    outputs: VecDeque<Output>,
    next_heartbeat: Time,
    next_nack: Option<Time>,
}

impl Reliable {
    /// The layer of this member.
    #[must_use]
    pub fn new(me: MemberId) -> Reliable {
        Reliable {
            me,
            view: None,
            senders: BTreeMap::new(),
            others: BTreeMap::new(),
            early: VecDeque::new(),
            target: None,
            is_stopped: false,
            outputs: VecDeque::new(),
            next_heartbeat: Time::ZERO,
            next_nack: None,
        }
    }

    /// Numbers a message, keeps it, and sends it to all; this member has it at once.
    fn send(&mut self, to: Option<MemberId>, bytes: &[u8]) {
        let Some(view) = self.view.as_ref().filter(|_| !self.is_stopped) else { return };
        let view = view.id;
        let number = self.senders.get(&self.me).map_or(0, |sender| sender.sent) + 1;
        let header = Header::Data { view, from: self.me, number, to };
        self.outputs.push_back(Output::Down(Down::Shout(wrap(&header, bytes))));
        self.take(self.me, number, to, bytes.to_vec());
    }

    /// A message has come: keeps it and delivers it, if it is new.
    fn take(&mut self, from: MemberId, number: u64, to: Option<MemberId>, bytes: Vec<u8>) {
        // After the stop, only what all will have: what one has told that it has, and what another gets a moment later.
        if self.is_stopped && !self.target.as_ref().is_some_and(|target| target.includes(from, number)) {
            return;
        }
        let Some(sender) = self.senders.get_mut(&from) else { return }; // of no member
        if number > sender.all_up_to + WINDOW || number <= sender.all_up_to || !sender.beyond.insert(number) {
            return; // it has come before, or cannot be kept
        }
        sender.sent = sender.sent.max(number);
        while sender.beyond.remove(&(sender.all_up_to + 1)) {
            sender.all_up_to += 1;
        }
        sender.kept.insert(number, (to, bytes.clone()));
        match to {
            None => self.outputs.push_back(Output::Up(Up::Cast { from, bytes })),
            Some(to) if to == self.me => self.outputs.push_back(Output::Up(Up::Send { from, bytes })),
            Some(_) => {}
        }
        self.check_target();
    }

    fn check_target(&mut self) {
        if self.target.as_ref().is_some_and(|target| self.has(target)) {
            self.target = None;
            self.outputs.push_back(Output::Up(Up::Reached));
        }
    }

    fn has(&self, target: &Received) -> bool {
        target.0.iter().all(|(origin, (up_to, beyond))| {
            let sender = self.senders.get(origin);
            let has = |number: &u64| {
                sender.is_some_and(|sender| *number <= sender.all_up_to || sender.beyond.contains(number))
            };
            (*up_to == 0 || sender.is_some_and(|sender| *up_to <= sender.all_up_to)) && beyond.iter().all(has)
        })
    }

    /// What this member has.
    fn received(&self) -> Received {
        let have = |sender: &Sender| (sender.all_up_to, sender.beyond.iter().copied().collect());
        Received(self.senders.iter().map(|(&origin, sender)| (origin, have(sender))).collect())
    }

    /// Forgets what all members have.
    fn forget_stable(&mut self) {
        let Some(view) = &self.view else { return };
        for (origin, sender) in &mut self.senders {
            let has = |member: &MemberId| {
                if *member == self.me {
                    return sender.all_up_to;
                }
                self.others.get(member).and_then(|has| has.get(origin)).copied().unwrap_or(0)
            };
            let stable = view.members.iter().map(has).min().unwrap_or(0);
            sender.kept = sender.kept.split_off(&(stable + 1));
        }
    }

    fn shout(&mut self, header: &Header) {
        self.outputs.push_back(Output::Down(Down::Shout(wrap(header, &[]))));
    }

    /// A datagram of this view.
    fn handle_frame(&mut self, header: Header, bytes: Vec<u8>) {
        match header {
            Header::Data { from, number, to, .. } => self.take(from, number, to, bytes),
            Header::Nack { view, origin, numbers, to_all } => {
                let Some(sender) = self.senders.get(&origin).filter(|_| to_all || origin == self.me) else {
                    return;
                };
                for number in numbers.into_iter().take(ASKED_AT_ONCE) {
                    if let Some((to, bytes)) = sender.kept.get(&number) {
                        let header = Header::Data { view, from: origin, number, to: *to };
                        self.outputs.push_back(Output::Down(Down::Shout(wrap(&header, bytes))));
                    }
                }
            }
            Header::Heartbeat { from, sent, received, .. } => {
                let Some(sender) = self.senders.get_mut(&from) else { return };
                sender.sent = sender.sent.max(sent);
                self.others.insert(from, received.into_iter().collect());
                self.forget_stable();
            }
            Header::Shout { .. } => {}
        }
    }

    /// Asks for what is missing: gaps, and what is to be reached.
    fn nack(&mut self) {
        let Some(view) = self.view.as_ref().map(|view| view.id) else { return };
        let mut missing: BTreeMap<MemberId, BTreeSet<u64>> = BTreeMap::new();
        for (&origin, sender) in &self.senders {
            let gaps = (sender.all_up_to + 1..=sender.sent).filter(|number| !sender.beyond.contains(number));
            missing.entry(origin).or_default().extend(gaps.take(ASKED_AT_ONCE));
        }
        for (&origin, (up_to, beyond)) in self.target.iter().flat_map(|target| &target.0) {
            let Some(sender) = self.senders.get(&origin) else { continue };
            let wanted = (sender.all_up_to + 1..=*up_to).chain(beyond.iter().copied());
            let wanted =
                wanted.filter(|number| *number > sender.all_up_to && !sender.beyond.contains(number));
            missing.entry(origin).or_default().extend(wanted.take(ASKED_AT_ONCE));
        }
        for (origin, numbers) in missing {
            let numbers: Vec<u64> = numbers.into_iter().take(ASKED_AT_ONCE).collect();
            if !numbers.is_empty() {
                self.shout(&Header::Nack { view, origin, numbers, to_all: self.target.is_some() });
            }
        }
    }

    fn is_missing_something(&self) -> bool {
        self.target.is_some() || self.senders.values().any(|sender| sender.all_up_to < sender.sent)
    }
}

impl Layer for Reliable {
    fn handle_down(&mut self, down: Down, now: Time) {
        match down {
            Down::Cast(bytes) => self.send(None, &bytes),
            Down::Send(to, bytes) => self.send(Some(to), &bytes),
            Down::Shout(bytes) => {
                let header = Header::Shout { from: self.me };
                self.outputs.push_back(Output::Down(Down::Shout(wrap(&header, &bytes))));
            }
            Down::Stop => {
                self.is_stopped = true;
                self.outputs.push_back(Output::Up(Up::Have(self.received())));
            }
            Down::Reach(target) => {
                self.target = Some(target);
                self.check_target();
                self.next_nack = Some(now);
            }
            Down::Begin(view) => {
                let id = view.id;
                self.senders = view.members.iter().map(|&member| (member, Sender::default())).collect();
                self.others.clear();
                (self.target, self.is_stopped, self.next_nack) = (None, false, None);
                self.view = Some(view);
                self.next_heartbeat = now + HEARTBEAT;
                for (view, datagram) in std::mem::take(&mut self.early) {
                    if view == id {
                        self.handle_up(Up::Shout { from: self.me, bytes: datagram }, now);
                    } else if view.number > id.number {
                        self.early.push_back((view, datagram));
                    }
                }
            }
        }
    }

    fn handle_up(&mut self, up: Up, now: Time) {
        let Up::Shout { bytes: datagram, .. } = up else { return };
        let Some((header, bytes)) = unwrap::<Header>(&datagram) else { return };
        let view = match &header {
            Header::Data { view, .. } | Header::Nack { view, .. } | Header::Heartbeat { view, .. } => *view,
            Header::Shout { from } => {
                return self.outputs.push_back(Output::Up(Up::Shout { from: *from, bytes }));
            }
        };
        match self.view.as_ref().map(|current| current.id) {
            Some(current) if current == view => self.handle_frame(header, bytes),
            current => {
                let is_early = current.is_none_or(|current| view.number > current.number);
                if is_early && matches!(header, Header::Data { .. }) && self.early.len() < EARLY {
                    self.early.push_back((view, datagram));
                }
            }
        }
        if self.next_nack.is_none() && self.is_missing_something() {
            self.next_nack = Some(now + NACK_AFTER);
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn deadline(&self) -> Option<Time> {
        self.view.as_ref()?;
        Some(self.next_nack.map_or(self.next_heartbeat, |nack| nack.min(self.next_heartbeat)))
    }

    fn handle_timeout(&mut self, now: Time) {
        if now >= self.next_heartbeat
            && let Some(view) = self.view.as_ref().map(|view| view.id)
        {
            self.next_heartbeat = now + HEARTBEAT;
            let sent = self.senders.get(&self.me).map_or(0, |sender| sender.sent);
            let received = self.senders.iter().map(|(&origin, sender)| (origin, sender.all_up_to)).collect();
            self.shout(&Header::Heartbeat { view, from: self.me, sent, received });
            self.forget_stable();
        }
        if self.next_nack.is_some_and(|nack| now >= nack) {
            self.nack();
            self.next_nack = self.is_missing_something().then_some(now + NACK_AFTER);
        }
    }
}
