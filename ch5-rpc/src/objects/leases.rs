//! Which objects are still referred to, and by which clients: leases. Sans-I/O, in whatever time its caller has.
//!
//! ```text
//!   introduced to A ──► held by A until t + lease ── dirty from A, at half the lease ──► held for another lease
//!                                │ clean from A                    │ nothing from A, for the lease and the grace
//!                                ▼                                 ▼
//!                           not held by A                     not held by A: its next renewal is told `expired`
//!   held by nobody, no local root ──► collected
//! ```
//!
//! Four things can go wrong in it, and each has its remedy, as in Java's distributed garbage collection:
//!
//! | what | remedy |
//! |---|---|
//! | a dirty comes late, after the clean that was sent behind it | sequence numbers: it does not revive |
//! | a clean comes late, after the dirty that was sent behind it | sequence numbers: it does not kill |
//! | a clean crosses an answer that introduces the object again | a clean says how many introductions its sender has seen |
//! | a renewal is under way when the lease ends | a grace |
//!
//! A client that was away for longer is not taken back in silence: it is told, because it may have missed that its object went. An id is
//! never used twice, so a reference that has expired cannot come to mean another object.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::origin::Origin;

/// Most objects that one client holds.
pub const HOLDS: usize = 1000;

/// Most holds of all clients.
pub const ALL_HOLDS: usize = 100_000;

/// Of them, those of one address, however many clients it is: with all of them taken by one, nobody else could refer to anything.
pub const SHARE: usize = ALL_HOLDS / 4;

/// Tells one client from another: random, made by the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientId(pub u64);

/// A client, and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The client.
    pub client: ClientId,
    /// Whose share its holds take; `None` is nobody's.
    pub origin: Option<Origin>,
}

impl From<ClientId> for Caller {
    fn from(client: ClientId) -> Caller {
        Caller { client, origin: None }
    }
}

/// Holds an object from its creation to its first introduction.
const NOBODY: ClientId = ClientId(0);

/// The leases of a server.
#[derive(Debug)]
pub struct Leases {
    lease: Duration,
    grace: Duration,
    objects: BTreeMap<String, Holders>,
    /// By client and object, what the newest message said; kept for a while after the end of a hold, for late ones.
    holds: BTreeMap<(ClientId, String), Hold>,
    /// How many of them each address has.
    shares: BTreeMap<Origin, usize>,
}

#[derive(Debug, Default)]
struct Holders {
    clients: BTreeSet<ClientId>,
    roots: usize,
}

#[derive(Debug, Clone, Copy)]
struct Hold {
    sequence: u64,
    introductions: u32,
    origin: Option<Origin>,
    /// While it is held: the end of the lease. After it: when it is forgotten.
    until: Instant,
}

impl Leases {
    /// Leases of this length. Whether one is over is seen `grace` later.
    #[must_use]
    pub fn new(lease: Duration, grace: Duration) -> Leases {
        Leases { lease, grace, objects: BTreeMap::new(), holds: BTreeMap::new(), shares: BTreeMap::new() }
    }

