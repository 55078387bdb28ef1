//! The three algorithms, and how wrong each is. Only this file knows the true time.

use std::io;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::answerer::Answerer;
use super::args::ClocksArgs;
use super::asker::{Asker, Sample};
use super::berkeley;
use super::clock::{Clock, Nanos, apart, nanos};
use super::cristian::{self, Estimate};
use super::link::{Link, Pair};
use super::ntp;

/// The last of Berkeley's clocks is wrong by this many times `--offset`.
pub const FAR_OFF: u32 = 20;

/// What was found. Times are nanoseconds.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Found {
    /// A row for each node.
    pub cristian: Vec<Row>,
    /// A row for each node.
    pub ntp: Vec<Row>,
    /// All exchanges from which NTP chooses.
    pub exchanges: Vec<Exchange>,
    /// The third.
    pub berkeley: Berkeley,
}

/// One node, and what an algorithm says of its clock. All but the first two are `None` when no answer came.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Row {
    pub node: usize,
    pub clock: Clock,
    pub estimate: Option<Estimate>,
    /// The estimate less the true offset, when it was made.
    pub error: Option<Nanos>,
    /// Half of what the way up took longer than the way down.
    pub half_difference: Option<Nanos>,
}

/// One exchange, judged by the true time.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Exchange {
    pub node: usize,
    pub delay: Nanos,
    pub error: Nanos,
}

/// What Berkeley's algorithm has done.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Berkeley {
    /// How far the furthest two clocks were apart.
    pub before: Nanos,
    /// And then those that were set.
    pub after: Nanos,
    /// They claim to be no further apart.
    pub bound: Nanos,
    /// Numbers of those that were set, but not counted in the mean.
    pub left_out: Vec<usize>,
    /// Numbers of those that have not answered.
    pub silent: Vec<usize>,
    /// By how much each clock is off the true time, before and after; the coordinator is number 0.
    pub clocks: Vec<(Nanos, Nanos)>,
}

/// Runs all three over this link.
pub fn run(args: &ClocksArgs, seed: u64, link: &mut impl Link) -> io::Result<Found> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut clocks: Vec<Clock> =
        (0..=args.nodes).map(|_| Clock::random(&mut random, args.offset, args.drift_nanos())).collect();
    let (cristian, ntp, exchanges) = against_a_reference(args, &clocks[1..], link)?;
    if args.nodes > 2 {
        clocks[args.nodes].offset += nanos(FAR_OFF * args.offset);
    }
    Ok(Found { cristian, ntp, exchanges, berkeley: among_themselves(args, &clocks, link)? })
}

/// Each node asks one clock that is right.
fn against_a_reference(
    args: &ClocksArgs,
    clocks: &[Clock],
    link: &mut impl Link,
) -> io::Result<(Vec<Row>, Vec<Row>, Vec<Exchange>)> {
    let begin = link.now();
    let pairs = clocks.iter().map(|clock| Pair {
        asker: Asker::samples(*clock, args.samples, begin, args.timeout),
        answerer: Answerer::new(Clock::TRUE, args.busy),
    });
    let pairs = link.run(pairs.collect())?;
    let now = link.now();
    let (mut by_cristian, mut by_ntp, mut exchanges) = (Vec::new(), Vec::new(), Vec::new());
    for (node, (clock, pair)) in (1..).zip(clocks.iter().zip(pairs)) {
        let samples = pair.asker.into_samples();
        let first = samples
            .first()
            .map(|sample| (*sample, cristian::estimate(sample, nanos(args.least), args.drift_nanos())));
        let best = ntp::estimate(&samples, args.drift_nanos(), clock.read(now));
        by_cristian.push(judge(node, clock, first));
        by_ntp.push(judge(node, clock, best));
        exchanges.extend(samples.iter().map(|sample| Exchange {
            node,
            delay: ntp::delay(sample),
            error: ntp::offset(sample) - true_offset(clock, clock.when(sample.t4)),
        }));
    }
    Ok((by_cristian, by_ntp, exchanges))
}

fn judge(node: usize, clock: &Clock, estimate: Option<(Sample, Estimate)>) -> Row {
    let (sample, estimate) = estimate.unzip();
    let error = estimate.map(|estimate| estimate.offset - true_offset(clock, clock.when(estimate.at)));
    let half_difference = sample.map(|sample| {
        let up = Clock::TRUE.when(sample.t2) - clock.when(sample.t1);
        let down = clock.when(sample.t4) - Clock::TRUE.when(sample.t3);
        (up - down) / 2
    });
    Row { node, clock: *clock, estimate, error, half_difference }
}

/// What would have to be added to this clock at this real time.
fn true_offset(clock: &Clock, real: Nanos) -> Nanos {
    real - clock.read(Duration::from_nanos(real.max(0).unsigned_abs()))
}

/// The first clock is the coordinator's.
fn among_themselves(args: &ClocksArgs, clocks: &[Clock], link: &mut impl Link) -> io::Result<Berkeley> {
    let (mut own, others) = (clocks[0], &clocks[1..]);
    let begin = link.now();
    let pairs = others.iter().map(|clock| Pair {
        asker: Asker::samples(own, args.samples, begin, args.timeout),
        answerer: Answerer::new(*clock, args.busy),
    });
    let asked = link.run(pairs.collect())?;
    let decided = link.now();
    let (answerers, estimates): (Vec<Answerer>, Vec<Option<Estimate>>) = asked
        .into_iter()
        .map(|Pair { asker, answerer }| {
            let best = ntp::estimate(&asker.into_samples(), args.drift_nanos(), own.read(decided));
            (answerer, best.map(|(_, estimate)| estimate))
        })
        .unzip();
    let agreement = berkeley::agree(&estimates, 4 * nanos(args.offset));
    let to_set: Vec<usize> = (0..others.len()).filter(|&index| agreement.others[index].is_some()).collect();
    let pairs = to_set.iter().filter_map(|&index| {
        let asker = Asker::set(own, agreement.others[index]?, decided, args.timeout);
        Some(Pair { asker, answerer: answerers[index].clone() })
    });
    let set = link.run(pairs.collect())?;
    own.adjust(agreement.own);

    let now = link.now();
    let mut after = clocks.to_vec();
    after[0] = own;
    let mut silent: Vec<usize> = (1..clocks.len()).collect();
    for (index, pair) in to_set.into_iter().zip(set) {
        if pair.asker.has_succeeded() {
            after[index + 1] = pair.answerer.clock;
            silent.retain(|&node| node != index + 1);
        }
    }
    let off = |clock: &Clock, at: Duration| clock.read(at) - nanos(at);
    let spread = |clocks: &[Clock], at, left_out: &[usize]| {
        let counted = clocks.iter().enumerate().filter(|(node, _)| !left_out.contains(node));
        let offs = counted.map(|(_, clock)| off(clock, at));
        offs.clone().max().unwrap_or(0) - offs.min().unwrap_or(0)
    };
    Ok(Berkeley {
        before: spread(clocks, begin, &[]),
        after: spread(&after, now, &silent),
        bound: agreement.bound + apart(args.drift_nanos(), nanos(now - decided)),
        left_out: agreement.left_out.iter().map(|index| index + 1).collect(),
        clocks: clocks.iter().zip(&after).map(|(was, is)| (off(was, begin), off(is, now))).collect(),
        silent,
    })
}
