//! The registry of `stop` under every interleaving: whoever comes while the stop comes is woken or turned away, never left.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p common --test loom_stop`. Without the flag this file is empty.
#![cfg(loom)]

use common::stop::Registry;
use loom::sync::Arc;
use loom::thread;

#[test]
fn who_comes_with_the_stop_is_woken_or_turned_away() {
    loom::model(|| {
        let registry = Arc::new(Registry::<1>::new());
        let comes = thread::spawn({
            let registry = registry.clone();
            move || registry.enter(5)
        });
        let mut woken = Vec::new();
        registry.stop(|fd| woken.push(fd));
        let entered = comes.join().expect("no panic");
        assert!(!entered || woken == [5], "in service, and nobody will wake it");
    });
}

#[test]
fn who_left_is_not_woken_and_who_stayed_is() {
    loom::model(|| {
        let registry = Arc::new(Registry::<2>::new());
        assert!(registry.enter(3) && registry.enter(64));
        let leaves = thread::spawn({
            let registry = registry.clone();
            move || registry.leave(3)
        });
        leaves.join().expect("no panic");
        let mut woken = Vec::new();
        registry.stop(|fd| woken.push(fd));
        assert_eq!(woken, [64]);
        assert!(!registry.enter(3));
    });
}
