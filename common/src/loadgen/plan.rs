//! What is to be simulated: the scenarios of the notes with their numbers, and everything that may be changed about them.
//!
//! ```text
//! patience   connect ──── wait for one byte (15 s) ──── stay 5 s ──── leave            notes, figure 4.5
//! stay       connect ──── wait for one byte (5 s) ───── stay 30 s ─── leave            notes, the question below it
//! heavy      connect ─ 36 bytes ─ wait for them (10 s) ────────────── leave            notes, heavy request
//! factor     connect ─ a number ─ wait for its primes (10 s) ──── leave            notes, CPU-bound request
//! crowd      connect ─ 32 bytes ─ wait for them (15 s) ─ stay 5 s ─── leave            2000 at once
//! random     connect ──── wait for two random points (15 s) ──────── leave            random-bytes note, 10 000 at once
//! echo       connect ─ message, answer, message, answer … for 5 s ─── leave            how fast, how late
//! connect    (connect ─ number ─ that many bytes ─ leave) × 500, by 5 children         csdesign's client
//! ```

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use clap::ValueEnum;

use super::exchange::Exchange;
use super::faulty::Faulty;
use crate::support::cli::human;
use crate::support::count::count;

/// What the clients come for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub enum Scenario {
    /// Five clients wait 15 s for service and keep the server busy for 5 s each.
    Patience,
    /// The same with little patience (5 s) and a long stay (30 s).
    Stay,
    /// Five clients ask for one slow answer each and wait 10 s for it.
    Heavy,
    /// Eight clients ask for the prime factors of one number each: work for the processor.
    Factor,
    /// Persistent connections exchange messages as fast as they can, or at a fixed rate.
    Echo,
    /// A few clients open connection after connection, one request in each.
    Connect,
    /// Thousands of clients at once.
    Crowd,
    /// Ten thousand clients at once, which get 16 random bytes each.
    Random,
}

impl Scenario {
    /// Every scenario, in the order of the notes.
    pub const ALL: [Scenario; 8] = [
        Self::Patience,
        Self::Stay,
        Self::Heavy,
        Self::Factor,
        Self::Echo,
        Self::Connect,
        Self::Crowd,
        Self::Random,
    ];

    /// Whether the length of its messages can be chosen.
    fn takes_bytes(self) -> bool {
        matches!(self, Self::Heavy | Self::Echo | Self::Connect | Self::Crowd)
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Patience => "patience",
            Self::Stay => "stay",
            Self::Heavy => "heavy",
            Self::Factor => "factor",
            Self::Echo => "echo",
            Self::Connect => "connect",
            Self::Crowd => "crowd",
            Self::Random => "random",
        }
    }

    /// The service that a server must run for it: `hold` (one byte, then silence), `heavy`, `factor`, `echo`, `bytes` or `random`.
    pub fn service(self) -> &'static str {
        match self {
            Self::Patience | Self::Stay => "hold",
            Self::Heavy => "heavy",
            Self::Factor => "factor",
            Self::Echo | Self::Crowd => "echo",
            Self::Connect => "bytes",
            Self::Random => "random",
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A simulation with all its numbers. [`Plan::new`] gives the scenario's own; change what should be different.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What the clients come for.
    pub scenario: Scenario,
    /// Where the server listens.
    pub target: SocketAddr,
    /// How many clients take part (the `connect` scenario calls them children).
    pub clients: usize,
    /// How long a client waits, counted from its setting out: for service or for its answer. In `echo`: for the
    /// connections before the clock starts, and for outstanding answers after it has stopped. In `connect`: per connection.
    pub timeout: Duration,
    /// How long a client stays once it was served.
    pub stay: Duration,
    /// Length of a message; in `connect` the number of bytes asked for.
    pub bytes: usize,
    /// Bits of each of the two primes whose product is asked for in `factor`.
    pub bits: u32,
    /// Messages under way per connection (`echo`, closed loop).
    pub window: usize,
    /// Requests per second in total (`echo`): open loop with Poisson arrivals. `None`: closed loop.
    pub rate: Option<f64>,
    /// The measured time of `echo`.
    pub duration: Duration,
    /// The time before it whose answers are dropped.
    pub warm_up: Duration,
    /// Connections per child (`connect`).
    pub connections: usize,
    /// End the number of `connect` with a newline.
    pub newline: bool,
    /// Fixed bytes to send and expect instead of the simulator's own pattern (`echo`), or instead of the number (`connect`,
    /// at most a few KiB): this is how a server of another protocol is measured.
    pub exchange: Option<Exchange>,
    /// By which fraction a client waits longer than [`Plan::timeout`].
    ///
    /// Three stays of 5 s *are* the 15 s of the timeout, and in the notes (figure 4.6) the fourth client is served with
    /// 12 ms to spare: a race between two clocks. A tenth of grace turns the notes' result into the certain one: the
    /// sequential server serves 4 of `patience` and answers 2 of `heavy`.
    pub grace: f64,
    /// Faulty clients beside the real ones.
    pub faulty: Faulty,
    /// Seed of every random decision.
    pub seed: u64,
    /// Event loops, one thread each; the clients are dealt out among them.
    pub threads: usize,
    /// By what [`Plan::timeout`] and [`Plan::stay`] are multiplied. Measured durations are not: half a second of echo
    /// is not a tenth of five. Nor is the kernel's clock: where the server's backlog is full, a connection is tried
    /// again after 1, 3 and 7 s (tcp(7), SYN), so scale only against a backlog with room for all clients.
    pub time_scale: f64,
    /// Clients whose times are kept in [`super::Run::timelines`].
    pub keep_timelines: usize,
}

