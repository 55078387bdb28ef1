//! Who is told what, and how both policies resolve the same collision.

use super::*;
use crate::whiteboard::clock::Stamp;
use crate::whiteboard::register::Write;

const ANN: Replica = Replica(10);
const BOB: Replica = Replica(20);

/// The server's wall clock.
const NOW: u64 = 1_700_000_000_000;

fn hello(replica: Replica, name: &str) -> FromBrowser {
    FromBrowser::Hello { name: name.to_owned(), replica, key: Key([replica.0; 4]) }
}

fn cell(place: u16) -> Cell {
    place.try_into().unwrap()
}

/// Ann is client 1, Bob client 2.
fn room(policy: Policy) -> Room {
    let mut room = Room::new(policy, 1);
    room.hear(PeerId(1), hello(ANN, "Ann"), NOW);
    room.hear(PeerId(2), hello(BOB, "Bob"), NOW);
    room
}

fn paint(place: u16, colour: u8, seen: u64) -> FromBrowser {
    FromBrowser::Paint { seen, pixels: vec![(cell(place), colour.try_into().unwrap())] }
}

fn write(place: u16, colour: u8, time: u64, by: Replica, over: Stamp) -> Painted {
    let write = Write { colour: colour.try_into().unwrap(), stamp: Stamp { time, by }, over, at_ms: 0 };
    Painted::new(cell(place), write)
}

