//! Layer 3: who is in the group. All members see the same views in the same order, and those that go from one view to the next have
//! delivered the same messages in between: *view synchrony*.
//!
//! ```text
//!   coordinator   suspects m3      union of all                         all ready
//!       m1 ────────── Propose ─╮ ╭─ Have ──── Cut ─╮  ╭─ Ready ───────── Install ──►  new view
//!       m2 ────────────────────╰─╯ (stops casting) ╰──╯ (fetches what it lacks) ──►  new view
//!       m3 ──╳
//! ```
//!
//! - **Failure detector**: who was not heard of for a while is *suspected*. On a network that may be slow this is a guess, and it may
//!   be wrong: who is excluded although it lives learns it and comes back with a new name.
//! - **Flush**: before a new view begins, all that stay stop casting and say what they have; what one of them has, all fetch. Without
//!   it, a message of a member that died half-way would be delivered by some and not by others.
//! - The member that has been here longest coordinates. When it dies in the middle, the next one begins again.
//! - Each message is said again until what it asks for has come, and does no harm when it comes twice.
//!
//! Not done: uniform agreement (a member that dies may have delivered what nobody else will), and merging what two sides of a cut
//! network did meanwhile: the smaller side comes back with empty hands.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Down, Layer, MemberId, Output, Received, Time, Up, View, ViewId, partition, unwrap, wrap};

/// How often a member says that it is alive, and says again what is not answered.
const TICK: Duration = Duration::from_millis(50);

/// Who is not heard of for so long is suspected, if nothing else is said.
pub const SUSPECT_AFTER: Duration = Duration::from_millis(400);

/// Who hears of no group for so much longer founds one.
const FOUND_AFTER: Duration = Duration::from_millis(100);

/// A change of view that takes longer than so many times that is begun again.
const PATIENCE: u32 = 3;

/// One attempt to change the view; a higher one replaces a lower one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Attempt {
    number: u64,
    try_number: u32,
    coordinator: MemberId,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Message {
    /// I am in no view.
    Join,
    /// I am in this view.
    Alive { view: ViewId, size: usize, is_primary: bool },
    /// To the members of `view`: stop, and say what you have of the view `old`.
    Propose { attempt: Attempt, old: ViewId, view: View },
    /// This I have.
    Have { attempt: Attempt, received: Received },
    /// Have all of this.
    Cut { attempt: Attempt, received: Received },
    /// I have all of it.
    Ready { attempt: Attempt },
    /// The new view begins.
    Install { attempt: Attempt, view: View },
}

/// A change of view that this member takes part in.
#[derive(Debug)]
struct Change {
    attempt: Attempt,
    old: ViewId,
    view: View,
    since: Time,
    have: Option<Received>,
    cut: Option<Received>,
    is_ready: bool,
    /// For the coordinator: what the members have said.
    answers: BTreeMap<MemberId, Received>,
    ready: BTreeSet<MemberId>,
}

/// The layer.
#[derive(Debug)]
pub struct Membership {
    me: MemberId,
    view: Option<View>,
    /// When each was heard of last, in the view or not.
    heard: BTreeMap<MemberId, Time>,
    /// Those in no view, and when they said so last.
    joining: BTreeMap<MemberId, Time>,
    /// Since when, and when last, others were heard to be in a view that goes on without this member.
    left_behind: Option<(Time, Time)>,
    change: Option<Change>,
    /// The last attempt that led to a view here: so a member that missed `Install` is told again.
    installed: Option<Attempt>,
    is_excluded: bool,
    can_found: bool,
    suspect_after: Duration,
    began: Option<Time>,
    next_tick: Time,
    outputs: VecDeque<Output>,
}

impl Membership {
    /// The layer of this member, which is in no group yet. One that cannot found a group waits until it hears of one: a member that
    /// was excluded must not take its own side of a cut network for a new group.
    #[must_use]
    pub fn new(me: MemberId, can_found: bool, suspect_after: Duration) -> Membership {
        Membership {
            me,
            view: None,
            heard: BTreeMap::new(),
            joining: BTreeMap::new(),
            left_behind: None,
            change: None,
            installed: None,
            is_excluded: false,
            can_found,
            suspect_after,
            began: None,
            next_tick: Time::ZERO,
            outputs: VecDeque::new(),
        }
    }

    fn shout(&mut self, message: &Message) {
        self.outputs.push_back(Output::Down(Down::Shout(wrap(message, &[]))));
    }

    fn is_suspected(&self, member: MemberId, now: Time) -> bool {
        member != self.me && self.heard.get(&member).is_none_or(|&heard| now >= heard + self.suspect_after)
    }