impl Plan {
    /// The scenario with its own numbers against `target`, with a random seed.
    pub fn new(scenario: Scenario, target: SocketAddr) -> Plan {
        let plan = Plan {
            scenario,
            target,
            clients: 5,
            timeout: Duration::from_secs(15),
            stay: Duration::from_secs(5),
            bytes: 0,
            bits: 40,
            window: 1,
            rate: None,
            duration: Duration::from_secs(5),
            warm_up: Duration::from_millis(500),
            connections: 1,
            newline: false,
            exchange: None,
            grace: 0.1,
            faulty: Faulty::default(),
            seed: rand::random(),
            threads: 1,
            time_scale: 1.0,
            keep_timelines: 10_000,
        };
        let seconds = Duration::from_secs;
        match scenario {
            Scenario::Patience => plan,
            Scenario::Stay => Plan { timeout: seconds(5), stay: seconds(30), ..plan },
            Scenario::Heavy => Plan { timeout: seconds(10), stay: Duration::ZERO, bytes: 36, ..plan },
            Scenario::Factor => Plan { clients: 8, timeout: seconds(10), stay: Duration::ZERO, ..plan },
            Scenario::Echo => Plan { clients: 50, timeout: seconds(5), bytes: 128, ..plan },
            Scenario::Connect => Plan { timeout: seconds(10), bytes: 3000, connections: 500, ..plan },
            Scenario::Random => Plan { clients: 10_000, stay: Duration::ZERO, ..plan },
            Scenario::Crowd => Plan { clients: 2000, bytes: 32, ..plan },
        }
    }

    /// How long a client really waits: the timeout, scaled, with its grace.
    pub fn effective_timeout(&self) -> Duration {
        self.timeout.mul_f64(self.time_scale * (1.0 + self.grace))
    }

    /// How long a served client really stays: scaled.
    pub fn scaled_stay(&self) -> Duration {
        self.stay.mul_f64(self.time_scale)
    }

