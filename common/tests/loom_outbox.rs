//! The hand-over from those who push to the driver that sends, under every interleaving.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p common --test loom_outbox --release`. Without the flag this file is empty.
//!
//! The bug to be afraid of is the lost wake-up: a driver goes to sleep just as something is pushed, and its client hears of it when the
//! next push comes, perhaps tomorrow. Here everyone would sleep, and loom calls that a deadlock.
#![cfg(loom)]

use std::sync::Arc as Shared;

use common::core::outbox::{Outbox, OutboxLimit, Push, WhenFull};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

/// See `loom_queue.rs`.
const PREEMPTIONS: usize = 3;

fn every_interleaving(test: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    builder.check(test);
}

/// What a sleeping driver is woken with: a model's eventfd, or tokio's `Notify`.
#[derive(Default)]
struct Waker {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Waker {
    fn ring(&self) {
        *self.rung.lock().expect("no panic") = true;
        self.changed.notify_one();
    }

    fn wait(&self) {
        let mut rung = self.rung.lock().expect("no panic");
        while !*rung {
            rung = self.changed.wait(rung).expect("no panic");
        }
        *rung = false;
    }
}

fn outbox(when_full: WhenFull) -> (Outbox, Arc<Waker>) {
    (Outbox::new(OutboxLimit { bytes: 2, when_full }), Arc::default())
}

fn wake(outbox: &Outbox, waker: &Arc<Waker>) {
    let waker = waker.clone();
    outbox.wake_with(move || waker.ring());
}

#[test]
fn what_is_pushed_before_during_and_after_the_driver_comes_is_sent() {
    every_interleaving(|| {
        let (outbox, waker) = outbox(WhenFull::Disconnect);
        let pushers = [b"a", b"b"].map(|bytes| {
            let outbox = outbox.clone();
            thread::spawn(move || outbox.push(Shared::from(*bytes)).expect("there is room for both"))
        });
        wake(&outbox, &waker);
        let mut sent = Vec::new();
        while sent.len() < 2 {
            waker.wait();
            while let Some(push) = outbox.pop() {
                sent.extend_from_slice(&push.bytes);
            }
        }
        sent.sort_unstable();
        assert_eq!(sent, b"ab");
        for pusher in pushers {
            pusher.join().expect("no panic");
        }
    });
}

fn reminder() -> Push {
    Push::reminder(Shared::from(*b"7"))
}

/// The driver: sleeps and sends until it has seen all the news there will be.
fn remind_until(count: u32, news: &Mutex<u32>, outbox: &Outbox, waker: &Waker) {
    let mut seen = 0;
    while seen < count {
        waker.wait();
        while outbox.pop().is_some() {
            seen = *news.lock().expect("no panic");
        }
    }
}

#[test]
fn one_reminder_for_all_that_wait_misses_no_news() {
    every_interleaving(|| {
        let (outbox, waker) = outbox(WhenFull::Skip);
        // The board: news are made and pushed under one lock, and whoever asks takes it too.
        let news = Arc::new(Mutex::new(0));
        let publishers = [(); 2].map(|()| {
            let (outbox, news) = (outbox.clone(), news.clone());
            thread::spawn(move || {
                let mut news = news.lock().expect("no panic");
                *news += 1;
                outbox.put(reminder()).expect("a reminder fits");
            })
        });
        wake(&outbox, &waker);
        remind_until(2, &news, &outbox, &waker);
        for publisher in publishers {
            publisher.join().expect("no panic");
        }
    });
}

/// A service that was paused while the driver slept: the resume must not be lost.
#[test]
fn a_driver_that_is_paused_and_resumed_goes_on() {
    every_interleaving(|| {
        let (outbox, waker) = outbox(WhenFull::Disconnect);
        outbox.pause();
        wake(&outbox, &waker);
        let resumer = {
            let outbox = outbox.clone();
            thread::spawn(move || outbox.resume())
        };
        while outbox.is_paused() {
            waker.wait();
        }
        resumer.join().expect("no panic");
    });
}

/// What is written while a driver is on its way to sleep: the first to write into an empty outbox wakes it, and no other.
#[test]
fn what_is_written_by_several_is_sent() {
    every_interleaving(|| {
        let (outbox, waker) = outbox(WhenFull::Skip);
        wake(&outbox, &waker);
        let writers = [(); 2].map(|()| {
            let outbox = outbox.clone();
            thread::spawn(move || {
                let mut writer = outbox.writer().expect("it has not ended");
                writer.buffer().push(b'a');
                if let (_, Some(wake)) = writer.finish() {
                    wake.wake();
                }
            })
        });
        let mut sent = 0;
        while sent < 2 {
            waker.wait();
            while let Some(push) = outbox.pop() {
                sent += push.bytes.len();
            }
        }
        for writer in writers {
            writer.join().expect("no panic");
        }
    });
}

/// A driver that handles a request is not woken, and looks afterwards: what is pushed meanwhile is not forgotten.
#[test]
fn what_is_pushed_while_a_request_is_handled_is_sent_after_it() {
    every_interleaving(|| {
        let (outbox, waker) = outbox(WhenFull::Skip);
        wake(&outbox, &waker);
        outbox.attend();
        let pusher = {
            let outbox = outbox.clone();
            thread::spawn(move || outbox.push(Shared::from(*b"a")).expect("there is room"))
        };
        outbox.unattend();
        while outbox.pop().is_none() {
            waker.wait();
        }
        pusher.join().expect("no panic");
    });
}
