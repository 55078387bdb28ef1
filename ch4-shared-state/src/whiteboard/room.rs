//! One room: a canvas under one of the two policies, the people, and who has to be told what. Sans-I/O: it returns what is
//! to be delivered.

use std::collections::BTreeMap;

use common::core::service::PeerId;

use super::arrival::Arrivals;
use super::canvas::{Cell, Colour};
use super::clock::{Replica, fence};
use super::crdt::{NotBelieved, Shared};
use super::protocol::{FromBrowser, FromServer, Key, PIXELS_LIMIT, Painted};
use super::register::Merge;

/// Most people in a room: each stroke goes to each of them.
pub const PEOPLE_LIMIT: usize = 200;

/// What someone is told whose number somebody else has. The page knows to draw another.
pub const TAKEN: &str = "this number is somebody else's";

/// How collisions are resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// The server decides: the last arrival wins.
    Server,
    /// The drawers decide together: a register per pixel.
    Collaborative,
}

impl Policy {
    /// Both.
    pub const ALL: [Policy; 2] = [Policy::Server, Policy::Collaborative];

    /// The room's name, and after a slash its path.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Policy::Server => "server",
            Policy::Collaborative => "collaborative",
        }
    }
}

/// A room.
#[derive(Debug)]
pub struct Room {
    policy: Policy,
    /// Which run of the server this is: the numbers of one run say nothing in the next.
    run: u64,
    canvas: Board,
    /// By pixel: what lost there in a collision with what is there now. It is told to who comes later, too.
    lost: BTreeMap<Cell, Painted>,
    people: BTreeMap<PeerId, Person>,
}

#[derive(Debug)]
enum Board {
    Server(Arrivals),
    Collaborative(Shared),
}

#[derive(Debug)]
struct Person {
    replica: Replica,
    key: Key,
    name: String,
}

/// What the room wants delivered. In this order: whoever gets more than one, gets them in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// To one.
    To(PeerId, FromServer),
    /// To all who have said hello.
    ToAll(FromServer),
    /// To all but one.
    ToOthers(PeerId, FromServer),
    /// This connection ends, and that is why.
    Dismiss(PeerId, String),
}

impl Room {
    /// An empty one; `run` is another number for every start of the server.
    #[must_use]
    pub fn new(policy: Policy, run: u64) -> Room {
        let canvas = match policy {
            Policy::Server => Board::Server(Arrivals::default()),
            Policy::Collaborative => Board::Collaborative(Shared::default()),
        };
        Room { policy, run, canvas, lost: BTreeMap::new(), people: BTreeMap::new() }
    }

    /// Everybody in it.
    pub fn people(&self) -> impl Iterator<Item = PeerId> {
        self.people.keys().copied()
    }

    /// Someone says something; `now_ms` is the server's wall clock, milliseconds since 1970.
    pub fn hear(&mut self, from: PeerId, message: FromBrowser, now_ms: u64) -> Vec<Delivery> {
        let dismiss = |why: &str| vec![Delivery::Dismiss(from, why.to_owned())];
        let replica = self.people.get(&from).map(|person| person.replica);
        match (message, replica, &mut self.canvas) {
            (FromBrowser::Hello { .. }, Some(_), _) => dismiss("hello is said once"),
            (FromBrowser::Hello { name, replica, key }, None, _) => {
                self.welcome(from, Person { replica, key, name })
            }
            (_, None, _) => dismiss("the first message is hello"),
            (FromBrowser::Cursor { cell }, Some(who), _) => {
                vec![Delivery::ToOthers(from, FromServer::Cursor { who, cell })]
            }
            (FromBrowser::Paint { seen, pixels }, Some(who), Board::Server(canvas)) => {
                vec![paint(canvas, &mut self.lost, who, seen, pixels, now_ms)]
            }
            (FromBrowser::Merge { writes }, Some(_), Board::Collaborative(canvas)) => {
                let (news, refused) = merge(canvas, &mut self.lost, &writes, now_ms);
                let dismiss = refused.map(|error| Delivery::Dismiss(from, error.to_string()));
                news.into_iter().chain(dismiss).collect()
            }
            (FromBrowser::Paint { .. }, Some(_), Board::Collaborative(_)) => dismiss("here one merges"),
            (FromBrowser::Merge { .. }, Some(_), Board::Server(_)) => dismiss("here the server decides"),
        }
    }

    /// Someone is gone.
    pub fn leave(&mut self, from: PeerId) -> Vec<Delivery> {
        let gone = self.people.remove(&from);
        gone.into_iter().map(|person| Delivery::ToAll(FromServer::Left { who: person.replica })).collect()
    }

    /// Whether somebody else has that number here: with another key.
    #[must_use]
    pub fn is_taken(&self, replica: Replica, key: &Key) -> bool {
        self.people.values().any(|person| person.replica == replica && person.key != *key)
    }

