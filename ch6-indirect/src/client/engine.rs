//! Load on a server, from one thread: it publishes at a pace, reads what comes on all connections, answers, and at the end waits until
//! everything that was published has come.
//!
//! ```text
//!   └── warm-up ──┴── measured ──────────┴── drained: nothing new, all the rest ──┘
//! ```

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::link::Link;
use super::times::{Times, nanoseconds};
use super::wire::{Seen, Wire};

/// What is read at once from a socket.
const READ_BUFFER: usize = 1 << 20;
/// What is written at once: more publications are made when less than this waits.
const WRITE_BUFFER: usize = 128 << 10;
/// How long the last messages may take.
const DRAIN_TIME: Duration = Duration::from_secs(30);
/// A message a consumer has not got for each that may be unconfirmed, and so many more times: no queue grows without bound.
const BACKLOG: u64 = 4;

/// When the next message is published.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// As soon as fewer than this are on their way.
    Window(u64),
    /// So many a second, whatever comes back: a message's time begins when it was to be published.
    Rate(f64),
}

/// What a run is.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// When messages are published.
    pub pace: Pace,
    /// Not measured.
    pub warm_up: Duration,
    /// Measured.
    pub time: Duration,
    /// No more messages than this.
    pub most: u64,
    /// Publications are confirmed: the window is of those that are not. Otherwise it is of those that were not delivered.
    pub confirms: bool,
}

/// A connection: what carries bytes, and what they mean.
pub struct Connection {
    link: Link,
    wire: Box<dyn Wire>,
    seen: Seen,
    wants_to_write: bool,
}

impl Connection {
    /// Of both.
    #[must_use]
    pub fn new(link: Link, wire: Box<dyn Wire>) -> Connection {
        Connection { link, wire, seen: Seen::default(), wants_to_write: false }
    }
}

/// What a run found.
#[derive(Debug)]
pub struct Run {
    /// Messages, all of them.
    pub published: u64,
    /// Deliveries to all consumers, all of them.
    pub delivered: u64,
    /// Confirms, all of them.
    pub confirmed: u64,
    /// Of the measured time: deliveries where there are consumers, confirms otherwise.
    pub measured: u64,
    /// The measured time.
    pub seconds: f64,
    /// How long messages took: to be confirmed where they are, otherwise to be delivered to the first consumer.
    pub times: Times,
}

/// A generator with its connections: a publisher, and consumers.
pub struct Engine<'a> {
    connections: Vec<Connection>,
    epoll: Epoll,
    buffer: Vec<u8>,
    plan: Plan,
    began: Instant,
    times: Times,
    published: u64,
    confirmed: u64,
    delivered: u64,
    interrupted: &'a AtomicBool,
}

