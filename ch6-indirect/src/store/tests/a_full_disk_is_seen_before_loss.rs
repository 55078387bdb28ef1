//! A full disk, and one that fails: publishers are held back first, and what was confirmed stays.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use super::world::{Model, SIZE, World, known, message, removed};
use crate::broker::RecordNumber;
use crate::store::disk::Disk;
use crate::store::running::RunningLog;
use crate::store::simulated::{Faults, SimulatedDisk};
use crate::store::{Event, Recovered, recovery};

fn start(disk: &SimulatedDisk) -> (RunningLog, mpsc::Receiver<Event>) {
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let (said, events) = mpsc::channel();
    let synced = Arc::new(move |event| drop(said.send(event)));
    (RunningLog::start(recovery::recover(&shared, SIZE).unwrap(), SIZE, synced).unwrap(), events)
}

fn next(events: &mpsc::Receiver<Event>) -> Event {
    events.recv_timeout(Duration::from_secs(30)).expect("an event")
}

#[test]
fn publishers_are_held_back_and_then_go_on() {
    let disk = SimulatedDisk::new(Faults { capacity: Some(3 * SIZE + 100), ..Faults::default() });
    let (log, events) = start(&disk);
    let (mut appended, mut safe, mut is_full) = (0, 0, false);
    let mut records = Vec::new();
    while !is_full {
        assert!(appended < 100, "three segments hold no hundred messages");
        appended += 1;
        records.push(message(appended, &[1], 100));
        log.log().append(RecordNumber(appended), records.last().unwrap());
        while safe < appended && !is_full {
            match next(&events) {
                Event::Synced(RecordNumber(number)) => safe = number,
                Event::Full(full) => is_full = full,
                Event::Failed(reason) => panic!("{reason}"),
            }
        }
    }
    // There is room for acknowledgements. When they have freed a segment, all goes on.
    let messages = appended;
    for id in 1..=messages {
        appended += 1;
        records.push(removed(id, 1));
        log.log().append(RecordNumber(appended), records.last().unwrap());
    }
    while is_full || safe < appended {
        match next(&events) {
            Event::Synced(RecordNumber(number)) => safe = number,
            Event::Full(full) => is_full = full,
            Event::Failed(reason) => panic!("{reason}"),
        }
    }
    drop(log);
    assert_eq!(World::open(&disk.crash(1)).unwrap().known(), Model::of(&records).known());
}

#[test]
fn what_has_no_place_waits_for_one() {
    let disk = SimulatedDisk::new(Faults { capacity: Some(SIZE / 2), ..Faults::default() });
    let (log, events) = start(&disk);
    log.log().append(RecordNumber(1), &message(1, &[1], 100));
    assert!(matches!(next(&events), Event::Full(true)));
    assert!(disk.contents().is_empty(), "what could not be made whole is given back");
    disk.set_faults(Faults::default());
    assert!(matches!(next(&events), Event::Synced(RecordNumber(1)) | Event::Full(false)));
    assert!(matches!(next(&events), Event::Synced(RecordNumber(1)) | Event::Full(false)));
}

#[test]
fn the_stop_does_not_wait_for_room_for_ever() {
    let disk = SimulatedDisk::new(Faults { capacity: Some(0), ..Faults::default() });
    let (log, events) = start(&disk);
    log.log().append(RecordNumber(1), &message(1, &[1], 100));
    log.end();
    let events: Vec<Event> = events.try_iter().collect();
    assert!(matches!(events.last(), Some(Event::Failed(_))), "{events:?}");
}

#[test]
fn after_a_failed_sync_nothing_is_confirmed() {
    for fail_sync in 0..12 {
        let disk = SimulatedDisk::new(Faults::default());
        let (log, events) = start(&disk);
        // The two files that are made at first.
        log.log().append(RecordNumber(1), &message(1, &[1], 100));
        assert!(matches!(next(&events), Event::Synced(RecordNumber(1))));
        disk.set_faults(Faults { fail_sync: Some(fail_sync), ..Faults::default() });
        let mut safe = 1;
        let mut number = 1;
        let has_failed = loop {
            number += 1;
            if number > 200 {
                break false;
            }
            log.log().append(RecordNumber(number), &message(number, &[1], 100));
            match next(&events) {
                Event::Synced(RecordNumber(number)) => safe = number,
                Event::Full(_) => {}
                Event::Failed(_) => break true,
            }
        };
        log.log().append(RecordNumber(number + 1), &message(number + 1, &[1], 100));
        drop(log);
        let late: Vec<Event> = events.try_iter().collect();
        assert!(!has_failed || late.is_empty(), "{late:?}");
        for seed in 0..5 {
            let disk: Arc<dyn Disk> = Arc::new(disk.crash(seed));
            let recovery = recovery::recover(&disk, SIZE).unwrap();
            let mut recovered = Recovered::default();
            recovery::messages(&recovery.state, &mut recovered).unwrap();
            let known = known(&recovered);
            assert!(
                (1..=safe).all(|id| known.contains_key(&id)),
                "sync {fail_sync}: {safe} were confirmed, {known:?}"
            );
        }
    }
}