/// The one message of a delivery to all.
fn painted(deliveries: &[Delivery]) -> (Vec<Painted>, Vec<(Painted, Painted)>) {
    match deliveries {
        [Delivery::ToAll(FromServer::Painted { writes, collisions })] => (writes.clone(), collisions.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_comes_is_given_the_canvas_and_the_others_are_told() {
    let mut room = room(Policy::Server);
    room.hear(PeerId(1), paint(5, 3, 0), 99);
    let deliveries = room.hear(PeerId(3), hello(Replica(30), "Carol"), NOW);
    let came = FromServer::Came { who: Replica(30), name: "Carol".into() };
    assert_eq!(deliveries[0], Delivery::ToOthers(PeerId(3), came));
    let Delivery::To(to, FromServer::Welcome { time, writes, people, .. }) = &deliveries[1] else { panic!() };
    assert_eq!((*to, *time, writes.len(), people.len()), (PeerId(3), 1, 1, 3));
    assert_eq!(writes[0].write().at_ms, 99);
    assert_eq!(room.leave(PeerId(3)), [Delivery::ToAll(FromServer::Left { who: Replica(30) })]);
    assert_eq!(room.leave(PeerId(3)), []);
}

#[test]
fn the_server_lets_the_last_arrival_win_and_says_who_lost() {
    let mut room = room(Policy::Server);
    painted(&room.hear(PeerId(1), paint(5, 1, 0), NOW));
    let (writes, collisions) = painted(&room.hear(PeerId(2), paint(5, 2, 0), NOW));
    assert_eq!((writes[0].write().stamp, collisions.len()), (Stamp { time: 2, by: BOB }, 1));
    assert_eq!(collisions[0].1.write().stamp, Stamp { time: 1, by: ANN });
    let (_, collisions) = painted(&room.hear(PeerId(1), paint(5, 1, 2), NOW)); // has seen it: no collision
    assert_eq!(collisions, []);
}

#[test]
fn the_drawers_agree_whichever_write_arrives_first() {
    let none = Stamp::default();
    let (ann, bob) = (write(5, 1, 1, ANN, none), write(5, 2, 1, BOB, none));
    for (first, second) in [(ann, bob), (bob, ann)] {
        let mut room = room(Policy::Collaborative);
        painted(&room.hear(PeerId(1), FromBrowser::Merge { writes: vec![first] }, NOW));
        let (_, collisions) =
            painted(&room.hear(PeerId(2), FromBrowser::Merge { writes: vec![second] }, NOW));
        assert_eq!(collisions, [(bob, ann)]);
        let again = room.hear(PeerId(2), FromBrowser::Merge { writes: vec![bob] }, NOW);
        assert_eq!(again, []);
    }
}

#[test]
fn who_comes_again_takes_the_place_of_their_dead_connection() {
    let mut room = room(Policy::Collaborative);
    let deliveries = room.hear(PeerId(3), hello(ANN, "Ann"), NOW);
    assert!(matches!(deliveries[0], Delivery::Dismiss(old, _) if old == PeerId(1)));
    assert!(matches!(deliveries[1], Delivery::To(new, _) if new == PeerId(3)));
    assert_eq!((deliveries.len(), room.people().count()), (2, 2));
    assert_eq!(room.leave(PeerId(1)), []); // the dead one ends: nobody is gone
    let deliveries = room.hear(PeerId(4), hello(ANN, "Anna"), NOW); // by another name, which the others have to know
    assert!(matches!(&deliveries[1], Delivery::ToOthers(_, FromServer::Came { name, .. }) if name == "Anna"));
}

#[test]
fn a_number_is_theirs_who_have_its_key() {
    let mut room = room(Policy::Server);
    let eve = FromBrowser::Hello { name: "Ann".into(), replica: ANN, key: Key([0; 4]) };
    assert_eq!(room.hear(PeerId(3), eve.clone(), NOW), [Delivery::Dismiss(PeerId(3), TAKEN.into())]);
    painted(&room.hear(PeerId(1), paint(5, 1, 0), NOW)); // Ann is still there
    room.leave(PeerId(1));
    assert!(matches!(room.hear(PeerId(3), eve, NOW)[1], Delivery::To(..))); // nobody's number is anybody's
}

/// The oldest write of a canvas may be of any time: a liar has led the clock up to the fence, or a million strokes were drawn.
#[test]
fn a_canvas_outlives_its_server_whatever_its_times_are() {
    let mut room = room(Policy::Collaborative);
    let highest = write(3071, 1, fence(NOW), ANN, Stamp::default());
    painted(&room.hear(PeerId(1), FromBrowser::Merge { writes: vec![highest] }, NOW));
    let honest = write(0, 3, fence(NOW) + 1, BOB, Stamp::default());
    painted(&room.hear(PeerId(2), FromBrowser::Merge { writes: vec![honest] }, NOW + 1));
    let mut anew = self::room(Policy::Collaborative);
    let given = FromBrowser::Merge { writes: vec![honest, highest] };
    assert_eq!(painted(&anew.hear(PeerId(2), given, NOW + 2)).0, [honest, highest]);
}

/// Step by step gets nobody further than at once.
#[test]
fn no_chain_of_lies_leads_the_clock_beyond_the_fence() {
    let mut room = room(Policy::Collaborative);
    let chain: Vec<Painted> =
        (0..400).map(|step| write(3071, 1, fence(NOW) - 200 + step, ANN, Stamp::default())).collect();
    let deliveries = room.hear(PeerId(1), FromBrowser::Merge { writes: chain }, NOW);
    let [Delivery::ToAll(FromServer::Painted { writes, .. }), Delivery::Dismiss(..)] = &deliveries[..] else {
        panic!("{deliveries:?}")
    };
    assert_eq!(writes.last().unwrap().write().stamp.time, fence(NOW));
}

#[test]
fn who_does_not_keep_the_order_or_the_policy_is_dismissed() {
    let mut server = room(Policy::Server);
    let mut collaborative = room(Policy::Collaborative);
    let far = write(1, 1, fence(NOW) + 1, ANN, Stamp::default());
    let near = write(2, 1, 1, ANN, Stamp::default());
    for deliveries in [
        server.hear(PeerId(9), paint(1, 1, 0), NOW),
        server.hear(PeerId(1), hello(ANN, "Ann"), NOW),
        server.hear(PeerId(1), FromBrowser::Merge { writes: Vec::new() }, NOW),
        collaborative.hear(PeerId(1), paint(1, 1, 0), NOW),
    ] {
        assert!(matches!(&deliveries[..], [Delivery::Dismiss(..)]), "{deliveries:?}");
    }
    let deliveries = collaborative.hear(PeerId(1), FromBrowser::Merge { writes: vec![near, far] }, NOW);
    assert!(matches!(&deliveries[..], [Delivery::ToAll(_), Delivery::Dismiss(..)]), "{deliveries:?}");
}

#[test]
fn a_full_room_takes_nobody_more() {
    let mut room = Room::new(Policy::Server, 1);
    for number in 1..=PEOPLE_LIMIT {
        room.hear(PeerId(number as u64), hello(Replica(number as u32), "x"), NOW);
    }
    let deliveries = room.hear(PeerId(1000), hello(Replica(1000), "x"), NOW);
    assert!(matches!(&deliveries[..], [Delivery::Dismiss(..)]), "{deliveries:?}");
}

/// A page that comes back tells also what lost on its own canvas: the others have not seen it.
#[test]
fn what_lost_while_its_page_was_away_is_told_to_all_once_and_to_who_comes_later() {
    let none = Stamp::default();
    let (ann, bob) = (write(5, 1, 3, ANN, none), write(5, 2, 4, BOB, none));
    let mut room = room(Policy::Collaborative);
    let merge = |painted| FromBrowser::Merge { writes: vec![painted] };
    let lost = |room: &mut Room, client| match &room.hear(
        PeerId(client),
        hello(Replica(client as u32), "N"),
        NOW,
    )[..]
    {
        [_, Delivery::To(_, FromServer::Welcome { lost, .. })] => lost.clone(),
        other => panic!("{other:?}"),
    };
    painted(&room.hear(PeerId(2), merge(bob), NOW));
    assert_eq!(lost(&mut room, 3), []);
    assert_eq!(painted(&room.hear(PeerId(1), merge(ann), NOW)), (vec![], vec![(bob, ann)]));
    assert_eq!(room.hear(PeerId(1), merge(ann), NOW), [], "told already");
    assert_eq!(lost(&mut room, 4), [ann]);
    room.hear(PeerId(2), merge(write(5, 3, 5, BOB, bob.write().stamp)), NOW); // painted over: nothing is marked any more
    assert_eq!(lost(&mut room, 5), []);
}

#[test]
fn the_server_s_collisions_are_told_to_who_comes_later() {
    let mut room = room(Policy::Server);
    let first = painted(&room.hear(PeerId(1), paint(5, 1, 0), NOW)).0[0];
    room.hear(PeerId(2), paint(5, 2, 0), NOW);
    let deliveries = room.hear(PeerId(3), hello(Replica(30), "Carol"), NOW);
    let Delivery::To(_, FromServer::Welcome { lost, .. }) = &deliveries[1] else { panic!() };
    assert_eq!(*lost, [first]);
}