    fn handle_message(&mut self, from: MemberId, message: Message, now: Time) {
        self.heard.insert(from, now);
        match message {
            Message::Join => {
                self.joining.insert(from, now);
            }
            Message::Alive { view, size, is_primary } => self.handle_alive(from, view, size, is_primary, now),
            Message::Propose { attempt, old, view } => self.handle_proposal(attempt, old, view, now),
            Message::Have { attempt, received } => {
                if let Some(change) = self.own_change(attempt) {
                    change.answers.insert(from, received);
                    self.cut(now);
                }
            }
            Message::Cut { attempt, received } => {
                if let Some(change) = self.change.as_mut().filter(|change| change.attempt == attempt)
                    && change.cut.is_none()
                {
                    change.cut = Some(received.clone());
                    if self.view.is_some() {
                        self.outputs.push_back(Output::Down(Down::Reach(received)));
                    } else {
                        self.ready(now);
                    }
                }
            }
            Message::Ready { attempt } => {
                if let Some(change) = self.own_change(attempt) {
                    change.ready.insert(from);
                    self.finish(now);
                } else if self.installed == Some(attempt)
                    && let Some(view) = self.view.clone()
                {
                    self.shout(&Message::Install { attempt, view });
                }
            }
            Message::Install { attempt, view } => {
                if self.change.as_ref().is_some_and(|change| change.attempt == attempt && change.is_ready) {
                    self.install(attempt, view, now);
                }
            }
        }
    }

    /// The change that this member coordinates, if it is this one.
    fn own_change(&mut self, attempt: Attempt) -> Option<&mut Change> {
        let me = self.me;
        self.change.as_mut().filter(|change| change.attempt == attempt && attempt.coordinator == me)
    }

    /// Somebody is in a view: in mine, in one after mine, or in another group that will be one with mine.
    fn handle_alive(&mut self, from: MemberId, view: ViewId, size: usize, is_primary: bool, now: Time) {
        self.joining.remove(&from);
        let Some(mine) = &self.view else { return };
        if view == mine.id || self.change.as_ref().is_some_and(|change| change.view.id == view) {
            return;
        }
        let rank = |view: ViewId, size: usize, is_primary: bool| {
            (is_primary, size, std::cmp::Reverse(view.coordinator))
        };
        let is_member = mine.members.contains(&from);
        let loses = rank(mine.id, mine.members.len(), mine.is_primary) < rank(view, size, is_primary);
        if (is_member && view.number > mine.id.number) || (!is_member && loses) {
            // Not at once: the message that takes this member along may be on its way.
            let (since, _) =
                self.left_behind.filter(|(_, last)| now < *last + self.suspect_after).unwrap_or((now, now));
            self.left_behind = Some((since, now));
            if now >= since + self.suspect_after {
                self.is_excluded = true;
                self.outputs.push_back(Output::Up(Up::Excluded));
            }
        }
    }

    /// If this member is to coordinate, and the members are not those that should be: begins to change the view.
    fn coordinate(&mut self, now: Time) {
        let Some(view) = &self.view else { return self.found(now) };
        let alive: Vec<MemberId> =
            view.members.iter().copied().filter(|&member| !self.is_suspected(member, now)).collect();
        let joining = self
            .joining
            .iter()
            .filter(|(id, heard)| now < **heard + self.suspect_after && !view.members.contains(id));
        let members: Vec<MemberId> = alive.iter().copied().chain(joining.map(|(&id, _)| id)).collect();
        if alive.first() != Some(&self.me) {
            return;
        }
        let mut try_number = 0;
        if let Some(change) = &self.change {
            let is_stuck = now >= change.since + self.suspect_after * PATIENCE
                || change.view.members.iter().any(|&member| self.is_suspected(member, now));
            if !is_stuck {
                return;
            }
            try_number = change.attempt.try_number + 1;
        } else if members == view.members {
            return;
        }
        let number = view.id.number + 1;
        let is_primary = partition::is_primary(view, &members);
        let attempt = Attempt { number, try_number, coordinator: self.me };
        let id = ViewId { number, coordinator: self.me };
        let (old, view) = (view.id, View { id, members, is_primary });
        self.shout(&Message::Propose { attempt, old, view: view.clone() });
        self.handle_proposal(attempt, old, view, now);
    }

    /// There is no group, as far as is known: the lowest of those that are waiting founds one.
    fn found(&mut self, now: Time) {
        let began = *self.began.get_or_insert(now);
        let hears_lower =
            self.joining.iter().any(|(&id, &heard)| id < self.me && now < heard + self.suspect_after);
        let hears_group = self
            .heard
            .iter()
            .any(|(id, &heard)| !self.joining.contains_key(id) && now < heard + self.suspect_after);
        if self.can_found
            && self.change.is_none()
            && now >= began + self.suspect_after + FOUND_AFTER
            && !hears_lower
            && !hears_group
        {
            let id = ViewId { number: 1, coordinator: self.me };
            let view = View { id, members: vec![self.me], is_primary: true };
            self.install(Attempt { number: 1, try_number: 0, coordinator: self.me }, view, now);
        }
    }

    /// Takes part in a change of view: stops, and has the layer below say what is here.
    fn handle_proposal(&mut self, attempt: Attempt, old: ViewId, view: View, now: Time) {
        let is_known = self.change.as_ref().is_some_and(|change| change.attempt >= attempt);
        let fits = self.view.as_ref().is_none_or(|mine| mine.id == old) && view.members.contains(&self.me);
        if is_known || !fits {
            return;
        }
        let (answers, ready) = (BTreeMap::new(), BTreeSet::new());
        let (have, cut) = (None, None);
        self.change =
            Some(Change { attempt, old, view, since: now, have, cut, is_ready: false, answers, ready });
        if self.view.is_some() {
            self.outputs.push_back(Output::Up(Up::Block));
            self.outputs.push_back(Output::Down(Down::Stop));
        } else {
            self.have(Received::default(), now);
        }
    }

