//! A small log, cut at every byte and with every bit flipped: it starts, and what was hit is named and nothing else is lost.

use super::world::{Known, Model, SIZE, World, delivered, message, removed, requeued};
use crate::broker::output::QueueId;
use crate::broker::{MessageId, Record};
use crate::store::segment::{HEADER, Header, Piece, Pieces};
use crate::store::simulated::{Faults, SimulatedDisk};

fn records() -> Vec<Record> {
    vec![
        message(1, &[1], 20),
        message(2, &[1, 2], 33),
        message(3, &[2], 0),
        removed(1, 1),
        requeued(2, 1, 4),
        message(4, &[3], 40),
        delivered(2, 2),
        Record::Deleted { queue: QueueId(3) },
        message(5, &[1], 7),
    ]
}

/// A log with these records, each synced alone.
fn disk(records: &[Record]) -> SimulatedDisk {
    let disk = SimulatedDisk::new(Faults::default());
    let mut world = World::open(&disk).unwrap();
    for record in records {
        world.append(record);
        world.settle().unwrap();
    }
    disk
}

/// The file that is a segment, and where its records are.
fn segment(disk: &SimulatedDisk) -> (String, Vec<u8>, Vec<std::ops::Range<usize>>) {
    let (name, bytes) =
        disk.contents().into_iter().find(|(_, bytes)| Header::decode(bytes).is_some()).expect("a segment");
    let header = Header::decode(&bytes).unwrap();
    let records = Pieces::new(&bytes, &header).map(|piece| match piece {
        Piece::Record { offset, body } => offset as usize..offset as usize + 12 + body.len(),
        other => panic!("{other:?}"),
    });
    let records = records.collect();
    (name, bytes, records)
}

fn with(name: &str, bytes: Vec<u8>) -> (Known, Vec<String>, SimulatedDisk) {
    let disk = SimulatedDisk::default();
    disk.put(name, bytes);
    let world = World::open(&disk).unwrap();
    (world.known(), world.recovered.damaged.clone(), disk)
}

#[test]
fn with_every_bit_flipped() {
    let records = records();
    let (name, bytes, places) = segment(&disk(&records));
    assert_eq!(places.len(), records.len());
    let end = places.last().unwrap().end.next_multiple_of(8);
    for bit in 0..(end + 64) * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let (known, damaged, _) = with(&name, flipped);
        let hit = places.iter().position(|place| place.contains(&(bit / 8)));
        let mut left = records.clone();
        if let Some(hit) = hit {
            left.remove(hit);
            assert_eq!(damaged.len(), 1, "bit {bit}: {damaged:?}");
            assert!(damaged[0].contains(&format!("offset {}", places[hit].start)), "bit {bit}: {damaged:?}");
        }
        assert_eq!(known, Model::of(&left).known(), "bit {bit}, in record {hit:?}");
    }
}

#[test]
fn cut_at_every_byte() {
    let records = records();
    let (name, bytes, places) = segment(&disk(&records));
    for cut in 0..bytes.len() {
        let whole = places.iter().filter(|place| place.end <= cut).count();
        let (known, damaged, disk) = with(&name, bytes[..cut].to_vec());
        assert_eq!(known, Model::of(&records[..whole]).known(), "cut at {cut}");
        let is_torn = places.iter().any(|place| place.contains(&cut) && place.start < cut && cut < place.end);
        assert_eq!(!damaged.is_empty(), is_torn || (1..32).contains(&cut), "cut at {cut}: {damaged:?}");
        // The next start says nothing of it any more, and what is appended meanwhile is there.
        if cut >= HEADER as usize {
            let mut world = World::open(&disk).unwrap();
            world.append(&message(77, &[1], 10));
            world.settle().unwrap();
            let again = World::open(&disk).unwrap();
            let mut expected = records[..whole].to_vec();
            expected.push(message(77, &[1], 10));
            assert_eq!(again.known(), Model::of(&expected).known(), "cut at {cut}");
            assert!(again.recovered.damaged.is_empty(), "cut at {cut}: {:?}", again.recovered.damaged);
        }
    }
}

#[test]
fn with_junk_or_zeros_or_old_records_behind_the_end() {
    let records = records();
    let (name, bytes, places) = segment(&disk(&records));
    let end = places.last().unwrap().end.next_multiple_of(8);
    let expected = Model::of(&records).known();
    let (_, other, _) = segment(&disk(&records[1..]));
    for tail in [vec![0; SIZE as usize], vec![255; SIZE as usize], [1, 0, 0, 0].repeat(1024), other] {
        let mut bytes = bytes.clone();
        let length = bytes.len();
        bytes[end..].copy_from_slice(&tail[end..length]);
        let (known, _, disk) = with(&name, bytes);
        assert_eq!(known, expected);
        let mut world = World::open(&disk).unwrap();
        world.append(&removed(5, 1));
        world.settle().unwrap();
        let mut more = records.clone();
        more.push(removed(5, 1));
        assert_eq!(World::open(&disk).unwrap().known(), Model::of(&more).known());
    }
}

#[test]
fn ids_are_not_used_again_when_all_messages_are_gone() {
    let disk = SimulatedDisk::new(Faults::default());
    let mut world = World::open(&disk).unwrap();
    assert_eq!(world.recovered.last_message, None);
    for id in 1..=50 {
        world.append(&message(id, &[1], 100));
        world.append(&removed(id, 1));
        world.settle().unwrap();
    }
    // Until no segment has a record of a message.
    for _ in 0..1000 {
        world.append(&removed(50, 1));
        world.settle().unwrap();
    }
    let world = World::open(&disk).unwrap();
    assert!(world.known().is_empty());
    assert_eq!(world.recovered.last_message, Some(MessageId(50)));
}
