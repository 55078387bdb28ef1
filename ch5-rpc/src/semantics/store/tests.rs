use super::super::disk::Disk;
use super::super::memory::Memory;
use super::super::publish::{Method, Reply};
use super::*;

const ID: CallId = CallId { client: 1, sequence: 5 };

fn publish(text: &str) -> Method {
    Method::Publish { text: text.as_bytes().to_vec() }
}

fn completion(sequence: u64, first_incomplete: u64) -> Option<Completion> {
    Some(Completion { id: CallId { client: 1, sequence }, first_incomplete })
}

/// What both stores promise.
fn behaves(store: &mut impl Store) {
    let mut never = || false;
    let count = |store: &mut dyn Store, text: &str| {
        store.run(&Method::Count { text: text.as_bytes().to_vec() }, None, &mut || false).unwrap()
    };
    assert_eq!(store.run(&Method::Length, None, &mut never).unwrap(), Reply::Number(0));
    assert_eq!(store.run(&publish("a"), None, &mut never).unwrap(), Reply::Published(1));
    assert_eq!(store.run(&publish("a"), None, &mut never).unwrap(), Reply::Published(2));
    assert_eq!(count(store, "a"), Reply::Number(2));
    let conditional = |length| Method::PublishIf { length, text: b"b".to_vec() };
    assert_eq!(store.run(&conditional(1), None, &mut never).unwrap(), Reply::Changed(2));
    assert_eq!(store.run(&conditional(2), None, &mut never).unwrap(), Reply::Published(3));
    assert_eq!(store.run(&conditional(2), None, &mut never).unwrap(), Reply::Changed(3));

    // A crash after the change: without a record it stays, with one both are gone.
    let crashed = store.run(&publish("c"), None, &mut || true);
    assert!(matches!(crashed, Err(StoreError::Crashed)));
    assert_eq!(count(store, "c"), Reply::Number(1));
    let crashed = store.run(&publish("d"), completion(5, 5), &mut || true);
    assert!(matches!(crashed, Err(StoreError::Crashed)));
    assert_eq!(count(store, "d"), Reply::Number(0));
    assert_eq!(store.records().unwrap(), []);

    // A record comes with its change, and goes with its acknowledgement.
    store.admit(1).unwrap();
    store.run(&publish("d"), completion(5, 5), &mut never).unwrap();
    store.admit(1).unwrap();
    let answer = Reply::Published(5).encode();
    let record = ClientRecord { client: ID.client, first_incomplete: 5, completed: vec![(5, answer)] };
    assert_eq!(store.records().unwrap(), [record]);
    store.run(&publish("e"), completion(7, 6), &mut never).unwrap();
    store.run(&publish("f"), completion(6, 6), &mut never).unwrap();
    let records = store.records().unwrap();
    assert_eq!(records[0].first_incomplete, 6);
    assert_eq!(records[0].completed.iter().map(|(sequence, _)| *sequence).collect::<Vec<_>>(), [6, 7]);
    store.forget(1).unwrap();
    assert_eq!(store.records().unwrap(), []);
    assert_eq!(count(store, "e"), Reply::Number(1), "the board stays");
}

#[test]
fn in_memory() {
    behaves(&mut Memory::default());
}

#[test]
fn in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    behaves(&mut Disk::open(&path).unwrap());
    // Opened again it is as it was left, under the name that it was given first.
    let disk = Disk::open(&path).unwrap();
    assert_eq!(disk.count(b"a").unwrap(), 2);
    assert_eq!(disk.incarnation(7).unwrap(), 7);
    assert_eq!(disk.incarnation(8).unwrap(), 7);
}

#[test]
fn a_file_that_is_no_store_is_said() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Disk::open(folder.path()), Err(StoreError::Failed(_))));
}

#[test]
fn a_board_without_room_says_so() {
    let mut store = Memory::with_room_for(1);
    let mut never = || false;
    assert_eq!(store.run(&publish("a"), None, &mut never).unwrap(), Reply::Published(1));
    assert_eq!(store.run(&publish("a"), None, &mut never).unwrap(), Reply::Full);
}
