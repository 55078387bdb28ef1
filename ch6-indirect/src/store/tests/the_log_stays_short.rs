//! Segments are used again, a message that nobody takes is moved forward, and what was said of it moves along.

use super::world::{Model, SIZE, World, delivered, message, removed, requeued};
use crate::broker::MessageId;
use crate::store::simulated::{Faults, SimulatedDisk};

#[test]
fn although_old_messages_are_left() {
    let disk = SimulatedDisk::new(Faults::default());
    let mut world = World::open(&disk).unwrap();
    let mut model = Model::default();
    let mut both = |world: &mut World, record| {
        world.append(&record);
        model.apply(&record);
    };
    both(&mut world, message(1, &[1, 9], 50));
    both(&mut world, message(2, &[1], 50));
    both(&mut world, requeued(1, 9, 7));
    both(&mut world, removed(1, 1));
    both(&mut world, delivered(1, 2));
    for id in 3..3000 {
        both(&mut world, message(id, &[1 + id % 3], 100));
        if id % 100 != 0 {
            both(&mut world, removed(id, 1 + id % 3));
        }
        if id % 7 == 0 {
            world.settle().unwrap();
        }
    }
    world.settle().unwrap();
    let (segments, living) = {
        let state = world.log.state();
        (state.segments(), state.index.living_bytes())
    };
    assert!(segments <= 2 * living.div_ceil(SIZE) + 4, "{segments} segments for {living} bytes");
    assert!(world.log.state().counters.copied > 0);
    let files = disk.contents().len() as u64;
    assert!(files <= segments + 3, "{files} files, {segments} segments: they are used again");
    assert_eq!(&world.log.read(MessageId(1)).unwrap()[..], super::world::content(1, 50).bytes());
    let again = World::open(&disk).unwrap();
    assert_eq!(again.known(), model.known());
    assert!(again.recovered.damaged.is_empty(), "{:?}", again.recovered.damaged);
}

#[test]
fn what_is_said_of_deliveries_outlives_its_segment() {
    let disk = SimulatedDisk::new(Faults::default());
    let mut world = World::open(&disk).unwrap();
    world.append(&delivered(1, 5000));
    for id in 1..400 {
        world.append(&message(id, &[2], 100));
        world.append(&removed(id, 2));
        world.settle().unwrap();
    }
    world.append(&message(500, &[1], 10));
    world.settle().unwrap();
    assert!(world.log.state().oldest.0 > 3);
    assert_eq!(World::open(&disk).unwrap().known(), [(500, vec![(1, 0, true)])].into());
}

#[test]
fn what_is_gone_does_not_come_back_out_of_a_freed_file() {
    let disk = SimulatedDisk::new(Faults::default());
    let mut world = World::open(&disk).unwrap();
    for round in 0..30 {
        let ids = 1 + 20 * round..21 + 20 * round;
        for id in ids.clone() {
            world.append(&message(id, &[1], 100));
        }
        world.settle().unwrap();
        ids.for_each(|id| world.append(&removed(id, 1)));
        world.settle().unwrap();
        let again = World::open(&disk.copy()).unwrap();
        assert_eq!(again.known(), Model::default().known(), "round {round}");
        assert!(again.recovered.damaged.is_empty(), "round {round}: {:?}", again.recovered.damaged);
    }
}

#[test]
fn a_message_longer_than_a_segment_has_one_of_its_own() {
    let disk = SimulatedDisk::new(Faults::default());
    let mut world = World::open(&disk).unwrap();
    let records = [message(1, &[1], 10), message(2, &[1], 3 * SIZE as usize), message(3, &[1], 10)];
    for record in &records {
        world.append(record);
    }
    assert_eq!(world.log.read(MessageId(2)).unwrap().len(), 3 * SIZE as usize, "before it is written");
    world.settle().unwrap();
    assert_eq!(world.log.read(MessageId(2)).unwrap().len(), 3 * SIZE as usize);
    let mut again = World::open(&disk).unwrap();
    assert_eq!(again.known(), Model::of(&records).known());
    for id in 1..=3 {
        again.append(&removed(id, 1));
    }
    again.settle().unwrap();
    assert!(disk.contents().iter().all(|(_, bytes)| bytes.len() as u64 == SIZE), "the long file is gone");
}

#[test]
fn a_message_is_read_wherever_it_is() {
    let disk = SimulatedDisk::new(Faults { short_writes: Some(100), ..Faults::default() });
    let mut world = World::open(&disk).unwrap();
    for id in 1..100 {
        world.append(&message(id, &[1], 200));
        if id % 10 == 0 {
            world.settle().unwrap();
        }
        for old in 1..=id {
            assert_eq!(&world.log.read(MessageId(old)).unwrap()[..], super::world::content(old, 200).bytes());
        }
    }
    world.append(&removed(7, 1));
    assert_eq!(world.log.read(MessageId(7)).unwrap_err().kind(), std::io::ErrorKind::NotFound);
}
