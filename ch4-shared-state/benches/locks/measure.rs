//! One measurement: threads that call a board as fast as they can.
//!
//! It is a closed loop: a thread that waits does not call, so the p99 is that of the calls that were made, and a fairer lock may show a
//! longer one. Of short calls one in sixteen is timed, for two looks at the clock cost as much as a call; of long ones each.
//!
//! Every message has a text of its own, and with it a count of references of its own. Were they all one text, all readers of all kinds
//! would fight for its one count, and that would be measured.

use std::fmt;
use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ch4_shared_state::locks::{KEPT, SharedBoard, Sharing, Text};
use hdrhistogram::Histogram;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;

use super::args::Read;

/// The calls of a thread come from a list of so many, over and over: drawing each anew would be measured too.
const PLAN: usize = 4096;
/// The length of a message in bytes.
const LENGTH: usize = 128;
/// What is searched for: every message must be looked at for it, whether it is in many or in none.
const NEEDLE: &str = "lock";
/// How long the threads run before they are counted, as a part of the time they are.
const WARM_UP: u32 = 5;

/// Who calls what.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// What a read is.
    pub read: Read,
    /// Reads among a hundred calls.
    pub reads: u32,
    /// How many threads.
    pub threads: u32,
    /// How many messages [`Read::Last`] takes.
    pub batch: usize,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Sample {
    /// Calls of all threads per second.
    pub calls_per_s: f64,
    /// Of a hundred calls 99 took at most so long, microseconds.
    pub p99_us: f64,
}

/// Lets the threads call for so long, or until Ctrl-C.
pub fn measure(sharing: Sharing, load: Load, time: Duration, seed: u64, interrupted: &AtomicBool) -> Sample {
    let board = sharing.build();
    let mut rng = StdRng::seed_from_u64(seed);
    for _ in 0..KEPT {
        board.publish(text(&mut rng).into());
    }
    let phase = Phase::default();
    let begin = Barrier::new(load.threads as usize + 1);
    let mut calls = 0;
    let mut times = histogram();
    let mut elapsed = Duration::ZERO;
    thread::scope(|scope| {
        let callers: Vec<_> = (0..load.threads)
            .map(|_| {
                let mut rng = StdRng::from_rng(&mut rng);
                let (board, phase, begin) = (&*board, &phase, &begin);
                scope.spawn(move || {
                    let plan = plan(load, &mut rng);
                    let text = text(&mut rng);
                    begin.wait();
                    call(board, load, &plan, &text, phase)
                })
            })
            .collect();
        begin.wait();
        thread::sleep(time / WARM_UP);
        phase.is_counted.store(true, Ordering::Relaxed);
        let began = Instant::now();
        while began.elapsed() < time && !interrupted.load(Ordering::Relaxed) {
            thread::sleep((time - began.elapsed().min(time)).min(Duration::from_millis(100)));
        }
        phase.is_over.store(true, Ordering::Relaxed);
        elapsed = began.elapsed();
        for caller in callers {
            let (made, timed) = caller.join().expect("a caller does not panic");
            calls += made;
            times.add(&timed).expect("both have the same bounds");
        }
    });
    Sample {
        calls_per_s: calls as f64 / elapsed.as_secs_f64(),
        p99_us: times.value_at_quantile(0.99) as f64 / 1e3,
    }
}

#[derive(Default)]
struct Phase {
    is_counted: AtomicBool,
    is_over: AtomicBool,
}

/// A message.
fn text(rng: &mut StdRng) -> String {
    (0..LENGTH).map(|_| char::from(rng.random_range(b'a'..=b'z'))).collect()
}

/// Whether each call is a read.
fn plan(load: Load, rng: &mut StdRng) -> Vec<bool> {
    (0..PLAN).map(|_| rng.random_range(0..100) < load.reads).collect()
}

/// One thread: its calls while they are counted, and the times of some.
fn call(
    board: &dyn SharedBoard,
    load: Load,
    plan: &[bool],
    text: &str,
    phase: &Phase,
) -> (u64, Histogram<u64>) {
    let mut times = histogram();
    let mut calls = 0;
    let one = |is_read: bool| match load.read {
        _ if !is_read => {
            black_box(board.publish(Text::from(text)));
        }
        Read::Last => {
            black_box(board.last(load.batch));
        }
        Read::Search => {
            black_box(board.search(NEEDLE));
        }
    };
    let timed_of = match load.read {
        Read::Last => 16,
        Read::Search => 1,
    };
    for calls_of_plan in plan.chunks(timed_of).cycle() {
        if phase.is_over.load(Ordering::Relaxed) {
            break;
        }
        let is_counted = phase.is_counted.load(Ordering::Relaxed);
        let began = Instant::now();
        one(calls_of_plan[0]);
        let took = began.elapsed();
        calls_of_plan[1..].iter().for_each(|&is_read| one(is_read));
        if is_counted {
            calls += calls_of_plan.len() as u64;
            times.saturating_record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        }
    }
    (calls, times)
}

/// Nanoseconds up to a minute, to two digits.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 2).expect("the bounds are in order")
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let read = match self.read {
            Read::Last => "short",
            Read::Search => "long",
        };
        write!(f, "{} % {read} reads, {} threads", self.reads, self.threads)
    }
}
