//! The whiteboard's canvas: as a data type that several write to, and as two rooms with people in them.

mod page;

use ch4_shared_state::whiteboard::canvas::{Cell, Colour};
use ch4_shared_state::whiteboard::clock::{LAST_TIME, Replica, Stamp, fence};
use ch4_shared_state::whiteboard::crdt::Shared;
use ch4_shared_state::whiteboard::protocol::{FromBrowser, FromServer, Key, Painted};
use ch4_shared_state::whiteboard::register::{Merge, Write};
use ch4_shared_state::whiteboard::room::{Delivery, Policy, Room};
use common::core::service::PeerId;

use super::tape::Tape;
use page::Page;

/// The server's wall clock.
const NOW_MS: u64 = 1 << 40;
/// So many writes are more than a script makes.
const MANY: u64 = 1 << 20;

/// Three replicas that paint, hear of each other, and are told of writes that nobody made. Whoever gets the same writes holds the
/// same canvas: in whatever order, however often.
pub fn crdt(script: &[u8]) {
    let mut replicas = [Shared::default(), Shared::default(), Shared::default()];
    let mut writes: Vec<(Cell, Write)> = Vec::new();
    let mut tape = Tape(script);
    while !tape.is_over() {
        let step = tape.byte();
        let who = usize::from(step >> 4) % 3;
        match step % 4 {
            0 | 1 => {
                let (cell, colour) = (cell(&mut tape), colour(&mut tape));
                writes.push((cell, replicas[who].paint(cell, colour, Replica(who as u32), 0)));
            }
            2 => {
                let told: Vec<_> = replicas[usize::from(tape.byte()) % 3].written().collect();
                merge(&mut replicas[who], &told);
            }
            _ => {
                let told = (cell(&mut tape), write(&mut tape, MANY));
                merge(&mut replicas[who], &[told]);
                writes.push(told);
            }
        }
    }
    let backwards: Vec<_> = writes.iter().rev().copied().collect();
    let middle = writes.len() / 2;
    let twice_from_the_middle = [&writes[middle..], &writes, &writes[..middle]].concat();
    let canvas = after(&writes);
    assert_eq!(after(&backwards), canvas);
    assert_eq!(after(&twice_from_the_middle), canvas);
    // And those who were there in the middle of it.
    for replica in &mut replicas {
        merge(replica, &writes);
        assert_eq!(replica.written().collect::<Vec<_>>(), canvas);
    }
}

fn after(writes: &[(Cell, Write)]) -> Vec<(Cell, Write)> {
    let mut replica = Shared::default();
    merge(&mut replica, writes);
    replica.written().collect()
}

fn merge(replica: &mut Shared, writes: &[(Cell, Write)]) {
    for &(cell, write) in writes {
        let Ok(merged) = replica.merge(cell, write) else {
            assert!(write.over >= write.stamp, "all else is believed: {write:?}");
            continue;
        };
        match (merged, replica.merge(cell, write)) {
            (Merge::Known | Merge::Won { .. }, again) => assert_eq!(again, Ok(Merge::Known)),
            (lost, again) => assert_eq!(again, Ok(lost)),
        }
        assert!(replica.time() >= write.stamp.time);
    }
}

/// Few cells, so that writes meet.
fn cell(tape: &mut Tape<'_>) -> Cell {
    u16::from(tape.byte() % 3).try_into().expect("it is on the canvas")
}

fn colour(tape: &mut Tape<'_>) -> Colour {
    (tape.byte() % 16).try_into().expect("it is in the palette")
}

/// A write as somebody may send it who made it up.
fn write(tape: &mut Tape<'_>, last: u64) -> Write {
    let colour = colour(tape);
    let mut stamp = |first: u64| Stamp {
        time: tape.pick(&[first, 1, 2, 3, 5, 8, last]),
        by: Replica(u32::from(tape.byte()) % 3),
    };
    Write { colour, stamp: stamp(1), over: stamp(0), at_ms: 0 }
}

