//! The wire in virtual time: when what arrives, and what never does.

use super::super::profile::{Blocked, Cut, Span};
use super::*;

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn wire(profile: Profile) -> Wire {
    Wire::new(profile, 1, 0, Direction::Up).recorded()
}

/// Everything that arrives, with its time.
fn drain(wire: &mut Wire) -> Vec<(Duration, Vec<u8>)> {
    let mut arrived = Vec::new();
    while let Some(at) = wire.next_arrival() {
        arrived.push((at, wire.arrive(at).expect("it arrives when it said")));
    }
    arrived
}

#[test]
fn a_perfect_wire_delivers_at_once_and_in_order() {
    let mut wire = wire(Profile::default());
    for byte in 0..100 {
        assert_eq!(wire.send(ms(3), vec![byte]), Outcome::Passed);
    }
    let expected: Vec<_> = (0..100).map(|byte| (ms(3), vec![byte])).collect();
    assert_eq!(drain(&mut wire), expected);
}

#[test]
fn jitter_delays_within_its_bound_and_keeps_the_order() {
    let mut wire = wire(Profile { delay: ms(20), jitter: ms(5), ..Profile::default() });
    for byte in 0..200 {
        wire.send(ms(u64::from(byte)), vec![byte]);
    }
    let arrived = drain(&mut wire);
    assert!(arrived.iter().map(|(_, datagram)| datagram[0]).eq(0..200));
    assert!(arrived.iter().all(|(at, datagram)| {
        let late = *at - ms(u64::from(datagram[0]));
        (ms(20)..ms(25)).contains(&late)
    }));
}

#[test]
fn a_reordered_datagram_is_overtaken_and_holds_up_nobody() {
    let profile = Profile { reorder: 0.1, reorder_by: ms(10), delay: ms(1), ..Profile::default() };
    let mut wire = wire(profile);
    for byte in 0..200 {
        wire.send(ms(u64::from(byte)), vec![byte]);
    }
    let late = |(at, datagram): &(Duration, Vec<u8>)| *at - ms(u64::from(datagram[0]));
    let arrived = drain(&mut wire);
    let reordered = arrived.iter().filter(|arrival| late(arrival) == ms(11)).count();
    assert_eq!(arrived.iter().filter(|arrival| late(arrival) == ms(1)).count(), 200 - reordered);
    assert!((10..35).contains(&reordered), "{reordered}");
    assert_eq!(wire.counts().reordered, reordered as u64);
    assert!(!arrived.is_sorted_by_key(|(_, datagram)| datagram[0]));
}

#[test]
fn the_rate_spaces_datagrams_and_the_queue_drops_the_last() {
    // 1400 bytes take 1.4 ms; ten of them are sent at once; three wait or are on their way out, the rest finds no room.
    let profile = Profile { rate: Some(1_000_000), queue: 4200, delay: ms(10), ..Profile::default() };
    let mut wire = wire(profile);
    let outcomes: Vec<Outcome> = (0..10).map(|byte| wire.send(ms(0), vec![byte; 1400])).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Outcome::QueueFull).count(), 7);
    assert_eq!(wire.send(ms(2), vec![10; 1400]), Outcome::Passed);
    let arrived: Vec<(u128, u8)> =
        drain(&mut wire).iter().map(|(at, datagram)| (at.as_micros(), datagram[0])).collect();
    assert_eq!(arrived, [(11_400, 0), (12_800, 1), (14_200, 2), (15_600, 10)]);
    assert_eq!(wire.counts().queue_full, 7);
}

#[test]
fn a_big_datagram_passes_a_small_queue_when_the_link_is_at_rest() {
    let mut wire = wire(Profile { rate: Some(1000), queue: 10, ..Profile::default() });
    assert_eq!(wire.send(ms(0), vec![0; 1000]), Outcome::Passed);
    assert_eq!(wire.send(ms(999), vec![0; 1000]), Outcome::QueueFull);
    assert_eq!(wire.send(ms(1000), vec![0; 1000]), Outcome::Passed);
}

#[test]
fn a_pulled_cable_loses_what_is_sent_and_not_what_is_under_way() {
    let cut = Cut { blocked: Blocked::Up, span: Span::Time { from: ms(10), to: Some(ms(20)) } };
    let profile = Profile { cuts: vec![cut], delay: ms(5), ..Profile::default() };
    let mut up = wire(profile.clone());
    let mut down = Wire::new(profile, 1, 0, Direction::Down);
    for at in [9, 10, 19, 20] {
        up.send(ms(at), vec![at as u8]);
        down.send(ms(at), vec![at as u8]);
    }
    assert_eq!(drain(&mut up), [(ms(14), vec![9]), (ms(25), vec![20])]);
    assert_eq!(drain(&mut down).len(), 4);
    assert_eq!((up.counts().cut, down.counts().cut), (2, 0));
}

#[test]
fn the_fates_are_those_that_the_function_says() {
    let profile = Profile { loss: 0.2, duplicate: 0.1, reorder: 0.1, ..Profile::default() };
    let mut wire = Wire::new(profile.clone(), 77, 5, Direction::Down);
    let mut arrived = [0usize; 256];
    for byte in 0..=255u8 {
        wire.send(ms(0), vec![byte]);
    }
    for (_, datagram) in drain(&mut wire) {
        arrived[usize::from(datagram[0])] += 1;
    }
    for (index, copies) in arrived.into_iter().enumerate() {
        let fate = fate(&profile, 77, link(5, Direction::Down), index as u64);
        assert_eq!(copies, fate.copies().count(), "datagram {index}");
    }
}

#[test]
fn the_events_say_what_the_counts_say() {
    let profile = Profile { loss: 0.2, duplicate: 0.1, corrupt: 0.1, delay: ms(2), ..Profile::default() };
    let mut wire = wire(profile);
    for byte in 0..=255u8 {
        wire.send(ms(u64::from(byte)), vec![byte; 10]);
    }
    let events = wire.take_events();
    let arrived = drain(&mut wire);
    let counts = wire.counts();
    assert_eq!((counts.datagrams, counts.bytes), (256, 2560));
    assert_eq!(events.iter().filter(|event| event.outcome == Outcome::Lost).count() as u64, counts.lost);
    let said = events.iter().flat_map(|event| &event.arrivals);
    assert_eq!(said.clone().count(), arrived.len());
    assert_eq!(said.filter(|arrival| arrival.corrupted).count() as u64, counts.corrupted);
    assert_eq!(counts.delivered, counts.datagrams - counts.lost + counts.duplicated);
    assert!(wire.take_events().is_empty());
}

#[test]
fn a_datagram_without_memory_is_counted_and_takes_its_number() {
    let mut wire = wire(Profile::default());
    wire.turn_away(ms(1), b"too much");
    wire.send(ms(1), b"next".to_vec());
    assert_eq!(wire.bytes_in_flight(), 4);
    let events = wire.take_events();
    assert_eq!((events[0].outcome, events[0].length, events[1].index), (Outcome::QueueFull, 8, 1));
    assert_eq!(drain(&mut wire).len(), 1);
    assert_eq!((wire.counts().queue_full, wire.bytes_in_flight()), (1, 0));
}

#[test]
fn one_way_may_be_longer_than_the_other() {
    let profile = Profile { delay: ms(10), delay_down: ms(30), ..Profile::default() };
    for (direction, travel) in [(Direction::Up, 10), (Direction::Down, 40)] {
        let mut wire = Wire::new(profile.clone(), 1, 0, direction);
        wire.send(ms(1), b"x".to_vec());
        assert_eq!(wire.next_arrival(), Some(ms(1 + travel)));
    }
}
