//! The crowd at the notification board: publishers, subscribers, and some who only hold their connections.
//!
//! ```text
//!   what is due ──► publishers ──► server ──► subscribers ──► transcript: right?  histogram: how late?
//! ```

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context, bail};
use hdrhistogram::Histogram;
use nix::sys::epoll::EpollFlags;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::engine::{self, Clock, Course};
use super::outcome::{Latency, Outcome};
use super::plan::{Load, Plan};
use super::poll::{PATIENCE, Poll, allow_descriptors, connect};
use super::publisher::Publisher;
use super::subscriber::Subscriber;
use super::transcript::Transcript;
use common::support::interruptible::InterruptibleStream;

const READ_AT_ONCE: usize = 256 * 1024;

/// Runs the plan. `watch` is called when what is counted begins, and at its end.
///
/// # Errors
/// Nobody to connect to, too few descriptors, a connection that broke, or a [`Violation`](super::transcript::Violation).
pub fn run(plan: &Plan, interrupted: &AtomicBool, watch: impl FnMut()) -> anyhow::Result<Outcome> {
    let poll = Poll::new()?;
    let mut crowd = Crowd::connect(plan, &poll, interrupted)?;
    let course = Course { warm_up: plan.warm_up, time: plan.time };
    let span = engine::run(&mut crowd, &poll, course, interrupted, watch)?;
    let delivered = span.to - span.from;
    let missing: u64 =
        crowd.subscribers.iter().map(|subscriber| crowd.published - subscriber.place.messages).sum();
    Ok(Outcome {
        published: crowd.published,
        delivered_in_all: crowd.tally.delivered,
        missing,
        seconds: span.seconds,
        delivered,
        per_s: delivered as f64 / span.seconds,
        latency_us: Latency::of(&crowd.tally.latency),
        generator_busy: span.busy,
        ..Outcome::default()
    })
}

struct Crowd<'a> {
    plan: &'a Plan,
    subscribers: Vec<Subscriber>,
    publishers: Vec<Publisher>,
    /// They only hold their connections.
    _stalled: Vec<TcpStream>,
    transcript: Transcript,
    published: u64,
    order: StdRng,
    scratch: Vec<u8>,
    tally: Tally,
}

struct Tally {
    delivered: u64,
    latency: Histogram<u64>,
}

/// The keys of publishers begin here; those of subscribers at 0.
const PUBLISHERS: u64 = 1 << 32;

impl<'a> Crowd<'a> {
    fn connect(plan: &'a Plan, poll: &Poll, interrupted: &AtomicBool) -> anyhow::Result<Crowd<'a>> {
        allow_descriptors(plan.subscribers + plan.publishers + plan.stalled + 64)?;
        let stalled = (0..plan.stalled).map(|_| connect(plan.target)).collect::<anyhow::Result<_>>()?;
        let mut subscribers = Vec::with_capacity(plan.subscribers);
        for key in 0..plan.subscribers {
            let stream = subscribe(plan, key, interrupted)?;
            poll.listen(&stream, key as u64)?;
            subscribers.push(Subscriber::new(stream));
        }
        let mut publishers = Vec::with_capacity(plan.publishers);
        for number in 0..plan.publishers {
            let stream = connect(plan.target)?;
            stream.set_nonblocking(true)?;
            poll.listen(&stream, PUBLISHERS + number as u64)?;
            publishers.push(Publisher::new(stream, number, plan));
        }
        Ok(Crowd {
            plan,
            subscribers,
            publishers,
            _stalled: stalled,
            transcript: Transcript::new(plan.dialect, plan.publishers, plan.bytes),
            published: 0,
            order: StdRng::seed_from_u64(plan.seed),
            scratch: vec![0; READ_AT_ONCE],
            tally: Tally { delivered: 0, latency: Latency::histogram() },
        })
    }

    /// What the slowest subscriber has got.
    fn least(&self) -> u64 {
        self.subscribers.iter().map(|subscriber| subscriber.place.messages).min().unwrap_or(self.published)
    }

    fn acknowledged(&self) -> u64 {
        self.publishers.iter().map(|publisher| publisher.acknowledged).sum()
    }

    fn send(&mut self, poll: &Poll, number: usize) -> anyhow::Result<()> {
        let publisher = &mut self.publishers[number];
        publisher.send().context("a publisher's connection broke")?;
        if publisher.waits != publisher.wants_to_write() {
            publisher.waits = publisher.wants_to_write();
            poll.await_room(&publisher.stream, PUBLISHERS + number as u64, publisher.waits)?;
        }
        Ok(())
    }
}

/// Connects one, and waits until it is a subscriber.
fn subscribe(plan: &Plan, number: usize, interrupted: &AtomicBool) -> anyhow::Result<TcpStream> {
    let (hello, expected) = plan.dialect.subscribe();
    let mut stream = InterruptibleStream::over(connect(plan.target)?, PATIENCE, interrupted)?;
    stream.write_all(hello)?;
    let mut answer = vec![0; expected.len()];
    match stream.read_exact(&mut answer) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => bail!(
            "only {number} of {} subscribers are served: has the server's model room for all clients?",
            plan.subscribers
        ),
        answered => answered.context("no answer to a subscription")?,
    }
    if answer != expected {
        bail!(
            "the board at {} is not empty, or no board: every message of it would be compared",
            plan.target
        );
    }
    Ok(stream.into_nonblocking()?)
}

