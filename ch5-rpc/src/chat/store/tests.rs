use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use redb::StorageBackend;
use redb::backends::InMemoryBackend;

use super::*;

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

#[test]
fn what_was_written_is_there_when_the_file_is_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chat.redb");
    let store = Store::open(&path, None).unwrap();
    store.add_chat("c", "talk").unwrap();
    store.add_facet("f", "c").unwrap();
    store.add_facet("g", "c").unwrap();
    store.remove_facet("g").unwrap();
    store.append("c", 0, &texts(&["one", "two"]), Some("call 1")).unwrap();
    store.append("d", 0, &texts(&["other"]), None).unwrap();
    store.append("c", 2, &texts(&["three"]), None).unwrap();
    assert!(Store::open(&path, None).is_err(), "one process has the file");
    drop(store);
    let store = Store::open(&path, None).unwrap();
    assert_eq!(store.chats().unwrap(), [("c".into(), "talk".into())]);
    assert_eq!(store.facets().unwrap(), [("f".into(), "c".into())]);
    assert_eq!(store.messages("c").unwrap(), ["one", "two", "three"]);
    assert!(store.is_done("call 1").unwrap() && !store.is_done("call 2").unwrap());
}

#[test]
fn the_oldest_calls_are_forgotten() {
    let database = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
    let store = Store::in_database(database, 3, None).unwrap();
    for call in ["a", "b", "c", "d", "e"] {
        store.append("chat", 0, &[], Some(call)).unwrap();
    }
    let done = ["a", "b", "c", "d", "e"].map(|call| store.is_done(call).unwrap());
    assert_eq!(done, [false, false, true, true, true]);
}

/// A disk on which only that is kept over a power cut that was there at the last fsync(2). kill -9 cannot show a missing one: the kernel
/// keeps what was written.
#[derive(Debug, Clone, Default)]
struct Disk {
    written: Arc<Mutex<Vec<u8>>>,
    synced: Arc<Mutex<Vec<u8>>>,
}

impl Disk {
    fn after_a_power_cut(&self) -> Disk {
        let kept = self.synced.lock().unwrap().clone();
        Disk { written: Arc::new(Mutex::new(kept.clone())), synced: Arc::new(Mutex::new(kept)) }
    }

    fn open(&self) -> Store {
        let database = Database::builder().create_with_backend(self.clone()).unwrap();
        Store::in_database(database, CALLS, None).unwrap()
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64, std::io::Error> {
        Ok(self.written.lock().unwrap().len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), std::io::Error> {
        let start = offset as usize;
        out.copy_from_slice(&self.written.lock().unwrap()[start..start + out.len()]);
        Ok(())
    }

    fn set_len(&self, length: u64) -> Result<(), std::io::Error> {
        self.written.lock().unwrap().resize(length as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> Result<(), std::io::Error> {
        let written = self.written.lock().unwrap();
        self.synced.lock().unwrap().clone_from(&written);
        drop(written);
        thread::yield_now(); // a real disk takes its time, and others come
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), std::io::Error> {
        let start = offset as usize;
        self.written.lock().unwrap()[start..start + data.len()].copy_from_slice(data);
        Ok(())
    }
}

#[test]
fn what_was_answered_outlives_a_power_cut_at_any_moment() {
    const WRITERS: usize = 8;
    let disk = Disk::default();
    let (store, answered, ended) = (disk.open(), Mutex::new(Vec::<String>::new()), AtomicBool::new(false));
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (store, answered) = (&store, &answered);
                scope.spawn(move || {
                    for number in 0..40 {
                        let id = format!("{writer}.{number}");
                        store.add_facet(&id, "chat").unwrap();
                        answered.lock().unwrap().push(id);
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            let mut cuts = 0;
            while !ended.load(Ordering::Relaxed) || cuts == 0 {
                // First what was answered: what is answered after the cut need not be there.
                let answered = answered.lock().unwrap().clone();
                let kept = disk.after_a_power_cut().open().facets().unwrap();
                for id in answered {
                    assert!(kept.iter().any(|(kept, _)| *kept == id), "{id} is lost");
                }
                cuts += 1;
            }
        });
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        ended.store(true, Ordering::Relaxed);
    });
    assert_eq!(store.commits().changes, 1 + 40 * WRITERS as u64);
}

#[test]
fn changes_that_come_during_a_commit_share_the_next_one() {
    const WRITERS: u64 = 8;
    let (disk, began) = (Disk::default(), AtomicBool::new(false));
    let store = disk.open();
    let held = disk.synced.lock().unwrap(); // the disk is slow: the first commit waits for it
    thread::scope(|scope| {
        scope.spawn(|| store.add_facet("first", "c").unwrap());
        scope.spawn(|| {
            for number in 0..WRITERS - 1 {
                let store = &store;
                scope.spawn(move || store.add_facet(&number.to_string(), "c").unwrap());
            }
            while store.group.waiting() < WRITERS as usize - 1 {
                thread::yield_now();
            }
            began.store(true, Ordering::Relaxed);
        });
        while !began.load(Ordering::Relaxed) {
            thread::yield_now();
        }
        drop(held);
    });
    // That of the tables, that of the first, and one of all others.
    assert_eq!(store.commits(), Commits { changes: 1 + WRITERS, commits: 3 });
    assert_eq!(store.facets().unwrap().len() as u64, WRITERS);
}

#[test]
fn where_it_crashes_is_read() {
    assert!("before-commit:2".parse::<Crash>().is_ok() && "before-answer".parse::<Crash>().is_ok());
    assert!("somewhere:3".parse::<Crash>().unwrap_err().contains("before-commit"));
    assert!("before-answer:0".parse::<Crash>().is_err());
}
