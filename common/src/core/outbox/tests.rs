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
    assert!(outbox.overrun());
}

#[test]
fn what_is_held_back_holds_what_comes_behind_it() {
    let outbox = outbox(WhenFull::Disconnect);
    let woken = woken(&outbox);
    let held = |bytes: &[u8]| assert_eq!(outbox.put_held(Push::message(bytes.into())), Ok(true));
    outbox.push(Arc::from(*b"a")).unwrap();
    held(b"b");
    outbox.push(Arc::from(*b"c")).unwrap();
    held(b"d");
    let before = woken();
    assert_eq!((all(&outbox), outbox.is_due()), (vec![b"a".to_vec()], false));
    outbox.release();
    assert_eq!((outbox.is_due(), all(&outbox)), (true, vec![b"b".to_vec(), b"c".to_vec()]));
    outbox.release_all();
    assert_eq!((all(&outbox), woken() - before), (vec![b"d".to_vec()], 2));
    outbox.release();
    assert_eq!(woken() - before, 2, "there is nothing to do");
}

#[test]
fn a_reminder_that_is_held_stands_for_all_that_come_until_it_is_taken() {
    let outbox = outbox(WhenFull::Skip);
    assert_eq!(outbox.put_held(news()), Ok(true));
    assert_eq!((outbox.put(news()), outbox.put_held(news())), (Ok(false), Ok(false)));
    outbox.put_held(Push::answer(Arc::from(*b"answer;"))).unwrap();
    assert_eq!(all(&outbox), [b""; 0]);
    outbox.release();
    assert_eq!(all(&outbox), [b"news;"]);
    // Only an answer waits now, and an answer reminds of nothing.
    assert_eq!(outbox.put(news()), Ok(true));
    outbox.release();
    assert_eq!(all(&outbox), [&b"answer;"[..], b"news;"]);
}

#[test]
fn answers_fit_whatever_waits_and_take_no_room_from_messages() {
    let outbox = outbox(WhenFull::Disconnect);
    for _ in 0..3 {
        assert_eq!(outbox.put(Push::answer(Arc::from(*b"answer;"))), Ok(true));
    }
    outbox.push(Arc::from(*b"abcd")).unwrap();
    assert_eq!(outbox.answers(), 3 * b"answer;".len());
    assert_eq!((all(&outbox).len(), outbox.answers(), outbox.overrun()), (4, 0, false));
    outbox.end(Arc::from(*b"bye"));
    assert_eq!(outbox.put(Push::answer(Arc::from(*b"answer;"))), Err(QueueFull));
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
    assert!(!outbox.overrun());
    let _ = outbox.pop();
    outbox.push(Arc::from(*b"f")).unwrap();
}
