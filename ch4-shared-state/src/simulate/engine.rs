//! All clients in one thread: one `epoll(7)` loop that publishes what is due and reads what has come.
//!
//! ```text
//!   turn:  what is due ──► publishers ──► server ──► subscribers ──► transcript: right?  histogram: how late?
//!            ▲                                            │
//!            └── closed loop: what the slowest has got ◄──┘         open loop: the clock, and nothing else
//! ```

use std::io;
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use common::bench::machine::thread_ms;
use hdrhistogram::Histogram;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::io::{Read, Write};

use super::outcome::{Latency, Outcome};
use super::plan::{Load, Plan};
use super::publisher::Publisher;
use super::subscriber::Subscriber;
use super::transcript::Transcript;

/// How long all that was published may take to arrive after the end.
const DRAIN: Duration = Duration::from_secs(10);
/// How long a server may take to answer a subscription.
const PATIENCE: Duration = Duration::from_secs(10);
const READ_AT_ONCE: usize = 256 * 1024;
const EVENTS_AT_ONCE: usize = 512;

/// Runs the plan. `watch` is called once, when what is counted begins, and once at its end: to ask the server what it uses.
///
/// # Errors
/// Nobody to connect to, too few descriptors, a connection that broke, or a [`Violation`](super::transcript::Violation).
pub fn run(plan: &Plan, interrupted: &AtomicBool, mut watch: impl FnMut()) -> anyhow::Result<Outcome> {
    let mut crowd = Crowd::connect(plan)?;
    let start = Instant::now();
    let counted_from = plan.warm_up;
    let counted_to = plan.warm_up + plan.time;
    let (mut began, mut ended) = (None, None);
    loop {
        let now = start.elapsed();
        if began.is_none() && now >= counted_from {
            watch();
            began = Some((Instant::now(), thread_ms(), crowd.tally.delivered));
        }
        if ended.is_none() && (now >= counted_to || interrupted.load(Ordering::Relaxed)) {
            watch();
            ended = Some((Instant::now(), thread_ms(), crowd.tally.delivered));
        }
        if ended.is_some() {
            let all_there = crowd.least() == crowd.published && crowd.acknowledged() == crowd.published;
            if all_there || now >= counted_to + DRAIN || interrupted.load(Ordering::Relaxed) {
                break;
            }
        } else {
            crowd.publish_what_is_due(now)?;
        }
        crowd.turn(start, counted_from..counted_to, ended.is_some())?;
    }
    let (from, to) = (began.context("interrupted before anything was counted")?, ended.context("it ended")?);
    let seconds = (to.0 - from.0).as_secs_f64().max(1e-9);
    let delivered = to.2 - from.2;
    let missing: u64 =
        crowd.subscribers.iter().map(|subscriber| crowd.published - subscriber.place.messages).sum();
    Ok(Outcome {
        published: crowd.published,
        delivered_in_all: crowd.tally.delivered,
        missing,
        seconds,
        delivered,
        per_s: delivered as f64 / seconds,
        latency_us: Latency::of(&crowd.tally.latency),
        generator_busy: (to.1 - from.1) / (seconds * 1e3),
        ..Outcome::default()
    })
}

struct Crowd<'a> {
    plan: &'a Plan,
    epoll: Epoll,
    timer: TimerFd,
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
const TIMER: u64 = u64::MAX;

