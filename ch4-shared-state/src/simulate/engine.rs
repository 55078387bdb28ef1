//! All clients in one thread: one `epoll(7)` loop for whatever crowd, which sends what is due and hears what has come.
//!
//! ```text
//!   arrive │ warm-up │ what is counted            │ what is still under way │ done
//!          0       begin                         end                  all of it is there
//!   turn:  Crowd::act: what is due ──► server ──► Crowd::hear: right? how late?
//!              ▲                                      │
//!              └── closed loop: the answers ◄─────────┘         open loop: the clock, and nothing else
//! ```

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use common::bench::machine::thread_ms;
use nix::sys::epoll::{EpollEvent, EpollFlags};

use super::poll::{Poll, is_timer};

/// How long all that is under way may take to arrive after the end.
const DRAIN: Duration = Duration::from_secs(10);
/// The same after Ctrl-C: somebody waits for the prompt.
const HURRIED_DRAIN: Duration = Duration::from_secs(1);
const EVENTS_AT_ONCE: usize = 512;
/// How long a turn waits at most, milliseconds: in the end it looks more often whether all is there.
const PLAY_MS: u8 = 50;
const DRAIN_MS: u8 = 10;

/// Clients of one kind or several, each behind a key of the [`Poll`].
pub trait Crowd {
    /// What it counts.
    type Count: Copy;

    /// What it has counted so far.
    fn count(&self) -> Self::Count;

    /// Sends what is due, and says when something is due next, unless what comes decides that.
    ///
    /// # Errors
    /// The connections'.
    fn act(&mut self, poll: &Poll, now: Duration) -> anyhow::Result<Option<Duration>>;

    /// The connection behind this key can be read, or has room.
    ///
    /// # Errors
    /// The connections', or something wrong has come.
    fn hear(&mut self, poll: &Poll, key: u64, flags: EpollFlags, clock: &Clock) -> anyhow::Result<()>;

    /// Forgets what is needed no more.
    fn tidy(&mut self) {}

    /// In each turn after the end, when nothing new begins: whether all has come that was to come.
    ///
    /// # Errors
    /// As [`hear`](Crowd::hear).
    fn has_settled(&mut self) -> anyhow::Result<bool>;
}

/// How long it takes.
#[derive(Debug, Clone, Copy)]
pub struct Course {
    /// How long before anything is counted.
    pub warm_up: Duration,
    /// How long is counted.
    pub time: Duration,
}

/// The time of the run.
#[derive(Debug)]
pub struct Clock {
    start: Instant,
    counted: Range<Duration>,
}

impl Clock {
    /// Begins now.
    #[must_use]
    pub fn new(course: Course) -> Clock {
        Clock { start: Instant::now(), counted: course.warm_up..course.warm_up + course.time }
    }

    /// Since the beginning.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Whether what was due then is counted.
    #[must_use]
    pub fn counts(&self, due: Duration) -> bool {
        self.counted.contains(&due)
    }
}

/// What was counted.
#[derive(Debug)]
pub struct Span<Count> {
    /// What the crowd had counted at the begin.
    pub from: Count,
    /// And at the end.
    pub to: Count,
    /// Between the two, seconds.
    pub seconds: f64,
    /// The fraction of a processor that this thread used between the two.
    pub busy: f64,
}

/// Runs it. `watch` is called once, when what is counted begins, and once at its end: to ask the server what it uses. An interrupt
/// ends what is counted; what is under way may still arrive.
///
/// # Errors
/// The crowd's, or interrupted before anything was counted.
pub fn run<C: Crowd>(
    crowd: &mut C,
    poll: &Poll,
    course: Course,
    interrupted: &AtomicBool,
    mut watch: impl FnMut(),
) -> anyhow::Result<Span<C::Count>> {
    let clock = Clock::new(course);
    let (mut began, mut ended) = (None, None);
    loop {
        let now = clock.now();
        let hurry = interrupted.load(Ordering::Relaxed);
        if began.is_none() && now >= clock.counted.start {
            watch();
            began = Some((now, thread_ms(), crowd.count()));
        }
        if ended.is_none() && (hurry || now >= clock.counted.end) {
            watch();
            ended = Some((now, thread_ms(), crowd.count()));
        }
        match ended {
            Some((end, ..)) => {
                let drain = if hurry { HURRIED_DRAIN } else { DRAIN };
                if crowd.has_settled()? || now >= end + drain {
                    break;
                }
            }
            None => {
                if let Some(next) = crowd.act(poll, now)? {
                    poll.wake_in(next.saturating_sub(now))?;
                }
            }
        }
        turn(crowd, poll, &clock, if ended.is_some() { DRAIN_MS } else { PLAY_MS })?;
    }
    let (from, to) = (began.context("interrupted before anything was counted")?, ended.context("it ended")?);
    let seconds = (to.0 - from.0).as_secs_f64().max(1e-9);
    Ok(Span { from: from.2, to: to.2, seconds, busy: (to.1 - from.1) / (seconds * 1e3) })
}

/// Waits so long at most, and hears what has come.
///
/// # Errors
/// The crowd's.
pub fn turn(crowd: &mut impl Crowd, poll: &Poll, clock: &Clock, milliseconds: u8) -> anyhow::Result<()> {
    let mut events = [EpollEvent::empty(); EVENTS_AT_ONCE];
    for event in poll.wait(&mut events, milliseconds)?.iter().filter(|event| !is_timer(event)) {
        crowd.hear(poll, event.data(), event.events(), clock)?;
    }
    crowd.tidy();
    Ok(())
}
