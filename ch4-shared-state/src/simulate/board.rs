//! The clients of the notification board as a workload: publishers, subscribers, and some that only hold their connections.
//!
//! ```text
//!   what is due ──► publishers ──► server ──► subscribers ──► transcript: right?  histogram: how late?
//! ```

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context;
use common::loadgen::{Input, LoopContext, Reading, Workload, allow_files, drive, histogram};
use hdrhistogram::Histogram;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::measurement::{Measurement, Phase, Schedule};
use super::outcome::{Latency, Outcome};
use super::plan::{Load, Plan};
use super::publisher::Publisher;
use super::subscriber::Subscriber;
use super::transcript::Transcript;

const READ_AT_ONCE: usize = 256 * 1024;
/// Descriptors beside those of the clients.
const OWN_FILES: u64 = 64;
/// So many bytes of a publisher unsent, and no more is put behind them: the server does not keep up, and its clients notice.
const MOST_UNSENT: usize = 1 << 20;
/// Clients that are on their way at once.
const COMING_AT_ONCE: usize = 64;

/// Runs the plan. `look` is called when what is counted begins, and at its end.
///
/// # Errors
/// Nobody to connect to, too few descriptors, a connection that broke, or a [`Violation`](super::transcript::Violation).
pub fn run(plan: &Plan, interrupted: &AtomicBool, mut look: impl FnMut()) -> anyhow::Result<Outcome> {
    let clients = plan.stalled + plan.subscribers + plan.publishers;
    allow_files(clients as u64, OWN_FILES)?;
    let context = LoopContext::new(plan.target, clients, clients)?;
    let schedule = Schedule { warm_up: plan.warm_up, time: plan.time };
    let mut board = Board {
        plan,
        measurement: Measurement::new(schedule, clients, interrupted, &mut look),
        subscribers: (0..plan.subscribers).map(|_| Subscriber::new(plan.dialect)).collect(),
        publishers: (0..plan.publishers).map(|number| Publisher::new(number, plan)).collect(),
        transcript: Transcript::new(plan.dialect, plan.publishers, plan.bytes),
        published: 0,
        never_sent: 0,
        delivered: 0,
        latency: histogram(),
        order: StdRng::seed_from_u64(plan.seed),
        due: None,
    };
    drive(&mut board, context, READ_AT_ONCE)?;
    board.outcome()
}

/// Its clients are numbered: the stalled ones, the subscribers, the publishers.
struct Board<'a> {
    plan: &'a Plan,
    measurement: Measurement<'a, u64>,
    subscribers: Vec<Subscriber>,
    publishers: Vec<Publisher>,
    transcript: Transcript,
    published: u64,
    /// Messages that are due in the open loop, and for which the server has left no room.
    never_sent: u64,
    delivered: u64,
    latency: Histogram<u64>,
    order: StdRng,
    /// When the next message is to be published, in the open loop.
    due: Option<Duration>,
}

/// What a client is.
enum Role {
    Stalled,
    Subscriber(usize),
    Publisher(usize),
}