impl<'a> Crowd<'a> {
    fn connect(plan: &'a Plan) -> anyhow::Result<Crowd<'a>> {
        allow_descriptors(plan.subscribers + plan.publishers + plan.stalled + 64)?;
        let connect = || -> anyhow::Result<TcpStream> {
            let stream = TcpStream::connect_timeout(&plan.target, PATIENCE)
                .with_context(|| format!("nobody listens at {}", plan.target))?;
            stream.set_nodelay(true)?;
            Ok(stream)
        };
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let timer =
            TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?;
        epoll.add(&timer, EpollEvent::new(EpollFlags::EPOLLIN, TIMER))?;
        let stalled = (0..plan.stalled).map(|_| connect()).collect::<anyhow::Result<_>>()?;
        let mut subscribers = Vec::with_capacity(plan.subscribers);
        for key in 0..plan.subscribers {
            let mut stream = connect()?;
            let (hello, answer) = plan.dialect.subscribe();
            stream.write_all(hello)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.read_exact(&mut vec![0; answer]).context("no answer to a subscription")?;
            stream.set_nonblocking(true)?;
            epoll.add(&stream, EpollEvent::new(EpollFlags::EPOLLIN, key as u64))?;
            subscribers.push(Subscriber::new(stream));
        }
        let mut publishers = Vec::with_capacity(plan.publishers);
        for number in 0..plan.publishers {
            let stream = connect()?;
            stream.set_nonblocking(true)?;
            epoll.add(&stream, EpollEvent::new(EpollFlags::EPOLLIN, PUBLISHERS + number as u64))?;
            publishers.push(Publisher::new(stream, number, plan));
        }
        let latency = Histogram::new_with_bounds(1, 600_000_000_000, 3).context("the histogram's bounds")?;
        Ok(Crowd {
            plan,
            epoll,
            timer,
            subscribers,
            publishers,
            _stalled: stalled,
            transcript: Transcript::new(plan.dialect, plan.publishers, plan.bytes),
            published: 0,
            order: StdRng::seed_from_u64(plan.seed),
            scratch: vec![0; READ_AT_ONCE],
            tally: Tally { delivered: 0, latency },
        })
    }

    /// What the slowest subscriber has got.
    fn least(&self) -> u64 {
        self.subscribers.iter().map(|subscriber| subscriber.place.messages).min().unwrap_or(self.published)
    }

    fn acknowledged(&self) -> u64 {
        self.publishers.iter().map(|publisher| publisher.acknowledged).sum()
    }

    fn publish_what_is_due(&mut self, now: Duration) -> anyhow::Result<()> {
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
                self.send(number)?;
            }
        }
        if let Load::Rate(rate) = self.plan.load {
            let next = Duration::from_secs_f64(self.published as f64 / rate);
            let wait = next.saturating_sub(now).max(Duration::from_nanos(1));
            self.timer.set(Expiration::OneShot(TimeSpec::from_duration(wait)), TimerSetTimeFlags::empty())?;
        }
        Ok(())
    }

    fn send(&mut self, number: usize) -> anyhow::Result<()> {
        let publisher = &mut self.publishers[number];
        publisher.send().context("a publisher's connection broke")?;
        let mut flags = EpollFlags::EPOLLIN;
        flags.set(EpollFlags::EPOLLOUT, publisher.wants_to_write());
        if publisher.waits != publisher.wants_to_write() {
            publisher.waits = publisher.wants_to_write();
            let key = PUBLISHERS + number as u64;
            self.epoll.modify(publisher.stream.as_fd(), &mut EpollEvent::new(flags, key))?;
        }
        Ok(())
    }

    fn turn(
        &mut self,
        start: Instant,
        counted: std::ops::Range<Duration>,
        draining: bool,
    ) -> anyhow::Result<()> {
        let mut events = [EpollEvent::empty(); EVENTS_AT_ONCE];
        let patience = EpollTimeout::from(if draining { 10_u8 } else { 50 });
        let count = match self.epoll.wait(&mut events, patience) {
            Ok(count) => count,
            Err(nix::errno::Errno::EINTR) => 0,
            Err(error) => return Err(io::Error::from(error).into()),
        };
        let counted = counted.start.as_nanos() as u64..counted.end.as_nanos() as u64;
        for event in &events[..count] {
            match event.data() {
                TIMER => {
                    // Silent until it is set again.
                    self.timer.unset()?;
                }
                key if key >= PUBLISHERS => {
                    let number = (key - PUBLISHERS) as usize;
                    if event.events().contains(EpollFlags::EPOLLOUT) {
                        self.send(number)?;
                    }
                    self.publishers[number].read(self.plan, &mut self.scratch).context("a publisher")?;
                }
                key => {
                    let Crowd { subscribers, transcript, tally, scratch, plan, .. } = self;
                    let now_ns = start.elapsed().as_nanos() as u64;
                    subscribers[key as usize].read(plan.dialect, scratch, transcript, |due_ns| {
                        tally.delivered += 1;
                        if counted.contains(&due_ns) {
                            tally.latency.saturating_record(now_ns.saturating_sub(due_ns).max(1));
                        }
                    })?;
                }
            }
        }
        self.transcript.forget(self.subscribers.iter().map(|subscriber| subscriber.place));
        Ok(())
    }
}

fn allow_descriptors(count: usize) -> anyhow::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < count as u64 {
        if hard < count as u64 {
            bail!("{count} descriptors are needed, and this process may have {hard} (ulimit -Hn)");
        }
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(())
}