    /// How long a lease is. It is to be renewed at half of it.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.lease
    }

    /// An object is under leases from now on. It has one lease until the first reference to it is given away.
    pub fn add(&mut self, id: &str, now: Instant) {
        self.objects.insert(id.to_owned(), Holders { clients: BTreeSet::from([NOBODY]), roots: 0 });
        let hold = Hold { sequence: 0, introductions: 0, origin: None, until: now + self.lease };
        self.holds.insert((NOBODY, id.to_owned()), hold);
    }

    /// Whether an object is under leases.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.objects.contains_key(id)
    }

    /// An object was taken out for another reason.
    pub fn remove(&mut self, id: &str) {
        self.objects.remove(id);
    }

    /// Something in this process needs the object: a local root.
    pub fn add_root(&mut self, id: &str) {
        if let Some(holders) = self.objects.get_mut(id) {
            holders.roots += 1;
        }
    }

    /// It needs it no longer. If nobody else does, [`handle_timeout`](Leases::handle_timeout) collects the object.
    pub fn remove_root(&mut self, id: &str) {
        if let Some(holders) = self.objects.get_mut(id) {
            holders.roots = holders.roots.saturating_sub(1);
        }
    }

    /// A reference is given to a client: the answer that carries it is a lease already. Whether there is room for it.
    pub fn introduce(&mut self, caller: impl Into<Caller>, id: &str, now: Instant) -> bool {
        let caller = caller.into();
        let (client, has_room) = (caller.client, self.has_room(caller));
        let Some(holders) = self.objects.get_mut(id) else { return true };
        if !has_room {
            return false;
        }
        holders.clients.remove(&NOBODY);
        holders.clients.insert(client);
        let until = now + self.lease;
        let hold = self.hold(caller, id, until);
        hold.introductions = hold.introductions.wrapping_add(1);
        hold.until = until;
        true
    }

    /// What the newest message of a client has said of an object; nothing yet, if there was none.
    fn hold(&mut self, caller: Caller, id: &str, until: Instant) -> &mut Hold {
        let Caller { client, origin } = caller;
        let shares = &mut self.shares;
        self.holds.entry((client, id.to_owned())).or_insert_with(|| {
            if let Some(origin) = origin {
                *shares.entry(origin).or_default() += 1;
            }
            Hold { sequence: 0, introductions: 0, origin, until }
        })
    }

    /// A client refers to these objects, which it has been given by someone else: its lease begins. Those that are not there.
    pub fn begin(
        &mut self,
        caller: impl Into<Caller>,
        sequence: u64,
        ids: &[String],
        now: Instant,
    ) -> Vec<String> {
        let caller = caller.into();
        let client = caller.client;
        let mut refused = Vec::new();
        for id in ids {
            if self.is_late(client, id, sequence) {
                continue;
            }
            let is_held = self.objects.contains_key(id) && self.introduce(caller, id, now);
            match self.holds.get_mut(&(client, id.clone())) {
                Some(hold) if is_held => hold.sequence = sequence,
                _ => refused.push(id.clone()),
            }
        }
        refused
    }

    /// A client still refers to these objects. Those whose lease is over.
    pub fn dirty(&mut self, client: ClientId, sequence: u64, ids: &[String], now: Instant) -> Vec<String> {
        self.expire(now);
        let mut expired = Vec::new();
        for id in ids {
            if self.is_late(client, id, sequence) {
                continue;
            }
            let is_held = self.objects.get(id).is_some_and(|holders| holders.clients.contains(&client));
            match self.holds.get_mut(&(client, id.clone())) {
                Some(hold) if is_held => (hold.sequence, hold.until) = (sequence, now + self.lease),
                _ => expired.push(id.clone()),
            }
        }
        expired
    }

    /// A client refers to these objects no longer, of which it has seen so many introductions.
    pub fn clean(&mut self, caller: impl Into<Caller>, sequence: u64, ids: &[(String, u32)], now: Instant) {
        let caller = caller.into();
        let client = caller.client;
        for (id, introductions) in ids {
            if self.is_late(client, id, sequence) {
                continue;
            }
            if !self.objects.contains_key(id) || !self.has_room(caller) {
                continue;
            }
            // Also if it holds nothing: the message that begins the lease may come behind this one.
            let until = now + self.lease + self.grace; // remembered for so long
            let hold = self.hold(caller, id, until);
            hold.sequence = sequence;
            if hold.introductions == *introductions {
                hold.until = until;
                if let Some(holders) = self.objects.get_mut(id) {
                    holders.clients.remove(&client);
                }
            }
        }
    }

    /// When [`handle_timeout`](Leases::handle_timeout) is to be called next.
    #[must_use]
    pub fn deadline(&self, now: Instant) -> Option<Instant> {
        let is_garbage = self.objects.values().any(Holders::is_garbage);
        let end = self.holds.values().map(|hold| hold.until + self.grace).min();
        if is_garbage { Some(now) } else { end }
    }

    /// Time has passed: the objects that nothing needs any more, to be taken out.
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<String> {
        self.expire(now);
        let garbage: Vec<String> = self
            .objects
            .iter()
            .filter(|(_, holders)| holders.is_garbage())
            .map(|(id, _)| id.clone())
            .collect();
        for id in &garbage {
            self.objects.remove(id);
        }
        garbage
    }

    fn expire(&mut self, now: Instant) {
        let (objects, shares, grace) = (&mut self.objects, &mut self.shares, self.grace);
        self.holds.retain(|(client, id), hold| {
            let is_over = hold.until + grace <= now;
            if is_over && let Some(holders) = objects.get_mut(id) {
                holders.clients.remove(client);
            }
            if is_over && let Some(origin) = hold.origin {
                let rest = shares.get(&origin).map_or(0, |count| count.saturating_sub(1));
                if rest > 0 {
                    shares.insert(origin, rest)
                } else {
                    shares.remove(&origin)
                };
            }
            !is_over
        });
    }

    fn has_room(&self, Caller { client, origin }: Caller) -> bool {
        let share = origin.and_then(|origin| self.shares.get(&origin)).copied().unwrap_or_default();
        let held =
            self.holds.range((client, String::new())..).take_while(|((holder, _), _)| *holder == client);
        held.count() < HOLDS && self.holds.len() < ALL_HOLDS && share < SHARE
    }

    /// Whether a newer message of this client has said something of this object.
    fn is_late(&self, client: ClientId, id: &str, sequence: u64) -> bool {
        self.holds.get(&(client, id.to_owned())).is_some_and(|hold| sequence <= hold.sequence)
    }
}

impl Holders {
    fn is_garbage(&self) -> bool {
        self.clients.is_empty() && self.roots == 0
    }
}

#[cfg(test)]
mod tests;
