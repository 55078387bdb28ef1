//! The same records through every store: the same is there afterwards. And a directory has one broker.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use super::world::{Model, content, delivered, known, message, removed, requeued};
use crate::broker::output::{BindingDefinition, Definition, ExchangeDefinition, QueueDefinition, QueueId};
use crate::broker::{MessageId, Record, RecordNumber};
use crate::store::key_value::KeyValueStore;
use crate::store::on_fjall::Fjall;
use crate::store::on_redb::Redb;
use crate::store::segment_store::SegmentStore;
use crate::store::{Event, Recovered, Store, Synced};

type Open = fn(&Path, Synced) -> std::io::Result<(Box<dyn Store>, Recovered)>;

const STORES: [(&str, Open); 3] = [
    ("segments", |path, synced| {
        let (store, recovered) = SegmentStore::open(path, 1 << 16, synced)?;
        for id in 1..4 {
            store.define(&queue(id))?;
        }
        Ok((Box::new(store), recovered))
    }),
    ("fjall", |path, synced| {
        let (store, recovered) = KeyValueStore::open(Fjall::open(path)?, synced)?;
        Ok((Box::new(store), recovered))
    }),
    ("redb", |path, synced| {
        let (store, recovered) = KeyValueStore::open(Redb::open(&path.join("store.redb"))?, synced)?;
        Ok((Box::new(store), recovered))
    }),
];

fn queue(id: u64) -> Definition {
    let queue = QueueDefinition { id: QueueId(id), auto_delete: false, arguments: vec![1, 2] };
    Definition::Queue { vhost: "/".into(), name: format!("q{id}"), queue: Some(queue) }
}

fn records() -> Vec<Record> {
    let mut records: Vec<Record> = (1..=200)
        .map(|id| message(id, &[1 + id % 3, 1 + (id + 1) % 3][..1 + (id % 2) as usize], 90))
        .collect();
    records.extend((1..=200).filter(|id| id % 4 == 0).map(|id| removed(id, 1 + id % 3)));
    records.extend([
        requeued(2, 3, 5),
        requeued(3, 1, 1),
        requeued(4, 2, 9),
        delivered(1, 90),
        delivered(2, 7),
    ]);
    records.extend([Record::Deleted { queue: QueueId(2) }, message(201, &[1, 3], 0), removed(201, 1)]);
    records
}

#[test]
fn after_a_start_and_after_another() {
    for (name, open) in STORES {
        let directory = tempfile::tempdir().unwrap();
        let (said, events) = mpsc::channel();
        let synced: Synced = Arc::new(move |event| drop(said.send(event)));
        let (store, recovered) = open(directory.path(), synced).unwrap();
        assert!(recovered.messages.is_empty(), "{name}");
        let records = records();
        for (record, number) in records.iter().zip(1..) {
            store.append(RecordNumber(number), record);
        }
        assert_eq!(
            &store.read(MessageId(9)).unwrap_or_else(|error| panic!("{name}: {error}"))[..],
            content(9, 90).bytes(),
            "{name}"
        );
        store.end();
        let last = events.try_iter().last();
        assert!(
            matches!(last, Some(Event::Synced(RecordNumber(n))) if n == records.len() as u64),
            "{name}: {last:?}"
        );
        assert!(store.counters().syncs > 0, "{name}");
        drop(store);
        let expected = Model::of(&records).known();
        for _ in 0..2 {
            let (store, recovered) = open(directory.path(), Arc::new(|_| {})).unwrap();
            assert_eq!(known(&recovered), expected, "{name}");
            assert!(recovered.damaged.is_empty(), "{name}: {:?}", recovered.damaged);
            assert_eq!(recovered.last_message, Some(MessageId(201)), "{name}");
            assert_eq!(&store.read(MessageId(9)).unwrap()[..], content(9, 90).bytes(), "{name}");
            store.end();
        }
    }
}

#[test]
fn definitions_come_back_and_go() {
    let directory = tempfile::tempdir().unwrap();
    let exchange =
        ExchangeDefinition { kind: "topic".into(), auto_delete: false, internal: true, arguments: vec![] };
    let binding = BindingDefinition {
        vhost: "/".into(),
        source: "e".into(),
        destination: "q1".into(),
        to_queue: true,
        routing_key: "#".into(),
        arguments: vec![0, 0, 0, 0],
    };
    let gone = Definition::Queue { vhost: "/".into(), name: "q1".into(), queue: None };
    let kept = [
        Definition::Exchange { vhost: "/".into(), name: "e".into(), exchange: Some(exchange) },
        Definition::Binding { binding, exists: true },
        queue(2),
    ];
    let (store, _) = SegmentStore::open(directory.path(), 4096, Arc::new(|_| {})).unwrap();
    for definition in [queue(1)].iter().chain(&kept).chain([&gone]) {
        store.define(definition).unwrap();
    }
    store.append(RecordNumber(1), &message(1, &[1, 2], 10));
    store.append(RecordNumber(2), &message(2, &[1], 10));
    drop(store);
    let (store, recovered) = SegmentStore::open(directory.path(), 4096, Arc::new(|_| {})).unwrap();
    assert_eq!(recovered.definitions.len(), 3);
    assert!(kept.iter().all(|each| recovered.definitions.contains(each)), "{:?}", recovered.definitions);
    // Nobody can take messages out of a queue that is not defined.
    assert_eq!(known(&recovered), [(1, vec![(2, 0, false)])].into());
    drop(store);
}

#[test]
fn a_directory_has_one_broker() {
    let directory = tempfile::tempdir().unwrap();
    let open = |path: &Path| SegmentStore::open(path, 4096, Arc::new(|_| {}));
    let (store, _) = open(directory.path()).unwrap();
    assert!(open(directory.path()).unwrap_err().to_string().starts_with("another broker uses "));
    drop(store);
    std::fs::write(directory.path().join("format"), "ch6-indirect store 9\n").unwrap();
    assert!(open(directory.path()).unwrap_err().to_string().contains("another format"));
    std::fs::remove_file(directory.path().join("format")).unwrap();
    assert!(open(directory.path()).unwrap_err().to_string().contains("no broker's"));
}

#[test]
fn one_write_for_all_that_came_meanwhile() {
    let directory = tempfile::tempdir().unwrap();
    let (said, events) = mpsc::channel();
    let synced: Synced = Arc::new(move |event| drop(said.send(event)));
    let (store, _) = SegmentStore::open(directory.path(), 1 << 20, synced).unwrap();
    for id in 1..=1000 {
        store.append(RecordNumber(id), &message(id, &[1], 100));
    }
    while !matches!(events.recv_timeout(Duration::from_secs(30)).unwrap(), Event::Synced(RecordNumber(1000)))
    {
    }
    store.end();
    let counters = store.counters();
    assert_eq!(counters.records, 1000);
    assert!(counters.syncs < 300, "{counters:?}");
}
