//! What a simulation found.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::faulty::FaultyCounts;
use super::plan::{Plan, Scenario};
use crate::report::{ClientOutcome, Percentiles, Row};

/// The result of a simulation, or the part of one event loop in it.
///
/// Both histograms are in nanoseconds with three significant digits, from 1 ns to an hour.
#[derive(Debug, Clone)]
pub struct Run {
    /// Clients that took part.
    pub clients: u64,
    /// Clients that got all they came for. In `echo`: at least one answer and no error.
    pub served: u64,
    /// Clients whose timeout came first.
    pub gave_up: u64,
    /// Clients that were refused or reset, on whom the server hung up, or whom it answered wrongly.
    pub refused: u64,
    /// Those among the refused who got wrong bytes: lost, doubled, reordered, or meant for somebody else.
    pub wrong: u64,
    /// Those among the refused that were served, and then reset or hung up on before they had all they came for.
    pub lost: u64,
    /// Those among the refused that left because of wrong bytes.
    pub deceived: u64,
    /// Clients that had to leave because the simulation was interrupted; in none of the counts above.
    pub unfinished: u64,
    /// Clients that were connected at least once.
    pub connected: u64,
    /// Requests answered in the measured time (`connect`: connections completed; `patience`, `stay`: services begun).
    pub requests: u64,
    /// Connections of `connect` that did not get what they asked for.
    pub broken: u64,
    /// Requests of `echo` that were sent and had no answer: at the timeout after the end, or when the connection broke.
    pub unanswered: u64,
    /// Requests of `echo` in the open loop that were due and never sent whole: the server took no more, or there was no connection.
    pub never_sent: u64,
    /// The measured time: `echo` as long as was asked for, without its warm-up; otherwise from the first client's setting out to the
    /// last's end.
    pub elapsed: Duration,
    /// Setting out until service began or the first answer was there; clients that were served. Nanoseconds.
    pub wait: Histogram<u64>,
    /// From when a request was meant to be sent until its whole answer was there. Nanoseconds.
    ///
    /// `echo`: requests meant for the measured time, those without an answer with the time they waited; `heavy` and
    /// `crowd`: from setting out; `connect`: a connection from connect to its last byte.
    pub latency: Histogram<u64>,
    /// The times of the first [`super::Plan::keep_timelines`] clients, ordered by client.
    pub timelines: Vec<ClientTimeline>,
    /// What the faulty clients did.
    pub faulty: FaultyCounts,
    /// When the first client set out, CLOCK_MONOTONIC nanoseconds.
    pub began_ns: u64,
    /// It was interrupted.
    pub interrupted: bool,
    /// Why the first refused client was refused.
    pub first_error: Option<String>,
}

/// The life of one client; all times CLOCK_MONOTONIC nanoseconds, comparable with those of another process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientTimeline {
    /// Its number, counted from 1.
    pub client: usize,
    /// Its local port, the last one if it had several: joins it with the server's trace. 0 if it never connected.
    pub port: u16,
    /// When it set out.
    pub began_ns: u64,
    /// When it was connected.
    pub connected_ns: Option<u64>,
    /// When service began or its first answer was there.
    pub served_ns: Option<u64>,
    /// When it was gone; 0 before.
    pub ended_ns: u64,
    /// How it ended.
    pub outcome: ClientOutcome,
}

impl ClientTimeline {
    /// Of a client that has not set out.
    pub(super) fn new(client: usize) -> ClientTimeline {
        ClientTimeline {
            client,
            port: 0,
            began_ns: 0,
            connected_ns: None,
            served_ns: None,
            ended_ns: 0,
            outcome: ClientOutcome::GaveUp,
        }
    }

    /// How a client ends whose connection failed.
    pub(super) fn failure(&self) -> ClientOutcome {
        if self.served_ns.is_some() { ClientOutcome::Lost } else { ClientOutcome::Refused }
    }

    /// `client-1`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("client-{}", self.client)
    }
}

impl Run {
    pub(super) fn new() -> Run {
        Run {
            clients: 0,
            served: 0,
            gave_up: 0,
            refused: 0,
            wrong: 0,
            lost: 0,
            deceived: 0,
            unfinished: 0,
            connected: 0,
            requests: 0,
            broken: 0,
            unanswered: 0,
            never_sent: 0,
            elapsed: Duration::ZERO,
            wait: histogram(),
            latency: histogram(),
            timelines: Vec::new(),
            faulty: FaultyCounts::default(),
            began_ns: u64::MAX,
            interrupted: false,
            first_error: None,
        }
    }

    /// [`Run::requests`] per second of the measured time; 0 when nothing was measured.
    pub fn throughput_per_s(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { self.requests as f64 / seconds } else { 0.0 }
    }

    /// The waits in milliseconds; `None` when nobody was served.
    pub fn wait_ms(&self) -> Option<Percentiles> {
        percentiles(&self.wait, 1e6)
    }