impl engine::Crowd for Crowd<'_> {
    /// Deliveries.
    type Count = u64;

    fn count(&self) -> u64 {
        self.tally.delivered
    }

    fn act(&mut self, poll: &Poll, now: Duration) -> anyhow::Result<Option<Duration>> {
        let due = match self.plan.load {
            Load::Window(window) => self.least() + window,
            Load::Rate(rate) => (now.as_secs_f64() * rate) as u64 + 1,
        };
        while self.published < due {
            let number = match self.publishers.len() {
                1 => 0,
                count => self.order.random_range(0..count),
            };
            if self.publishers[number].is_choked() {
                break;
            }
            let due_ns = match self.plan.load {
                Load::Window(_) => now.as_nanos() as u64,
                Load::Rate(rate) => (self.published as f64 / rate * 1e9) as u64,
            };
            self.publishers[number].publish(self.plan);
            self.transcript.published(number, due_ns);
            self.published += 1;
        }
        for number in 0..self.publishers.len() {
            if self.publishers[number].wants_to_write() {
                self.send(poll, number)?;
            }
        }
        Ok(match self.plan.load {
            Load::Window(_) => None,
            Load::Rate(rate) => Some(Duration::from_secs_f64(self.published as f64 / rate)),
        })
    }

    fn hear(&mut self, poll: &Poll, key: u64, flags: EpollFlags, clock: &Clock) -> anyhow::Result<()> {
        if key >= PUBLISHERS {
            let number = (key - PUBLISHERS) as usize;
            if flags.contains(EpollFlags::EPOLLOUT) {
                self.send(poll, number)?;
            }
            self.publishers[number].read(self.plan, &mut self.scratch).context("a publisher")?;
        } else {
            let Crowd { subscribers, transcript, tally, scratch, plan, .. } = self;
            let now_ns = clock.now().as_nanos() as u64;
            subscribers[key as usize].read(plan.dialect, scratch, transcript, |due_ns| {
                tally.delivered += 1;
                if clock.counts(Duration::from_nanos(due_ns)) {
                    tally.latency.saturating_record(now_ns.saturating_sub(due_ns).max(1));
                }
            })?;
        }
        Ok(())
    }

    fn tidy(&mut self) {
        self.transcript.forget(self.subscribers.iter().map(|subscriber| subscriber.place));
    }

    fn has_settled(&mut self) -> anyhow::Result<bool> {
        Ok(self.least() == self.published && self.acknowledged() == self.published)
    }
}
