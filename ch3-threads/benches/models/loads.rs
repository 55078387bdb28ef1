//! The loads, all of them closed loops: a client asks again when its answer is there.

use std::time::Duration;

use clap::ValueEnum;
use common::loadgen::Scenario;

/// What can be asked for with `--load`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// One connection exchanges 128 bytes
    #[value(name = "echo-1")]
    Echo1,
    /// 50 connections exchange 128 bytes
    #[value(name = "echo-50")]
    Echo50,
    /// 1000 connections exchange 128 bytes
    #[value(name = "echo-1000")]
    Echo1000,
    /// 50 connections exchange 16 bytes, 16 requests under way in each
    #[value(name = "deep-50")]
    Deep50,
    /// 50 clients make a new connection for each request
    #[value(name = "connect-50")]
    Connect50,
    /// Load generators against each other, at the same servers
    Generator,
    /// A planted stall of 100 ms, seen by a closed loop and by an open one
    Stall,
}

/// A load on a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Its name, as in [`Part`].
    pub name: &'static str,
    /// In words.
    pub about: &'static str,
    /// [`Scenario::Echo`] or [`Scenario::Connect`].
    pub scenario: Scenario,
    /// Connections at once.
    pub clients: usize,
    /// Bytes of a request and of its answer; with a connection per request, of the answer.
    pub bytes: usize,
    /// Requests under way in each connection.
    pub window: usize,
}

impl Part {
    /// All of them, in the order in which they are run.
    pub const ALL: [Part; 7] = [
        Part::Echo1,
        Part::Echo50,
        Part::Echo1000,
        Part::Deep50,
        Part::Connect50,
        Part::Generator,
        Part::Stall,
    ];

    /// The load of a table of contestants; `None` for the two that are not one.
    pub fn load(self) -> Option<Load> {
        let echo = |name, about, clients| Load {
            name,
            about,
            scenario: Scenario::Echo,
            clients,
            bytes: 128,
            window: 1,
        };
        match self {
            Part::Echo1 => Some(echo("echo-1", "1 connection, 128 bytes, one request under way", 1)),
            Part::Echo50 => {
                Some(echo("echo-50", "50 connections, 128 bytes, one request under way each", 50))
            }
            Part::Echo1000 => {
                Some(echo("echo-1000", "1000 connections, 128 bytes, one request under way each", 1000))
            }
            Part::Deep50 => Some(Load {
                bytes: 16,
                window: 16,
                ..echo("deep-50", "50 connections, 16 bytes, 16 requests under way each", 50)
            }),
            Part::Connect50 => Some(Load {
                scenario: Scenario::Connect,
                ..echo("connect-50", "50 clients, a new connection for each request, 128 bytes answered", 50)
            }),
            Part::Generator | Part::Stall => None,
        }
    }
}

impl Load {
    /// The load by which the generator's own ceiling is found: as parallel as it gets.
    pub const CEILING: Load = Load {
        name: "ceiling",
        about: "50 connections, 16 bytes, 64 requests under way each",
        scenario: Scenario::Echo,
        clients: 50,
        bytes: 16,
        window: 64,
    };

    /// Whether each request has a connection of its own.
    pub fn connects(&self) -> bool {
        self.scenario == Scenario::Connect
    }

    /// The service a model must run for it.
    pub fn service(&self) -> &'static str {
        self.scenario.service()
    }

    /// How long to run before measuring `time`.
    pub fn warm_up(&self, time: Duration) -> Duration {
        (time / 8).clamp(Duration::from_millis(50), Duration::from_millis(250))
    }
}
