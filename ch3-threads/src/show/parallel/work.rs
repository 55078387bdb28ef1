//! A task that only computes, and that knows when it ran.
//!
//! ```text
//!  slices      ▏▏▏▏▏▏▏▏▏▏▏▏▏▏▏▏▏▏            ▏▏▏▏▏▏▏▏▏▏▏▏▏▏      some microseconds each
//!  clock       ├─────────────────┤┄┄┄┄┄┄┄┄┄┄┄┄├────────────┤
//!  ran         └── a stretch ────┘  another   └─ a stretch ┘
//! ```
//!
//! Two clocks are read after each slice: the time of day that all threads share, and the processor time of this thread. A slice
//! in which much more of the first passed than of the second was interrupted. When in the slice that was is not known: it is
//! left out, so that two tasks of one processor never seem to run at the same moment.

use std::hint::black_box;
use std::time::Duration;

use common::core::trace::monotonic_ns;
use nix::time::{ClockId, clock_gettime};

/// Steps of a slice: some 20 µs of work.
const STEPS: u32 = 10_000;
/// A slice that was this much longer on the clock than on the processor was interrupted.
const PAUSE_NS: u64 = 50_000;

/// What is known of a task that has ended.
pub(super) struct Task {
    /// When it ran, in the order of time.
    pub ran: Vec<Stretch>,
    /// What it found: the same for every run with this number of slices, however it was scheduled.
    pub answer: u64,
}

/// A stretch of time, nanoseconds of a clock that all threads share.
#[derive(Clone, Copy)]
pub(super) struct Stretch {
    pub from_ns: u64,
    pub to_ns: u64,
}

/// How many slices take so long on this machine, when nothing disturbs them.
pub(super) fn slices_of(time: Duration) -> u32 {
    let slice_ns = || {
        let before = processor_ns();
        slice(black_box(1));
        processor_ns() - before
    };
    // The fastest of some: the others met an interrupt, or a processor that was not awake yet.
    let fastest = (0..500).map(|_| slice_ns()).min().unwrap_or(1).max(1);
    u32::try_from(time.as_nanos() as u64 / fastest).unwrap_or(u32::MAX).max(1)
}

/// Does a task of this number of slices, in this thread.
pub(super) fn run(slices: u32) -> Task {
    let mut ran: Vec<Stretch> = Vec::new();
    let mut answer = 1;
    let (mut clock, mut processor) = (monotonic_ns(), processor_ns());
    let mut interrupted = true;
    for _ in 0..slices {
        answer = slice(answer);
        let (clock_now, processor_now) = (monotonic_ns(), processor_ns());
        let paused = (clock_now - clock).saturating_sub(processor_now - processor) > PAUSE_NS;
        match ran.last_mut() {
            _ if paused => {}
            Some(stretch) if !interrupted => stretch.to_ns = clock_now,
            _ => ran.push(Stretch { from_ns: clock, to_ns: clock_now }),
        }
        (clock, processor, interrupted) = (clock_now, processor_now, paused);
    }
    Task { ran, answer }
}

/// A chain of steps of which each needs the one before: no processor can take a short cut.
fn slice(mut value: u64) -> u64 {
    for _ in 0..STEPS {
        value ^= value << 13;
        value ^= value >> 7;
        value ^= value << 17;
    }
    black_box(value)
}

/// The processor time of this thread.
fn processor_ns() -> u64 {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("Linux has this clock");
    Duration::from(time).as_nanos() as u64
}
