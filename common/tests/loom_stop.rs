//! The stop against a connection that comes at the same moment, under every interleaving: either the connection sees the
//! stop and is turned away, or the stop sees the connection and wakes it. Else somebody waits for ever.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p common --test loom_stop --release`. Without the flag this file is empty.
#![cfg(loom)]

use common::core::stop::Registry;
use loom::sync::Arc;
use loom::thread;

/// Stops, and says who was woken.
fn stop<const WORDS: usize>(registry: &Registry<WORDS>) -> Vec<i32> {
    let mut woken = Vec::new();
    registry.stop(|fd| woken.push(fd));
    woken
}

#[test]
fn who_comes_with_the_stop_is_woken_or_turned_away() {
    loom::model(|| {
        let registry = Arc::new(Registry::<1>::new());
        let comer = thread::spawn({
            let registry = registry.clone();
            move || registry.enter(5)
        });
        let woken = stop(&registry);
        let entered = comer.join().unwrap();
        assert!(!entered || woken == [5], "in service, and nobody wakes it");
        assert!(registry.stopping());
    });
}

#[test]
fn neighbours_who_come_at_once_are_both_seen() {
    loom::model(|| {
        let registry = Arc::new(Registry::<1>::new());
        let comers = [3, 4].map(|fd| {
            let registry = registry.clone();
            thread::spawn(move || registry.enter(fd))
        });
        let woken = stop(&registry);
        let entered = comers.map(|comer| comer.join().unwrap());
        for (fd, entered) in [3, 4].into_iter().zip(entered) {
            assert!(!entered || woken.contains(&fd), "{fd} is in service, and nobody wakes it");
        }
    });
}

/// Neighbours in one word: that one comes or leaves must not hide the other.
#[test]
fn who_leaves_hides_nobody() {
    loom::model(|| {
        let registry = Arc::new(Registry::<1>::new());
        assert!(registry.enter(0) && registry.enter(1));
        let leaver = thread::spawn({
            let registry = registry.clone();
            move || registry.leave(0)
        });
        let woken = stop(&registry);
        leaver.join().unwrap();
        assert!(woken.contains(&1));
        assert!(!registry.enter(0), "the stop has come");
    });
}

#[test]
fn who_left_is_not_woken_and_who_stayed_is() {
    loom::model(|| {
        let registry = Arc::new(Registry::<2>::new());
        assert!(registry.enter(3) && registry.enter(64));
        let leaver = thread::spawn({
            let registry = registry.clone();
            move || registry.leave(3)
        });
        leaver.join().unwrap();
        assert_eq!(stop(&registry), [64]);
    });
}

#[test]
fn a_descriptor_beyond_the_table_is_turned_away() {
    loom::model(|| {
        let registry = Registry::<1>::new();
        assert!(!registry.enter(64) && !registry.enter(-1));
        registry.leave(64);
        assert!(stop(&registry).is_empty());
    });
}