    /// The latencies in microseconds; `None` when there was no request.
    pub fn latency_us(&self) -> Option<Percentiles> {
        percentiles(&self.latency, 1e3)
    }

    /// The latency curve: percentile (0 to 100) against microseconds, closer and closer towards 100.
    pub fn latency_curve(&self) -> Vec<(f64, f64)> {
        if self.latency.is_empty() {
            return Vec::new();
        }
        let mut curve: Vec<(f64, f64)> = Vec::new();
        for step in self.latency.iter_quantiles(5) {
            let point = (step.quantile_iterated_to() * 100.0, step.value_iterated_to() as f64 / 1e3);
            if curve.last() != Some(&point) {
                curve.push(point);
            }
        }
        curve
    }

    /// The row of a comparison, as far as a client can know it: nothing of the model and of the server's cost.
    pub fn row(&self, plan: &Plan) -> Row {
        Row {
            scenario: plan.scenario.name().into(),
            service: plan.scenario.service().into(),
            about: plan.describe(),
            clients: self.clients,
            served: self.served,
            gave_up: self.gave_up,
            refused: self.refused - self.lost - self.deceived,
            lost: self.lost,
            wrong: self.deceived,
            requests: self.requests,
            unanswered: (plan.scenario == Scenario::Echo).then_some(self.unanswered),
            never_sent: plan.rate.and(Some(self.never_sent)),
            wait_ms: self.wait_ms(),
            latency_us: self.latency_us(),
            throughput_per_s: self.throughput_per_s(),
            repetitions: 1,
            seed: plan.seed,
            latency_curve: self.latency_curve(),
            ..Row::default()
        }
    }

    /// Takes in what another event loop found. Not the times: they are the whole simulation's.
    pub(super) fn merge(&mut self, other: Run) {
        self.clients += other.clients;
        self.served += other.served;
        self.gave_up += other.gave_up;
        self.refused += other.refused;
        self.wrong += other.wrong;
        self.lost += other.lost;
        self.deceived += other.deceived;
        self.unfinished += other.unfinished;
        self.connected += other.connected;
        self.requests += other.requests;
        self.broken += other.broken;
        self.unanswered += other.unanswered;
        self.never_sent += other.never_sent;
        self.wait.add(&other.wait).expect("the bounds are the same");
        self.latency.add(&other.latency).expect("the bounds are the same");
        self.timelines.extend(other.timelines);
        self.faulty.add(&other.faulty);
        self.began_ns = self.began_ns.min(other.began_ns);
        self.interrupted |= other.interrupted;
        self.first_error = self.first_error.take().or(other.first_error);
    }
}

/// An empty histogram of nanoseconds with three significant digits, from 1 ns to an hour.
///
/// # Panics
/// Never: the bounds are sound.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 3_600_000_000_000, 3).expect("the bounds are sound")
}

fn percentiles(histogram: &Histogram<u64>, unit_ns: f64) -> Option<Percentiles> {
    let at = |quantile| histogram.value_at_quantile(quantile) as f64 / unit_ns;
    (!histogram.is_empty()).then(|| Percentiles {
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        max: histogram.max() as f64 / unit_ns,
    })
}

#[cfg(test)]
mod tests {
    use super::super::Scenario;
    use super::*;

    #[test]
    fn nothing_measured_is_none_and_not_zero() {
        let run = Run::new();
        assert_eq!((run.wait_ms(), run.latency_us()), (None, None));
        assert_eq!(run.throughput_per_s(), 0.0);
        assert!(run.latency_curve().is_empty());
    }

    #[test]
    fn who_was_turned_away_who_was_lost_and_who_was_deceived_are_counted_apart() {
        let run = Run { clients: 9, served: 3, refused: 6, lost: 2, deceived: 1, ..Run::new() };
        let row = run.row(&Plan::new(Scenario::Echo, ([127, 0, 0, 1], 7).into()));
        assert_eq!((row.refused, row.lost, row.wrong), (3, 2, 1));
        let served = ClientTimeline { served_ns: Some(1), ..ClientTimeline::new(1) };
        assert_eq!(
            [ClientTimeline::new(1), served].map(|client| client.failure()),
            [ClientOutcome::Refused, ClientOutcome::Lost]
        );
    }

    #[test]
    fn merged_runs_are_the_sum_and_the_maximum_stays() {
        let (mut one, mut other) = (Run::new(), Run::new());
        for us in 1..=99 {
            one.latency.saturating_record(us * 1000);
        }
        other.latency.saturating_record(1_000_000);
        (one.requests, other.requests) = (99, 1);
        one.merge(other);
        one.elapsed = Duration::from_secs(2);
        let latency = one.latency_us().unwrap();
        assert!((49.5..50.5).contains(&latency.p50), "{latency:?}");
        assert!((998.0..1002.0).contains(&latency.max), "{latency:?}");
        assert_eq!(one.throughput_per_s(), 50.0);
        let curve = one.latency_curve();
        assert!(curve.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1));
        assert_eq!(curve.last().unwrap().0, 100.0);
    }
}
