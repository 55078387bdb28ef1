//! One thread puts in and takes out. What several at once see: `tests/loom_outbox.rs`.

use super::writer::Wake;
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

/// A driver looks for a last word when it has taken everything, and for room after that.
#[test]
fn a_service_is_told_of_room_when_all_was_taken_at_once() {
    let outbox = outbox(WhenFull::Skip);
    outbox.push(Arc::from(*b"abcd")).unwrap();
    assert_eq!(outbox.push(Arc::from(*b"e")), Err(QueueFull));
    while outbox.pop().is_some() {}
    assert_eq!(outbox.take_last(), None);
    assert_eq!([outbox.take_room(), outbox.take_room()], [true, false]);
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

/// Writes these bytes; whether it was too much.
fn write(outbox: &Outbox, bytes: &[u8]) -> bool {
    let mut writer = outbox.writer().unwrap();
    writer.buffer().extend_from_slice(bytes);
    let (waiting, wake) = writer.finish();
    wake.into_iter().for_each(Wake::wake);
    waiting > outbox.limit().bytes
}

#[test]
fn what_is_written_is_one_buffer_and_wakes_once() {
    let outbox = outbox(WhenFull::Skip);
    let woken = woken(&outbox);
    for byte in *b"abc" {
        assert!(!write(&outbox, &[byte]));
    }
    assert_eq!((woken(), outbox.waiting()), (1, 3));
    assert_eq!(outbox.pop().unwrap().bytes, Pushed::Written(b"abc".to_vec()));
    assert_eq!((outbox.pop(), outbox.waiting()), (None, 0));
    write(&outbox, b"d");
    assert_eq!((woken(), all(&outbox)), (2, vec![b"d".to_vec()]), "nothing waited: it wakes again");
}

#[test]
fn pushes_and_what_is_written_keep_their_order() {
    let outbox = outbox(WhenFull::Skip);
    write(&outbox, b"a");
    outbox.push(Arc::from(*b"b")).unwrap();
    write(&outbox, b"c");
    outbox.put(news()).unwrap();
    write(&outbox, b"d");
    assert_eq!(all(&outbox).concat(), b"abcnews;d");
}

#[test]
fn a_long_part_is_shared_and_a_short_one_copied() {
    let outbox = Outbox::new(OutboxLimit { bytes: 1 << 20, when_full: WhenFull::Skip });
    let (long, short) = (Bytes::from(vec![b'x'; 8 * 1024]), Bytes::from_static(b"y"));
    let mut writer = outbox.writer().unwrap();
    writer.share(&long);
    writer.buffer().extend_from_slice(b"a");
    writer.share(&short);
    writer.share(&long);
    assert_eq!(writer.written(), 2 * long.len() + 2);
    drop(writer);
    assert_eq!(outbox.waiting(), 2 * long.len() + 2);
    let pushed: Vec<Pushed> = std::iter::from_fn(|| outbox.pop()).map(|push| push.bytes).collect();
    let shared = || Pushed::Shared(long.clone());
    assert_eq!(pushed, [shared(), Pushed::Written(b"ay".to_vec()), shared()]);
    let Pushed::Shared(first) = &pushed[0] else { panic!("{:?}", pushed[0].len()) };
    assert_eq!(first.as_ptr(), long.as_ptr(), "not a copy");
    assert_eq!(outbox.waiting(), 0);
}

#[test]
fn what_is_written_fits_always_and_the_writer_is_told_that_it_was_too_much() {
    let outbox = outbox(WhenFull::Skip);
    assert!(!write(&outbox, b"abcd"));
    assert!(write(&outbox, b"e"));
    assert!(!outbox.take_room());
    let _ = outbox.pop();
    assert_eq!([outbox.take_room(), outbox.take_room()], [true, false]);
    assert!(!outbox.is_full());
    outbox.end(Arc::from(*b"bye"));
    assert!(outbox.writer().is_none());
}

#[test]
fn what_was_written_elsewhere_is_appended_without_a_copy_where_it_can_be() {
    let outbox = Outbox::new(OutboxLimit { bytes: 100, when_full: WhenFull::Skip });
    let append = |bytes: Vec<u8>| outbox.writer().unwrap().append(bytes);
    let alone = b"ab".to_vec();
    let place = alone.as_ptr();
    append(alone);
    let Pushed::Written(bytes) = outbox.pop().unwrap().bytes else { panic!("it was written") };
    assert_eq!((&bytes[..], bytes.as_ptr()), (&b"ab"[..], place));
    append(b"cd".to_vec());
    append(b"ef".to_vec());
    assert_eq!((outbox.waiting(), all(&outbox)), (4, vec![b"cdef".to_vec()]));
}

#[test]
fn a_writer_that_writes_nothing_leaves_nothing() {
    let outbox = outbox(WhenFull::Skip);
    let woken = woken(&outbox);
    drop(outbox.writer());
    assert!(outbox.pop().is_none() && !outbox.is_due() && woken() == 0);
}

#[test]
fn a_driver_that_handles_a_request_is_not_woken() {
    let outbox = outbox(WhenFull::Skip);
    let woken = woken(&outbox);
    outbox.attend();
    write(&outbox, b"a");
    outbox.push(Arc::from(*b"b")).unwrap();
    outbox.unattend();
    assert_eq!((woken(), all(&outbox).concat()), (0, b"ab".to_vec()));
    write(&outbox, b"c");
    assert_eq!(woken(), 1);
}
