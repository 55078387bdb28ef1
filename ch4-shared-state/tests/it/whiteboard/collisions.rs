//! The same collision under both policies; cuts; and many at once, who all end with one canvas.

use std::collections::BTreeMap;
use std::thread;

use ch4_shared_state::whiteboard::canvas::{Cell, Colour};
use ch4_shared_state::whiteboard::clock::{Replica, Stamp};
use ch4_shared_state::whiteboard::crdt::Shared;
use ch4_shared_state::whiteboard::protocol::{FromBrowser, Painted};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::support::Server;
use crate::whiteboard::serve;
use crate::whiteboard::user::User;

fn cell(place: u16) -> Cell {
    place.try_into().unwrap()
}

fn colour(number: u8) -> Colour {
    number.try_into().unwrap()
}

/// Paints in a replica of one's own, and tells the room.
fn paint(user: &mut User, replica: &mut Shared, by: u32, place: u16, number: u8) -> Painted {
    let painted = Painted::new(cell(place), replica.paint(cell(place), colour(number), Replica(by), 0));
    user.send(&FromBrowser::Merge { writes: vec![painted] });
    painted
}

#[test]
fn the_server_numbers_what_arrives_and_the_last_arrival_wins() {
    let server = serve(&[]);
    let (mut ann, _) = User::join(server.address, "server", "Ann", 1);
    let (mut bob, _) = User::join(server.address, "server", "Bob", 2);
    ann.paint(0, [(70, 3)]);
    let (first, none) = ann.painted();
    assert_eq!((bob.painted(), none), ((first.clone(), Vec::new()), Vec::new()));
    bob.paint(0, [(70, 5), (71, 5)]); // drawn before Ann's stroke was seen
    let (second, collisions) = ann.painted();
    assert_eq!(bob.painted(), (second.clone(), collisions.clone()));
    assert_eq!(collisions, [(second[0], first[0])]);
    let stamps: Vec<Stamp> = second.iter().map(|painted| painted.write().stamp).collect();
    assert_eq!(stamps, [2, 3].map(|time| Stamp { time, by: Replica(2) }));
    let (_, welcome) = User::join(server.address, "server", "Carol", 3);
    assert_eq!((welcome.time, welcome.writes), (3, second));
}

#[test]
fn what_was_drawn_offline_arrives_last_at_the_server_and_wins() {
    let server = serve(&[]);
    let (ann, _) = User::join(server.address, "server", "Ann", 1);
    drop(ann); // cut off, she draws on: her page keeps it, with the number that she had seen
    let (mut bob, _) = User::join(server.address, "server", "Bob", 2);
    bob.paint(0, [(70, 5)]);
    bob.painted();
    let (mut ann, welcome) = User::join(server.address, "server", "Ann", 1);
    assert_eq!(welcome.writes.len(), 1);
    ann.paint(0, [(70, 3)]);
    let (writes, collisions) = bob.painted();
    assert_eq!((writes[0].write().stamp.by, collisions.len()), (Replica(1), 1));
}

#[test]
fn the_drawers_agree_on_the_winner_whichever_arrives_first() {
    for ann_is_first in [true, false] {
        let server = serve(&[]);
        let (mut ann, _) = User::join(server.address, "collaborative", "Ann", 1);
        let (mut bob, _) = User::join(server.address, "collaborative", "Bob", 2);
        let (mut anns, mut bobs) = (Shared::default(), Shared::default());
        let (by_ann, by_bob);
        if ann_is_first {
            by_ann = paint(&mut ann, &mut anns, 1, 70, 3);
            assert_eq!(bob.painted().0, [by_ann]);
            by_bob = paint(&mut bob, &mut bobs, 2, 70, 5); // not merged: he has not seen it
        } else {
            by_bob = paint(&mut bob, &mut bobs, 2, 70, 5);
            assert_eq!(ann.painted().0, [by_bob]);
            by_ann = paint(&mut ann, &mut anns, 1, 70, 3);
        }
        for user in [&mut ann, &mut bob] {
            let (_, collisions) =
                std::iter::repeat_with(|| user.painted()).find(|(_, all)| !all.is_empty()).unwrap();
            assert_eq!(collisions, [(by_bob, by_ann)]); // both at time 1: the greater replica
        }
        let (_, welcome) = User::join(server.address, "collaborative", "Carol", 3);
        assert_eq!(welcome.writes, [by_bob]);
    }
}

/// What page.html does: merge all that the server has, then give what is greater here.
fn come_back(server: &Server, replica: &mut Shared, name: &str, number: u32) -> User {
    let (mut user, welcome) = User::join(server.address, "collaborative", name, number);
    let theirs: BTreeMap<Cell, Painted> =
        welcome.writes.iter().map(|painted| (painted.cell(), *painted)).collect();
    for painted in &welcome.writes {
        replica.merge(painted.cell(), painted.write()).unwrap();
    }
    let lacks = |(cell, write): &(Cell, _)| theirs.get(cell) != Some(&Painted::new(*cell, *write));
    let writes: Vec<Painted> =
        replica.written().filter(lacks).map(|(cell, write)| Painted::new(cell, write)).collect();
    for writes in writes.chunks(500) {
        user.send(&FromBrowser::Merge { writes: writes.to_vec() });
    }
    user
}