impl Board<'_> {
    fn role(&self, client: usize) -> Role {
        let Some(number) = client.checked_sub(self.plan.stalled) else { return Role::Stalled };
        number.checked_sub(self.subscribers.len()).map_or(Role::Subscriber(number), Role::Publisher)
    }

    /// What the slowest subscriber has got.
    fn least(&self) -> u64 {
        self.subscribers.iter().map(|subscriber| subscriber.place.messages).min().unwrap_or(self.published)
    }

    fn has_settled(&self) -> bool {
        let acknowledged: u64 = self.publishers.iter().map(|publisher| publisher.acknowledged).sum();
        self.least() == self.published && acknowledged == self.published
    }

    /// Publishes what is due.
    fn publish(&mut self, now: Duration, context: &mut LoopContext) {
        let due = match self.plan.load {
            Load::Window(window) => self.least() + window,
            Load::Rate(rate) => (now.as_secs_f64() * rate) as u64 + 1,
        };
        while self.published < due {
            let number = match self.publishers.len() {
                1 => 0,
                count => self.order.random_range(0..count),
            };
            let out = context.outgoing(self.plan.stalled + self.subscribers.len() + number);
            if out.len() >= MOST_UNSENT {
                break;
            }
            let due_ns = match self.plan.load {
                Load::Window(_) => now.as_nanos() as u64,
                Load::Rate(rate) => (self.published as f64 / rate * 1e9) as u64,
            };
            self.publishers[number].publish(self.plan, out);
            self.transcript.published(number, due_ns);
            self.published += 1;
        }
        self.never_sent = match self.plan.load {
            Load::Window(_) => 0,
            Load::Rate(_) => due.saturating_sub(self.published),
        };
        self.due = match self.plan.load {
            Load::Window(_) => None,
            Load::Rate(rate) => Some(Duration::from_secs_f64(self.published as f64 / rate)),
        };
    }

    /// Bytes for this subscriber; says whether it asks again.
    fn deliver(&mut self, number: usize, bytes: &[u8], now_ns: u64) -> anyhow::Result<bool> {
        let Board { subscribers, transcript, delivered, latency, measurement, .. } = self;
        let subscriber = &mut subscribers[number];
        let was_subscribed = subscriber.is_subscribed();
        let run_ns = measurement.since_start(now_ns).as_nanos() as u64;
        let asks = subscriber.handle_received(bytes, transcript, |due_ns| {
            *delivered += 1;
            if measurement.counts(Duration::from_nanos(due_ns)) {
                latency.saturating_record(run_ns.saturating_sub(due_ns).max(1));
            }
        });
        if was_subscribed {
            return asks;
        }
        if subscriber.is_subscribed() {
            measurement.arrive(now_ns);
        }
        asks.with_context(|| format!("the board at {}", self.plan.target))
    }

    fn outcome(&self) -> anyhow::Result<Outcome> {
        let span = self.measurement.span()?;
        let delivered = span.to - span.from;
        let missing = |subscriber: &Subscriber| self.published - subscriber.place.messages;
        Ok(Outcome {
            published: self.published,
            never_sent: self.never_sent,
            delivered_in_all: self.delivered,
            missing: self.subscribers.iter().map(missing).sum(),
            seconds: span.seconds,
            delivered,
            per_s: delivered as f64 / span.seconds,
            latency_us: Latency::of(&self.latency),
            generator_busy: span.busy,
            ..Outcome::default()
        })
    }
}

impl Workload for Board<'_> {
    type Error = anyhow::Error;

    fn act(&mut self, context: &mut LoopContext) -> anyhow::Result<()> {
        self.transcript.forget(self.subscribers.iter().map(|subscriber| subscriber.place));
        match self.measurement.phase(context.now_ns(), self.delivered)? {
            Phase::Arriving => {
                for client in self.measurement.admit(COMING_AT_ONCE) {
                    context.connect(client, None);
                    if let Role::Subscriber(_) = self.role(client) {
                        context.outgoing(client).extend(self.plan.dialect.subscribe().0);
                    }
                }
            }
            Phase::Running(now) => self.publish(now, context),
            Phase::Settling if self.has_settled() => self.measurement.settle(),
            Phase::Settling => {}
        }
        Ok(())
    }

    fn deadline(&mut self, now_ns: u64) -> Option<u64> {
        self.measurement.deadline(now_ns, self.due)
    }

    fn handle_input(
        &mut self,
        client: usize,
        input: Input<'_>,
        context: &mut LoopContext,
    ) -> anyhow::Result<()> {
        match (self.role(client), input) {
            (_, Input::Refused(error)) => {
                Err(error).with_context(|| format!("nobody listens at {}", self.plan.target))
            }
            // It never reads, and so it does not even hear that it has no connection any more.
            (Role::Stalled, Input::Broken(_)) => Ok(()),
            (_, Input::Broken(error)) => {
                Err(error).context("the connection of a subscriber or a publisher broke")
            }
            // It is there when it was answered.
            (Role::Subscriber(_), Input::Connected) => Ok(()),
            (role, Input::Connected) => {
                if let Role::Stalled = role {
                    context.set_reading(client, Reading::Nothing);
                }
                self.measurement.arrive(context.now_ns());
                Ok(())
            }
            (Role::Subscriber(number), Input::Received(bytes)) => {
                if self.deliver(number, bytes, context.now_ns())? {
                    context.outgoing(client).extend(b"2:;");
                }
                Ok(())
            }
            (Role::Publisher(number), Input::Received(bytes)) => {
                self.publishers[number].handle_received(bytes, self.plan).context("a publisher")
            }
            (_, Input::Received(_) | Input::Timeout) => Ok(()),
        }
    }
}