impl<'a> Engine<'a> {
    /// Nothing is published yet; consumers have asked for messages.
    ///
    /// # Errors
    /// What epoll(7) says.
    pub fn new(
        publisher: Connection,
        consumers: Vec<Connection>,
        plan: Plan,
        interrupted: &'a AtomicBool,
    ) -> anyhow::Result<Engine<'a>> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("no epoll")?;
        let connections: Vec<Connection> = [publisher].into_iter().chain(consumers).collect();
        for (index, connection) in connections.iter().enumerate() {
            epoll.add(&connection.link, EpollEvent::new(EpollFlags::EPOLLIN, index as u64))?;
        }
        let mut engine = Engine {
            connections,
            epoll,
            buffer: vec![0; READ_BUFFER],
            plan,
            began: Instant::now(),
            times: Times::default(),
            published: 0,
            confirmed: 0,
            delivered: 0,
            interrupted,
        };
        for index in 0..engine.connections.len() {
            engine.answer(index)?;
        }
        Ok(engine)
    }

    /// Runs the plan. `at_start` and `at_end`: of the measured time.
    ///
    /// # Errors
    /// A connection is lost; a message is lost, comes twice or in the wrong order; the rest does not come.
    pub fn run(mut self, at_start: impl FnOnce(), at_end: impl FnOnce()) -> anyhow::Result<Run> {
        self.began = Instant::now();
        self.until(self.plan.warm_up, 0)?;
        self.times.warm();
        let (before, began) = (self.work(), self.began.elapsed());
        at_start();
        self.until(began + self.plan.time, before + 1)?;
        let (measured, seconds) = (self.work() - before, (self.began.elapsed() - began).as_secs_f64());
        at_end();
        self.drain()?;
        Ok(Run {
            published: self.published,
            delivered: self.delivered,
            confirmed: self.confirmed,
            measured,
            seconds,
            times: self.times,
        })
    }

    /// Until then, and longer where a slow server has not done so much.
    fn until(&mut self, end: Duration, least: u64) -> anyhow::Result<()> {
        while self.published < self.plan.most && !self.is_interrupted() {
            let elapsed = self.began.elapsed();
            if elapsed >= end && (self.work() >= least || elapsed >= end + DRAIN_TIME) {
                break;
            }
            let may_publish = self.publish()?;
            let is_paced = matches!(self.plan.pace, Pace::Rate(_));
            self.turn(if may_publish || is_paced { EpollTimeout::ZERO } else { EpollTimeout::from(10u8) })?;
        }
        Ok(())
    }

    /// Publishes what is due, as far as there is room, and says whether more is due and there is room.
    fn publish(&mut self) -> anyhow::Result<bool> {
        let due = self.due().min(self.plan.most);
        let publisher = &mut self.connections[0];
        if due <= self.published || publisher.link.waiting() >= WRITE_BUFFER {
            return Ok(false);
        }
        // So many of the smallest publications fit.
        let count = (due - self.published).min(512);
        let numbers = self.published..self.published + count;
        let now = nanoseconds(self.began.elapsed());
        for number in numbers.clone() {
            self.times.started(match self.plan.pace {
                Pace::Window(_) => now,
                Pace::Rate(rate) => (number as f64 / rate * 1e9) as u64,
            });
        }
        publisher.wire.publish(numbers, publisher.link.out());
        self.published += count;
        self.flush(0)?;
        Ok(due > self.published && self.connections[0].link.waiting() < WRITE_BUFFER)
    }

    /// How many messages should have been published by now.
    fn due(&self) -> u64 {
        match self.plan.pace {
            Pace::Rate(rate) => (self.began.elapsed().as_secs_f64() * rate) as u64 + 1,
            Pace::Window(window) if self.plan.confirms => {
                (self.confirmed + window).min(self.least_delivered() + window * BACKLOG)
            }
            Pace::Window(window) => self.least_delivered() + window,
        }
    }

    /// What all consumers have got.
    fn least_delivered(&self) -> u64 {
        let delivered = self.connections[1..].iter().map(|consumer| consumer.seen.delivered);
        delivered.min().unwrap_or(u64::MAX / 2)
    }

    fn work(&self) -> u64 {
        if self.connections.len() > 1 { self.delivered } else { self.confirmed }
    }

    /// Waits for one of the connections, and reads what has come.
    fn turn(&mut self, timeout: EpollTimeout) -> anyhow::Result<()> {
        let mut events = [EpollEvent::empty(); 128];
        let count = match self.epoll.wait(&mut events, timeout) {
            Ok(count) => count,
            Err(Errno::EINTR) => 0,
            Err(error) => return Err(error).context("epoll_wait"),
        };
        for event in &events[..count] {
            let index = usize::try_from(event.data()).expect("it was one");
            if event.events().contains(EpollFlags::EPOLLOUT) {
                self.flush(index)?;
            }
            if event.events().intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR) {
                self.read(index)?;
            }
        }
        Ok(())
    }

    fn read(&mut self, index: usize) -> anyhow::Result<()> {
        let Connection { link, wire, seen, .. } = &mut self.connections[index];
        let before = seen.delivered;
        link.read(&mut self.buffer, |bytes| wire.read(bytes, seen))?;
        let now = nanoseconds(self.began.elapsed());
        if index == 1 && !self.plan.confirms {
            self.times.came(before..seen.delivered, now);
        }
        self.delivered += seen.delivered - before;
        for numbers in seen.confirmed.drain(..) {
            self.confirmed += numbers.end - numbers.start;
            self.times.came(numbers, now);
        }
        self.answer(index)
    }

    fn answer(&mut self, index: usize) -> anyhow::Result<()> {
        let connection = &mut self.connections[index];
        connection.wire.answer(connection.link.out());
        self.flush(index)
    }

    /// Writes, and asks to be told when there is room for the rest.
    fn flush(&mut self, index: usize) -> anyhow::Result<()> {
        let connection = &mut self.connections[index];
        connection.link.flush()?;
        let wants_to_write = connection.link.waiting() > 0;
        if wants_to_write != connection.wants_to_write {
            connection.wants_to_write = wants_to_write;
            let room = if wants_to_write { EpollFlags::EPOLLOUT } else { EpollFlags::empty() };
            let mut event = EpollEvent::new(EpollFlags::EPOLLIN | room, index as u64);
            self.epoll.modify(&connection.link, &mut event)?;
        }
        Ok(())
    }

    /// All that was published comes.
    fn drain(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + DRAIN_TIME;
        loop {
            let missing = self.published - self.least_delivered().min(self.published);
            let unconfirmed = if self.plan.confirms { self.published - self.confirmed } else { 0 };
            if (missing, unconfirmed) == (0, 0) || self.is_interrupted() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                bail!(
                    "of {} messages {missing} were not delivered and {unconfirmed} not confirmed",
                    self.published
                );
            }
            self.turn(EpollTimeout::from(10u8))?;
        }
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}
