//! The course of a run, whatever its clients are:
//!
//! ```text
//!   arriving │ warm-up │ what is counted            │ what is still under way │ over
//!            0       begin                         end                  all of it is there
//! ```

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use common::bench::machine::thread_ms;
use common::loadgen::NEVER;
use common::support::cli::human;
use common::support::count::counted;
use common::support::log;
use common::support::progress::Due;

/// How long a server may take to answer the next one who arrives.
const ARRIVAL: Duration = Duration::from_secs(10);
/// How long all that is under way may take to arrive after the end.
const DRAIN: Duration = Duration::from_secs(10);
/// The same after Ctrl-C: somebody waits for the prompt.
const HURRIED_DRAIN: Duration = Duration::from_secs(1);
/// In the end it is looked this often whether all is there.
const DRAIN_TICK: Duration = Duration::from_millis(10);

/// How long it takes.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// How long before anything is counted.
    pub warm_up: Duration,
    /// How long is counted.
    pub time: Duration,
}

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Not all clients are there.
    Arriving,
    /// All are there, since so long.
    Running(Duration),
    /// Nothing new begins, and not all is there that is to come.
    Settling,
}

/// One run as it goes on. `Count` is what is counted.
pub struct Measurement<'a, Count> {
    counted: Range<Duration>,
    interrupted: &'a AtomicBool,
    look: &'a mut dyn FnMut(),
    expected: usize,
    /// Clients that have set out, and those that are there.
    begun: usize,
    arrived: usize,
    /// When the last one arrived; when the first turn was, before that.
    last_arrival_ns: Option<u64>,
    start_ns: Option<u64>,
    began: Option<Mark<Count>>,
    ended: Option<Mark<Count>>,
    is_over: bool,
    /// When it was first asked how far it is.
    first_ns: Option<u64>,
    progress: Due,
}

#[derive(Debug, Clone, Copy)]
struct Mark<Count> {
    at: Duration,
    thread_ms: f64,
    count: Count,
}

/// What was counted.
#[derive(Debug)]
pub struct Span<Count> {
    /// What there was at the begin.
    pub from: Count,
    /// And at the end.
    pub to: Count,
    /// Between the two, seconds.
    pub seconds: f64,
    /// The fraction of a processor that this thread used between the two.
    pub busy: f64,
}