    /// What this member has: it is told to the coordinator.
    fn have(&mut self, received: Received, now: Time) {
        let Some(change) = &mut self.change else { return };
        change.have = Some(received.clone());
        let attempt = change.attempt;
        if attempt.coordinator == self.me {
            change.answers.insert(self.me, received);
            self.cut(now);
        } else {
            self.shout(&Message::Have { attempt, received });
        }
    }

    /// The coordinator: when all have said what they have, all are to have all of it.
    fn cut(&mut self, now: Time) {
        let Some(change) = &mut self.change else { return };
        if change.cut.is_some()
            || change.view.members.iter().any(|member| !change.answers.contains_key(member))
        {
            return;
        }
        let mut all = Received::default();
        for received in change.answers.values() {
            for (&origin, (up_to, beyond)) in &received.0 {
                let entry = all.0.entry(origin).or_default();
                entry.0 = entry.0.max(*up_to);
                entry.1.extend(beyond);
            }
        }
        for (up_to, beyond) in all.0.values_mut() {
            beyond.retain(|number| number > up_to);
            beyond.sort_unstable();
            beyond.dedup();
        }
        let attempt = change.attempt;
        change.cut = Some(all.clone());
        self.shout(&Message::Cut { attempt, received: all.clone() });
        self.outputs.push_back(Output::Down(Down::Reach(all)));
        let _ = now;
    }

    /// This member has all it should have.
    fn ready(&mut self, now: Time) {
        let Some(change) = &mut self.change else { return };
        change.is_ready = true;
        let attempt = change.attempt;
        if attempt.coordinator == self.me {
            change.ready.insert(self.me);
            self.finish(now);
        } else {
            self.shout(&Message::Ready { attempt });
        }
    }

    /// The coordinator: when all are ready, the view begins.
    fn finish(&mut self, now: Time) {
        let Some(change) = &self.change else { return };
        if change.view.members.iter().all(|member| change.ready.contains(member)) {
            let (attempt, view) = (change.attempt, change.view.clone());
            self.shout(&Message::Install { attempt, view: view.clone() });
            self.install(attempt, view, now);
        }
    }

    fn install(&mut self, attempt: Attempt, view: View, now: Time) {
        (self.change, self.left_behind, self.installed) = (None, None, Some(attempt));
        for member in &view.members {
            self.joining.remove(member);
            self.heard.insert(*member, now);
        }
        let suspect_after = self.suspect_after;
        self.heard.retain(|_, &mut heard| now < heard + suspect_after);
        self.outputs.push_back(Output::Down(Down::Begin(view.clone())));
        self.outputs.push_back(Output::Up(Up::View(view.clone())));
        self.view = Some(view);
    }

    /// Says again what may have been lost.
    fn repeat(&mut self, now: Time) {
        match &self.view {
            None => self.shout(&Message::Join),
            Some(view) => {
                let (size, is_primary) = (view.members.len(), view.is_primary);
                self.shout(&Message::Alive { view: view.id, size, is_primary });
            }
        }
        let Some(change) = &self.change else { return };
        let attempt = change.attempt;
        if attempt.coordinator == self.me {
            let message = match &change.cut {
                None => Message::Propose { attempt, old: change.old, view: change.view.clone() },
                Some(received) => Message::Cut { attempt, received: received.clone() },
            };
            self.shout(&message);
        } else if change.is_ready {
            self.shout(&Message::Ready { attempt });
        } else if let Some(received) = change.have.clone().filter(|_| change.cut.is_none()) {
            self.shout(&Message::Have { attempt, received });
        }
        // One that waits for a view and hears of its coordinator no more is as it was before.
        if self.view.is_none() && self.is_suspected(attempt.coordinator, now) {
            self.change = None;
        }
    }
}

impl Layer for Membership {
    fn handle_down(&mut self, down: Down, _now: Time) {
        self.outputs.push_back(Output::Down(down));
    }

    fn handle_up(&mut self, up: Up, now: Time) {
        match up {
            Up::Shout { from, bytes } => {
                if let Some((message, _)) = unwrap::<Message>(&bytes)
                    && from != self.me
                    && !self.is_excluded
                {
                    self.handle_message(from, message, now);
                }
            }
            Up::Have(received) => self.have(received, now),
            Up::Reached => self.ready(now),
            up => self.outputs.push_back(Output::Up(up)),
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn deadline(&self) -> Option<Time> {
        (!self.is_excluded).then_some(self.next_tick)
    }

    fn handle_timeout(&mut self, now: Time) {
        if now >= self.next_tick && !self.is_excluded {
            self.next_tick = now + TICK;
            self.repeat(now);
            self.coordinate(now);
        }
    }
}
