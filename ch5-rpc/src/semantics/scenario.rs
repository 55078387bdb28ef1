//! What the demonstration tries: each semantics, with each thing that goes wrong. And what each semantics promises then.

use std::time::Duration;

use common::netem::Profile;

use super::client::ClientConfig;
use super::host::{Failpoint, HostConfig, Remembers, Work};
use super::promise::Semantics;
use super::store::Step;

/// A line of the table: a semantics, and what the server remembers for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Row {
    /// What the caller wants.
    pub semantics: Semantics,
    /// What the server has for it.
    pub remembers: Remembers,
}

impl Row {
    /// All lines.
    pub const ALL: [Row; 6] = [
        Row { semantics: Semantics::Maybe, remembers: Remembers::Volatile },
        Row { semantics: Semantics::AtLeastOnce, remembers: Remembers::Volatile },
        Row { semantics: Semantics::AtMostOnce, remembers: Remembers::Naive },
        Row { semantics: Semantics::AtMostOnce, remembers: Remembers::Volatile },
        Row { semantics: Semantics::AtMostOnce, remembers: Remembers::Durable },
        Row { semantics: Semantics::Conditional, remembers: Remembers::Volatile },
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match (self.semantics, self.remembers) {
            (Semantics::Maybe, _) => "maybe",
            (Semantics::AtLeastOnce, _) => "at least once",
            (Semantics::AtMostOnce, Remembers::Naive) => "at most once, naive",
            (Semantics::AtMostOnce, Remembers::Volatile) => "at most once",
            (Semantics::AtMostOnce, Remembers::Durable) => "at most once, durable",
            (Semantics::Conditional, _) => "conditional",
        }
    }

    /// How often a call is run at most; `None`: no bound is promised.
    #[must_use]
    pub fn promises(self, fault: Fault) -> Option<u64> {
        match (self.semantics, self.remembers) {
            (Semantics::Maybe, _) if fault == Fault::Duplication => None,
            (Semantics::AtLeastOnce, _) => None,
            (_, Remembers::Naive) if fault.crash().is_some() => None,
            _ => Some(1),
        }
    }

    /// How its client calls.
    #[must_use]
    pub fn client(self) -> ClientConfig {
        // A call that is sent once has no other answer to hope for. One that is repeated should outlive a restart.
        let give_up = if self.semantics.is_repeated() { 10_000 } else { 400 };
        ClientConfig { semantics: self.semantics, give_up: Duration::from_millis(give_up) }
    }
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// Nothing.
    Clean,
    /// Datagrams are lost.
    Loss,
    /// Datagrams come twice.
    Duplication,
    /// Datagrams come late, when others have overtaken them.
    Reordering,
    /// Some calls take longer than the client's patience.
    SlowServer,
    /// The server is killed between the change and its record, and started again.
    RestartBeforeRecord,
    /// The server is killed between the record and the answer, and started again.
    RestartBeforeAnswer,
}

/// How much goes wrong.
#[derive(Debug, Clone, Copy)]
pub struct Severity {
    /// Probability that a datagram is lost.
    pub loss: f64,
    /// Probability that it comes twice.
    pub duplicate: f64,
    /// Probability that it comes late.
    pub reorder: f64,
}

/// By how much a datagram comes late: longer than a client that repeats would wait.
const LATE: Duration = Duration::from_millis(450);
/// How long every datagram is on its way.
const DELAY: Duration = Duration::from_millis(2);
/// How long a slow call takes, and which are slow.
const SLOW: Work = Work { time: Duration::from_millis(400), every: 4 };
/// The publish in which each server process is killed. Not the first: the one that is repeated comes first after a
/// restart, and would kill it for ever.
const PUBLISHES: u64 = 4;

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 7] = [
        Fault::Clean,
        Fault::Loss,
        Fault::Duplication,
        Fault::Reordering,
        Fault::SlowServer,
        Fault::RestartBeforeRecord,
        Fault::RestartBeforeAnswer,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Fault::Clean => "clean",
            Fault::Loss => "loss",
            Fault::Duplication => "duplication",
            Fault::Reordering => "reordering",
            Fault::SlowServer => "slow server",
            Fault::RestartBeforeRecord => "restart before the record",
            Fault::RestartBeforeAnswer => "restart before the answer",
        }
    }

    /// A sentence about it.
    #[must_use]
    pub fn about(self, severity: &Severity) -> String {
        let percent = |share: f64| format!("{:.0} %", share * 100.0);
        match self {
            Fault::Clean => "nothing goes wrong".into(),
            Fault::Loss => format!("{} of the datagrams are lost, each way", percent(severity.loss)),
            Fault::Duplication => {
                format!("{} of the datagrams arrive twice, each way", percent(severity.duplicate))
            }
            Fault::Reordering => {
                format!(
                    "{} of the datagrams arrive {} ms late, each way",
                    percent(severity.reorder),
                    LATE.as_millis()
                )
            }
            Fault::SlowServer => {
                format!("one call in {} takes the server {} ms", SLOW.every, SLOW.time.as_millis())
            }
            Fault::RestartBeforeRecord => format!(
                "kill -9 in publish {PUBLISHES} of each server process: the text is on the board, the record is not made"
            ),
            Fault::RestartBeforeAnswer => format!(
                "kill -9 in publish {PUBLISHES} of each server process: the record is made, the answer is not sent"
            ),
        }
    }

    /// The link.
    #[must_use]
    pub fn profile(self, severity: &Severity) -> Profile {
        let perfect = Profile { delay: DELAY, reorder_by: LATE, ..Profile::default() };
        match self {
            Fault::Loss => Profile { loss: severity.loss, ..perfect },
            Fault::Duplication => Profile { duplicate: severity.duplicate, ..perfect },
            Fault::Reordering => Profile { reorder: severity.reorder, ..perfect },
            _ => perfect,
        }
    }

    /// The server.
    #[must_use]
    pub fn host(self, row: Row) -> HostConfig {
        let work = if self == Fault::SlowServer { SLOW } else { Work::default() };
        HostConfig { work, failpoint: self.crash(), ..HostConfig::new(row.remembers) }
    }

    /// Where the server is killed, each time.
    #[must_use]
    pub fn crash(self) -> Option<Failpoint> {
        let step = match self {
            Fault::RestartBeforeRecord => Step::Mutated,
            Fault::RestartBeforeAnswer => Step::Recorded,
            _ => return None,
        };
        Some(Failpoint { step, execution: PUBLISHES })
    }

    /// Until nothing is on its way any more, and no call at work.
    #[must_use]
    pub fn rest(self) -> Duration {
        2 * (LATE + DELAY) + if self == Fault::SlowServer { SLOW.time } else { Duration::ZERO }
    }
}