    /// The plan in one sentence, with the numbers as they will be run.
    pub fn describe(&self) -> String {
        // One client waits; several wait.
        let (clients, s) = (count(self.clients, "client"), if self.clients == 1 { "s" } else { "" });
        let bytes = count(self.bytes, "byte");
        let timeout = human(self.timeout.mul_f64(self.time_scale));
        let stay = human(self.scaled_stay());
        match self.scenario {
            Scenario::Patience | Scenario::Stay => {
                format!(
                    "{clients} at once wait{s} {timeout} for service and keep{s} the server busy for {stay} each"
                )
            }
            Scenario::Heavy => {
                format!("{clients} at once ask{s} for {bytes} each and wait{s} {timeout} for the answer")
            }
            Scenario::Factor => format!(
                "{clients} at once ask{s} for the factors of a product of two primes of {} bits each and wait{s} {timeout} for them",
                self.bits
            ),
            Scenario::Random => {
                let then =
                    if self.stay.is_zero() { format!("leave{s}") } else { format!("stay{s} for {stay}") };
                format!("{clients} at once wait{s} {timeout} for 16 random bytes each and {then}")
            }
            Scenario::Crowd => format!(
                "{clients} at once send{s} {bytes} each, wait{s} {timeout} for them to come back and stay{s} for {stay}"
            ),
            Scenario::Connect => format!(
                "{clients} open{s} {} each, one after another, and ask{s} for {bytes} in each",
                count(self.connections, "connection")
            ),
            Scenario::Echo => {
                let what = match &self.exchange {
                    Some(exchange) => {
                        format!("{} for {}", count(exchange.ask().len(), "byte"), exchange.answer_length())
                    }
                    None => bytes,
                };
                let (duration, warm_up) = (human(self.duration), human(self.warm_up));
                match self.rate {
                    Some(rate) => format!(
                        "{clients} exchange{s} {what} at {rate} requests/s in all (open loop) for {duration} after {warm_up} of warm-up"
                    ),
                    None => format!(
                        "{clients} exchange{s} {what}, {} outstanding each (closed loop), for {duration} after {warm_up} of warm-up",
                        self.window
                    ),
                }
            }
        }
    }

    /// What is wrong with the numbers, if anything is.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let scaled = self.time_scale.is_finite() && self.time_scale > 0.0 && self.time_scale <= 1e6;
        match self {
            _ if self.clients == 0 => Some("there must be at least one client"),
            _ if self.threads == 0 => Some("there must be at least one thread"),
            _ if self.clients > u32::MAX as usize => Some("there are too many clients"),
            _ if self.bytes == 0 && self.scenario.takes_bytes() => Some("a message has at least one byte"),
            _ if !(10..=50).contains(&self.bits) => Some("a prime has 10 to 50 bits"),
            _ if self.window == 0 => Some("the window is at least one message"),
            _ if self.connections == 0 => Some("there must be at least one connection"),
            _ if !scaled => Some("the time scale must be above 0"),
            _ if !(0.0..=10.0).contains(&self.grace) => Some("the grace is a fraction between 0 and 10"),
            _ if self.rate.is_some_and(|rate| !(rate > 0.0 && rate <= 1e9)) => {
                Some("the rate must be above 0 and at most 1e9 requests/s")
            }
            _ if self.scenario == Scenario::Echo && self.duration.is_zero() => {
                Some("the measured duration must be above 0")
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(scenario: Scenario) -> Plan {
        Plan::new(scenario, "127.0.0.1:7777".parse().unwrap())
    }

    #[test]
    fn the_grace_outlasts_three_stays_but_not_four() {
        let plan = plan(Scenario::Patience);
        assert!(
            plan.effective_timeout() > 3 * plan.scaled_stay()
                && plan.effective_timeout() < 4 * plan.scaled_stay()
        );
    }

    #[test]
    fn waiting_is_scaled_and_measuring_is_not() {
        let mut plan = plan(Scenario::Stay);
        plan.time_scale = 0.01;
        assert_eq!(plan.effective_timeout(), Duration::from_millis(55));
        assert_eq!(plan.scaled_stay(), Duration::from_millis(300));
        assert_eq!(plan.duration, Duration::from_secs(5));
    }

    #[test]
    fn a_plan_says_its_numbers_as_they_will_be_run() {
        let mut plan = plan(Scenario::Patience);
        plan.time_scale = 0.1;
        assert_eq!(
            plan.describe(),
            "5 clients at once wait 1.5s for service and keep the server busy for 500ms each"
        );
    }

    #[test]
    fn every_scenario_is_sound_and_bad_numbers_are_found() {
        for scenario in Scenario::ALL {
            assert_eq!(plan(scenario).fault(), None, "{scenario}");
            assert!(Plan { clients: 0, ..plan(scenario) }.fault().is_some());
            assert!(Plan { rate: Some(f64::NAN), ..plan(scenario) }.fault().is_some());
            assert!(Plan { time_scale: -1.0, ..plan(scenario) }.fault().is_some());
        }
    }
}
