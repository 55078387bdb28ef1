//! A process that writes as fast as it can is killed at a random instant, again and again: what it was told is safe is there.
//!
//! This keeps the kernel's memory, so it does not find a missing fdatasync(2): the simulated disk does. It finds what that disk
//! cannot have: the real file system, the thread, the lock of the directory. `CH6_KILLS=500` kills more often than 20 times.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::world::{known, message, removed, requeued};
use crate::broker::RecordNumber;
use crate::broker::output::{Definition, QueueDefinition, QueueId};
use crate::store::segment_store::SegmentStore;
use crate::store::{Event, Store};

const SEGMENT: u64 = 1 << 20;
const DIRECTORY: &str = "CH6_STORE_CHILD";
/// So many messages wait; of those that leave, every tenth stays as it came back.
const WAITING: u64 = 50;

fn stays(id: u64) -> bool {
    id.is_multiple_of(10)
}

/// The process that is killed: this test, started by the other one. Two records for each message.
#[test]
fn child() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let safe = Arc::new(AtomicU64::new(0));
    let start = Arc::new(AtomicU64::new(0));
    let (said, first) = (Arc::clone(&safe), Arc::clone(&start));
    let synced = Arc::new(move |event| match event {
        Event::Synced(RecordNumber(number)) => {
            said.store(number, Ordering::Release);
            println!("{}", first.load(Ordering::Acquire) + number / 2);
        }
        other => println!("not expected: {other:?}"),
    });
    let (store, recovered) = SegmentStore::open(Path::new(&directory), SEGMENT, synced).unwrap();
    store.define(&queue()).unwrap();
    // Nothing else than the id of the last message is known of the run before.
    let last = recovered.last_message.map_or(0, |last| last.0);
    start.store(last, Ordering::Release);
    for step in 1..1_000_000 {
        let id = last + step;
        store.append(RecordNumber(2 * step - 1), &message(id, &[1], (id % 400) as usize));
        let leaves = id.saturating_sub(WAITING);
        let second = if stays(leaves) { requeued(leaves, 1, 1) } else { removed(leaves, 1) };
        store.append(RecordNumber(2 * step), &second);
        if step == 1 {
            let before = last.saturating_sub(WAITING);
            let again = if stays(before) { requeued(before, 1, 1) } else { removed(before, 1) };
            // The crash may have come between the two records of the last message. It has no number of its own: the same as before.
            store.append(RecordNumber(2), &again);
        }
        while 2 * step > safe.load(Ordering::Acquire) + 1000 {
            std::thread::yield_now();
        }
    }
}

fn queue() -> Definition {
    let queue = QueueDefinition { id: QueueId(1), auto_delete: false, arguments: Vec::new() };
    Definition::Queue { vhost: "/".into(), name: "q".into(), queue: Some(queue) }
}

#[test]
fn again_and_again() {
    let kills = std::env::var("CH6_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(20);
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let directory = tempfile::tempdir().unwrap();
    let mut confirmed = 0;
    for kill in 0..kills {
        let name = format!("{}::child", module_path!().split_once("::").unwrap().1);
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &name, "--nocapture"])
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let time = Duration::from_millis(random.random_range(1..150));
        let killer = std::thread::spawn(move || {
            std::thread::sleep(time);
            child.kill().unwrap();
            child.wait().unwrap();
        });
        for line in lines.map_while(Result::ok) {
            assert!(!line.contains("expected") && !line.contains("panicked"), "{line}");
            // A line that the kill cut off could be any number.
            confirmed = line.parse().unwrap_or(confirmed).max(confirmed);
        }
        killer.join().unwrap();
        let (store, recovered) = SegmentStore::open(directory.path(), SEGMENT, Arc::new(|_| {})).unwrap();
        let last = recovered.last_message.map_or(0, |last| last.0);
        assert!(last >= confirmed, "kill {kill}: {confirmed} is confirmed, {last} is the last");
        let known = known(&recovered);
        for id in 1..=confirmed {
            let left = id + WAITING <= confirmed;
            match known.get(&id) {
                Some(queues) if left && stays(id) => {
                    assert_eq!(queues, &[(1, 1, true)], "kill {kill}: message {id}");
                }
                Some(_) => assert!(!left, "kill {kill}: message {id} has left, and is there"),
                None => assert!(!stays(id) && id + WAITING <= last + 1, "kill {kill}: message {id} is lost"),
            }
        }
        let cut = |text: &String| text.contains("cut off");
        assert!(recovered.damaged.iter().all(cut), "kill {kill}: {:?}", recovered.damaged);
        drop(store);
    }
    println!("{confirmed} confirmed, {kills} kills");
    assert!(confirmed > 0, "no process came far enough to confirm anything");
}