/// A room under either policy, and four people who come and go, draw, are cut off, and lie. In the end all hold one canvas: the
/// room's.
pub fn rooms(script: &[u8]) {
    let mut tape = Tape(script);
    let policy = tape.pick(&Policy::ALL);
    let mut world =
        World { room: Room::new(policy, 1), pages: (0..4).map(|who| Page::new(policy, who)).collect() };
    while !tape.is_over() {
        world.act(&mut tape);
    }
    world.end();
}

struct World {
    room: Room,
    pages: Vec<Page>,
}

impl World {
    fn act(&mut self, tape: &mut Tape<'_>) {
        let step = tape.byte();
        let who = usize::from(step >> 4) % self.pages.len();
        match step % 8 {
            0 => self.say(who, hello("Ann", self.pages[who].replica)),
            1..=2 => self.pages[who].paint(cell(tape), colour(tape)),
            3 => self.flush(who),
            4 => self.leave(who),
            5 => self.say(who, FromBrowser::Cursor { cell: Some(cell(tape)) }),
            6 => {
                let pixels = vec![(cell(tape), colour(tape)), (cell(tape), colour(tape))];
                self.say(who, FromBrowser::Paint { seen: tape.byte().into(), pixels });
            }
            _ => {
                let last = tape.pick(&[9, fence(NOW_MS) - MANY, fence(NOW_MS) + 9, LAST_TIME, u64::MAX]);
                let lie = |tape: &mut Tape<'_>| Painted::new(cell(tape), write(tape, last));
                let writes = vec![lie(tape), lie(tape)];
                self.say(who, FromBrowser::Merge { writes });
            }
        }
    }

    fn say(&mut self, who: usize, message: FromBrowser) {
        let deliveries = self.room.hear(client(who), message, NOW_MS);
        self.deliver(deliveries);
    }

    fn flush(&mut self, who: usize) {
        if self.pages[who].is_welcome
            && let Some(message) = self.pages[who].flush()
        {
            self.say(who, message);
        }
    }

    fn leave(&mut self, who: usize) {
        self.pages[who].is_welcome = false;
        let deliveries = self.room.leave(client(who));
        self.deliver(deliveries);
    }

    fn deliver(&mut self, deliveries: Vec<Delivery>) {
        let people: Vec<PeerId> = self.room.people().collect();
        for delivery in deliveries {
            let (to, message) = match delivery {
                Delivery::To(one, message) => (vec![one], message),
                Delivery::ToAll(message) => (people.clone(), message),
                Delivery::ToOthers(one, message) => {
                    (people.iter().copied().filter(|other| *other != one).collect(), message)
                }
                Delivery::Dismiss(one, _) => {
                    self.leave(number(one));
                    continue;
                }
            };
            for client in to {
                self.hear(number(client), &message);
            }
        }
    }

    fn hear(&mut self, who: usize, message: &FromServer) {
        let Some(page) = self.pages.get_mut(who) else { return }; // the observer
        page.hear(message);
    }

    /// Everybody comes, if they are not there, and says what they have to say.
    fn end(mut self) {
        for who in 0..self.pages.len() {
            if !self.pages[who].is_welcome {
                let replica = self.pages[who].replica;
                self.say(who, hello("Ann", replica));
            }
            self.flush(who);
        }
        let observer = self.pages.len();
        let deliveries = self.room.hear(client(observer), hello("observer", Replica(99)), NOW_MS);
        let canvas = deliveries.iter().find_map(|delivery| match delivery {
            Delivery::To(_, FromServer::Welcome { writes, .. }) => Some(writes.clone()),
            _ => None,
        });
        for page in &self.pages {
            assert_eq!(Some(page.canvas()), canvas);
        }
    }
}

fn hello(name: &str, replica: Replica) -> FromBrowser {
    FromBrowser::Hello { name: name.into(), replica, key: Key([replica.0; 4]) }
}

fn client(who: usize) -> PeerId {
    PeerId(who as u64)
}

fn number(client: PeerId) -> usize {
    client.0 as usize
}
