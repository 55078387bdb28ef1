//! One thread puts in and takes out. What several at once see: `tests/loom_outbox.rs`.

use super::*;
use std::sync::atomic::{AtomicU32, Ordering};

fn outbox(when_full: WhenFull) -> Outbox {
    Outbox::new(OutboxLimit { bytes: 4, when_full })
}

/// All that may leave, a push each.
fn all(outbox: &Outbox) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| outbox.pop()).map(|push| push.bytes.to_vec()).collect()
}

fn news() -> Push {
    Push::reminder(Arc::from(*b"news;"))
}

/// Counts how often the driver is woken.
fn woken(outbox: &Outbox) -> impl Fn() -> u32 + use<> {
    let woken = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&woken);
    outbox.wake_with(move || {
        count.fetch_add(1, Ordering::Relaxed);
    });
    move || woken.load(Ordering::Relaxed)
}

#[test]
fn keeps_order_and_wakes_after_every_push() {
    let outbox = outbox(WhenFull::Disconnect);
    outbox.push(Arc::from(*b"a")).unwrap();
    let woken = woken(&outbox);
    outbox.push(Arc::from(*b"b")).unwrap();
    assert_eq!(woken(), 2);
    assert_eq!(all(&outbox), [&b"a"[..], b"b"]);
    assert!(outbox.pop().is_none() && !outbox.is_due());
}

#[test]
fn disconnects_who_does_not_keep_up() {
    let outbox = outbox(WhenFull::Disconnect);
    outbox.push(Arc::from(*b"abcd")).unwrap();
    assert_eq!(outbox.push(Arc::from(*b"e")), Err(QueueFull));
    assert!(outbox.is_full());
}

#[test]
fn a_service_is_told_once_that_there_is_room_again() {
    let outbox = outbox(WhenFull::Skip);
    for byte in *b"abcd" {
        outbox.push(Arc::from([byte])).unwrap();
    }
    assert!(!outbox.take_room(), "nothing was refused");
    assert_eq!(outbox.push(Arc::from(*b"e")), Err(QueueFull));
    let _ = outbox.pop();
    assert!(!outbox.take_room(), "half of it must be free");
    let _ = outbox.pop();
    assert_eq!([outbox.take_room(), outbox.take_room()], [true, false]);
    assert_eq!(outbox.push(Arc::from(*b"f")), Ok(()));
}

#[test]
fn to_resume_wakes_the_driver_if_it_was_paused() {
    let outbox = outbox(WhenFull::Skip);
    let woken = woken(&outbox);
    outbox.resume();
    assert_eq!((woken(), outbox.is_paused()), (0, false));
    outbox.pause();
    assert!(outbox.is_paused());
    outbox.resume();
    assert_eq!((woken(), outbox.is_paused()), (1, false));
}

#[test]
fn last_words_take_the_place_of_what_waits_and_nothing_follows_them() {
    let outbox = outbox(WhenFull::Skip);
    outbox.push(Arc::from(*b"abcd")).unwrap();
    outbox.end(Arc::from(*b"too slow"));
    outbox.end(Arc::from(*b"again"));
    assert_eq!(outbox.push(Arc::from(*b"e")), Err(QueueFull));
    assert!(outbox.pop().is_none() && outbox.is_due());
    assert_eq!(outbox.take_last().as_deref(), Some(&b"too slow"[..]));
    assert!(outbox.take_last().is_none() && !outbox.is_due());
}

#[test]
fn one_reminder_that_waits_stands_for_all() {
    let outbox = outbox(WhenFull::Skip);
    let woken = woken(&outbox);
    for _ in 0..2 {
        for turn in 0..9 {
            assert_eq!(outbox.put(news()), Ok(turn == 0));
        }
        assert_eq!(outbox.pop(), Some(news()));
        assert_eq!(outbox.pop(), None);
    }
    assert_eq!(woken(), 2);
}

#[test]
fn skips_what_does_not_fit_and_takes_more_when_there_is_room() {
    let outbox = outbox(WhenFull::Skip);
    outbox.push(Arc::from(*b"abcd")).unwrap();
    assert_eq!(outbox.push(Arc::from(*b"e")), Err(QueueFull));
    assert!(!outbox.is_full());
    let _ = outbox.pop();
    outbox.push(Arc::from(*b"f")).unwrap();
}