#[test]
fn who_was_cut_off_and_who_was_not_end_with_the_same_canvas() {
    let server = serve(&[]);
    let (mut anns, mut bobs) = (Shared::default(), Shared::default());
    let mut bob = come_back(&server, &mut bobs, "Bob", 2);
    for place in 0..40 {
        anns.paint(cell(place), colour(3), Replica(1), 0); // offline
        paint(&mut bob, &mut bobs, 2, 20 + place, 5);
        assert_eq!(bob.painted().0.len(), 1);
    }
    let mut ann = come_back(&server, &mut anns, "Ann", 1);
    let mut told = 0;
    while told < 20 {
        let (writes, collisions) = bob.painted();
        assert!(collisions.iter().all(|(winner, loser)| winner.write().stamp > loser.write().stamp));
        told += writes.len();
        for painted in writes {
            bobs.merge(painted.cell(), painted.write()).unwrap();
        }
    }
    // Ann's twenty alone, and of the twenty in common those that have the greater stamp: hers are the greater times.
    assert_eq!(anns.written().collect::<Vec<_>>(), bobs.written().collect::<Vec<_>>());
    let (_, welcome) = User::join(server.address, "collaborative", "Carol", 3);
    let here: Vec<Painted> = anns.written().map(|(cell, write)| Painted::new(cell, write)).collect();
    assert_eq!((welcome.writes, here.len()), (here, 60));
    ann.socket.close(None).unwrap();
}

#[test]
fn a_server_that_is_started_anew_gets_the_shared_canvas_back_from_the_pages() {
    let mut anns = Shared::default();
    for place in 0..1000 {
        anns.paint(cell(place), colour(3), Replica(1), 0);
    }
    let server = serve(&[]); // knows nothing
    let mut ann = come_back(&server, &mut anns, "Ann", 1);
    assert_eq!((ann.painted().0.len(), ann.painted().0.len()), (500, 500));
    let (_, welcome) = User::join(server.address, "collaborative", "Bob", 2);
    assert_eq!((welcome.time, welcome.writes.len()), (1000, 1000));
}

/// Everybody draws where everybody draws, with what they have heard so far.
#[test]
fn many_at_once_end_with_one_canvas_under_both_policies() {
    const USERS: u32 = 6;
    const WRITES: usize = 200;
    let seed = 4;
    println!("seed {seed}");
    let server = serve(&["--model", "tokio"]);
    let address = server.address;
    let drawn: Vec<(BTreeMap<Cell, Painted>, Shared)> = thread::scope(|scope| {
        // All are there before anybody draws: so everybody is told everything.
        let joined: Vec<_> = (1..=USERS)
            .map(|number| {
                let central = User::join(address, "server", "user", number).0;
                (number, central, User::join(address, "collaborative", "user", number).0)
            })
            .collect();
        let users: Vec<_> = joined
            .into_iter()
            .map(|(number, mut central, mut shared)| {
                scope.spawn(move || {
                    let mut random = StdRng::seed_from_u64(seed + u64::from(number));
                    let (mut canvas, mut seen, mut replica) = (BTreeMap::new(), 0, Shared::default());
                    // Until all have told all: the last number is the count of all writes; in the shared room everybody
                    // ends with a mark of their own.
                    for step in 0..WRITES {
                        central.paint(seen, [(random.random_range(0..8), random.random_range(0..16))]);
                        paint(
                            &mut shared,
                            &mut replica,
                            number,
                            random.random_range(0..8),
                            random.random_range(0..16),
                        );
                        if step % 3 == 0 {
                            hear_server(&mut central, &mut canvas, &mut seen);
                        }
                    }
                    while seen < u64::from(USERS) * WRITES as u64 {
                        hear_server(&mut central, &mut canvas, &mut seen);
                    }
                    paint(&mut shared, &mut replica, number, 100 + number as u16, 1);
                    while replica.written().filter(|(cell, _)| u16::from(*cell) > 100).count()
                        < USERS as usize
                    {
                        for painted in shared.painted().0 {
                            replica.merge(painted.cell(), painted.write()).unwrap();
                        }
                    }
                    (canvas, replica)
                })
            })
            .collect();
        users.into_iter().map(|user| user.join().unwrap()).collect()
    });
    let (_, central) = User::join(address, "server", "late", 99);
    let (_, shared) = User::join(address, "collaborative", "late", 99);
    for (canvas, replica) in drawn {
        assert_eq!(canvas.into_values().collect::<Vec<_>>(), central.writes);
        let here: Vec<Painted> = replica.written().map(|(cell, write)| Painted::new(cell, write)).collect();
        assert_eq!(here, shared.writes);
    }
}

fn hear_server(user: &mut User, canvas: &mut BTreeMap<Cell, Painted>, seen: &mut u64) {
    for painted in user.painted().0 {
        assert_eq!(painted.write().stamp.time, *seen + 1, "one order for all, and no number left out");
        *seen += 1;
        canvas.insert(painted.cell(), painted);
    }
}