    /// Whether somebody else in it is called so.
    #[must_use]
    pub fn has_other(&self, name: &str, replica: Replica) -> bool {
        self.people.values().any(|person| person.name == name && person.replica != replica)
    }

    fn welcome(&mut self, from: PeerId, person: Person) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        let replica = person.replica;
        if self.is_taken(replica, &person.key) {
            return vec![Delivery::Dismiss(from, TAKEN.to_owned())];
        }
        // Back after a cut, before the server has noticed it: the old connection is a dead one.
        let old = self.people.iter().find(|(_, person)| person.replica == replica).map(|(&client, _)| client);
        let old_name = old.and_then(|old| self.people.remove(&old)).map(|person| person.name);
        deliveries.extend(old.map(|old| Delivery::Dismiss(old, "this replica has come again".to_owned())));
        if self.people.len() >= PEOPLE_LIMIT {
            return vec![Delivery::Dismiss(from, format!("the room is full: {PEOPLE_LIMIT} are in it"))];
        }
        if old_name.as_ref() != Some(&person.name) {
            let came = FromServer::Came { who: replica, name: person.name.clone() };
            deliveries.push(Delivery::ToOthers(from, came));
        }
        self.people.insert(from, person);
        let (time, writes) = match &self.canvas {
            Board::Server(canvas) => (canvas.last(), canvas.written().collect::<Vec<_>>()),
            Board::Collaborative(canvas) => (canvas.time(), canvas.written().collect()),
        };
        let welcome = FromServer::Welcome {
            room: self.policy.name().to_owned(),
            time,
            writes: writes.into_iter().map(|(cell, write)| Painted::new(cell, write)).collect(),
            run: self.run,
            lost: self.lost.values().take(PIXELS_LIMIT).copied().collect(),
            people: self.people.values().map(|person| (person.replica, person.name.clone())).collect(),
        };
        deliveries.push(Delivery::To(from, welcome));
        deliveries
    }
}

fn paint(
    canvas: &mut Arrivals,
    lost: &mut BTreeMap<Cell, Painted>,
    who: Replica,
    seen: u64,
    pixels: Vec<(Cell, Colour)>,
    now_ms: u64,
) -> Delivery {
    let (mut writes, mut collisions) = (Vec::with_capacity(pixels.len()), Vec::new());
    for (cell, colour) in pixels {
        let (write, beaten) = canvas.arrive(cell, colour, who, seen, now_ms);
        writes.push(Painted::new(cell, write));
        let loser = beaten.map(|loser| Painted::new(cell, loser));
        mark(lost, cell, loser);
        collisions.extend(loser.map(|loser| (Painted::new(cell, write), loser)));
    }
    Delivery::ToAll(FromServer::Painted { writes, collisions })
}

/// Keeps what lost to the pixel's new write, and forgets what lost to the one before.
fn mark(lost: &mut BTreeMap<Cell, Painted>, cell: Cell, loser: Option<Painted>) {
    match loser {
        Some(loser) => lost.insert(cell, loser),
        None => lost.remove(&cell),
    };
}

/// Only what won is told: what lost is nobody's pixel. A collision is told once. A write that is not believed ends the message; what came before it
/// is in the canvas, and so is told all the same.
fn merge(
    canvas: &mut Shared,
    lost: &mut BTreeMap<Cell, Painted>,
    told: &[Painted],
    now_ms: u64,
) -> (Option<Delivery>, Option<NotBelieved>) {
    let (mut writes, mut collisions, mut refused) = (Vec::with_capacity(told.len()), Vec::new(), None);
    for &painted in told {
        let here = |write| Painted::new(painted.cell(), write);
        let write = painted.write();
        let is_ahead = write.stamp.time > fence(now_ms);
        match if is_ahead { Err(NotBelieved(write)) } else { canvas.merge(painted.cell(), write) } {
            Ok(Merge::Known) => {}
            Ok(Merge::Won { collided }) => {
                writes.push(painted);
                mark(lost, painted.cell(), collided.map(here));
                collisions.extend(collided.map(|loser| (painted, here(loser))));
            }
            Ok(Merge::Lost { collided }) => {
                // One that is back tells what lost while it was away, and may not be the first to tell it.
                if let Some(winner) = collided
                    && lost.insert(painted.cell(), painted) != Some(painted)
                {
                    collisions.push((here(winner), painted));
                }
            }
            Err(error) => {
                refused = Some(error);
                break;
            }
        }
    }
    let news = !writes.is_empty() || !collisions.is_empty();
    (news.then_some(Delivery::ToAll(FromServer::Painted { writes, collisions })), refused)
}

#[cfg(test)]
mod tests;