impl<'a, Count: Copy> Measurement<'a, Count> {
    /// Of so many clients that are to arrive. `look` is called when what is counted begins, and at its end: to ask the server
    /// what it uses. An interrupt ends what is counted; what is under way may still arrive.
    pub fn new(
        schedule: Schedule,
        expected: usize,
        interrupted: &'a AtomicBool,
        look: &'a mut dyn FnMut(),
    ) -> Measurement<'a, Count> {
        Measurement {
            counted: schedule.warm_up..schedule.warm_up + schedule.time,
            interrupted,
            look,
            expected,
            begun: 0,
            arrived: 0,
            last_arrival_ns: None,
            start_ns: None,
            began: None,
            ended: None,
            is_over: false,
            first_ns: None,
            progress: Due::default(),
        }
    }

    /// One more is there and was answered.
    pub fn arrive(&mut self, now_ns: u64) {
        self.arrived += 1;
        self.last_arrival_ns = Some(now_ns);
    }

    /// The clients that may set out now, if `at_once` are on their way at most.
    pub fn admit(&mut self, at_once: usize) -> Range<usize> {
        let begun = self.begun;
        self.begun = self.expected.min(self.arrived + at_once).max(begun);
        begun..self.begun
    }

    /// Whether nobody is there yet.
    pub fn is_empty(&self) -> bool {
        self.arrived == 0
    }

    /// To be asked once a turn, with what has been counted so far.
    ///
    /// # Errors
    /// Interrupted before all were there, or none of them has arrived for a long time.
    pub fn phase(&mut self, now_ns: u64, count: Count) -> anyhow::Result<Phase> {
        let hurry = self.interrupted.load(Ordering::Relaxed);
        let since_ns = now_ns.saturating_sub(*self.first_ns.get_or_insert(now_ns));
        if self.progress.is_due(Duration::from_nanos(since_ns)) {
            self.say_how_far(now_ns);
        }
        if self.arrived < self.expected {
            if hurry {
                bail!(INTERRUPTED);
            }
            let since_ns = now_ns.saturating_sub(*self.last_arrival_ns.get_or_insert(now_ns));
            if Duration::from_nanos(since_ns) > ARRIVAL {
                let Measurement { arrived, expected, .. } = self;
                bail!(
                    "only {arrived} of {} served: has the server's model room for all of them?",
                    counted(*expected, "client is", "clients are")
                );
            }
            return Ok(Phase::Arriving);
        }
        self.start_ns.get_or_insert(now_ns);
        let now = self.since_start(now_ns);
        if self.began.is_none() && now >= self.counted.start {
            (self.look)();
            self.began = Some(Mark { at: now, thread_ms: thread_ms(), count });
        }
        if self.ended.is_none() && (hurry || now >= self.counted.end) {
            (self.look)();
            self.ended = Some(Mark { at: now, thread_ms: thread_ms(), count });
        }
        let Some(ended) = &self.ended else { return Ok(Phase::Running(now)) };
        self.is_over |= now >= ended.at + if hurry { HURRIED_DRAIN } else { DRAIN };
        Ok(Phase::Settling)
    }

    fn say_how_far(&self, now_ns: u64) {
        let Measurement { arrived, expected, .. } = self;
        let whole_seconds = Duration::from_secs(self.since_start(now_ns).as_secs());
        log::line(format_args!(
            "{arrived} of {} there; {} of {}",
            counted(*expected, "client is", "clients are"),
            human(whole_seconds),
            human(self.counted.end)
        ));
    }

    /// All is there that was to come.
    pub fn settle(&mut self) {
        self.is_over = true;
    }

    /// The time of the run; 0 before all were there.
    pub fn since_start(&self, now_ns: u64) -> Duration {
        self.start_ns.map_or(Duration::ZERO, |start_ns| Duration::from_nanos(now_ns.saturating_sub(start_ns)))
    }

    /// Whether what was due then is counted.
    pub fn counts(&self, due: Duration) -> bool {
        self.counted.contains(&due)
    }

    /// When the next turn must be, if something is `due` then; `None` when the run is over.
    pub fn deadline(&self, now_ns: u64, due: Option<Duration>) -> Option<u64> {
        let ns = |duration: Duration| duration.as_nanos() as u64;
        match (self.start_ns, &self.ended) {
            _ if self.is_over => None,
            (None, _) => Some(NEVER),
            (Some(_), Some(_)) => Some(now_ns + ns(DRAIN_TICK)),
            (Some(start_ns), None) => {
                let next = if self.began.is_none() { self.counted.start } else { self.counted.end };
                Some(start_ns + ns(due.map_or(next, |due| due.min(next))))
            }
        }
    }

    /// What was counted.
    ///
    /// # Errors
    /// Interrupted before anything was.
    pub fn span(&self) -> anyhow::Result<Span<Count>> {
        let (from, to) = (self.began.context(INTERRUPTED)?, self.ended.context("it ended")?);
        let seconds = (to.at - from.at).as_secs_f64().max(1e-9);
        let busy = (to.thread_ms - from.thread_ms) / (seconds * 1e3);
        Ok(Span { from: from.count, to: to.count, seconds, busy })
    }
}

const INTERRUPTED: &str = "interrupted before anything was counted";

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn a_run_takes_its_course_and_counts_what_comes_between() {
        let (interrupted, looked) = (AtomicBool::new(false), std::cell::Cell::new(0));
        let mut look = || looked.set(looked.get() + 1);
        let schedule = Schedule { warm_up: Duration::from_millis(10), time: Duration::from_millis(100) };
        let mut run: Measurement<'_, u64> = Measurement::new(schedule, 3, &interrupted, &mut look);
        assert_eq!(run.phase(5 * MS, 0).unwrap(), Phase::Arriving);
        assert_eq!((run.admit(1), run.admit(1), run.admit(64)), (0..1, 1..1, 1..3));
        assert!(run.phase(10_006 * MS, 0).is_err(), "nobody came for 10 s");
        for _ in 0..3 {
            run.arrive(10_006 * MS);
        }
        let start_ns = 10_007 * MS;
        assert_eq!(run.phase(start_ns, 0).unwrap(), Phase::Running(Duration::ZERO));
        assert_eq!(run.deadline(start_ns, None), Some(start_ns + 10 * MS));
        assert_eq!(run.deadline(start_ns, Some(Duration::from_millis(3))), Some(start_ns + 3 * MS));
        run.phase(start_ns + 10 * MS, 7).unwrap();
        interrupted.store(true, Ordering::Relaxed);
        assert_eq!(run.phase(start_ns + 110 * MS, 57).unwrap(), Phase::Settling);
        assert_eq!(looked.get(), 2);
        assert_eq!(run.deadline(start_ns + 110 * MS, None), Some(start_ns + 120 * MS));
        run.phase(start_ns + 1110 * MS, 99).unwrap();
        assert_eq!(run.deadline(start_ns + 1110 * MS, None), None, "it waits for a second and no longer");
        let span = run.span().unwrap();
        assert_eq!((span.from, span.to, span.seconds), (7, 57, 0.1));
    }
}
