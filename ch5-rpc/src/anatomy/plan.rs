//! Which call is made: how it travels, and how it ends.

use std::time::Duration;

use clap::ValueEnum;

use super::idl::Kind;

/// Calls before the one that counts: the first calls of a program also load it into memory.
pub const WARM_UP: u64 = 10;
/// How long both sides rest before it: a call comes to a server that sleeps.
pub const PAUSE: Duration = Duration::from_millis(5);

/// How the call travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Transport {
    /// tarpc: a stub and a skeleton made by a macro, bincode
    Tarpc,
    /// XML-RPC: XML over HTTP
    Xmlrpc,
    /// a stub and a skeleton written by hand, integers in network order
    Hand,
}

/// How a call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With its result.
    Answered,
    /// With an error of the procedure.
    Failed,
    /// The procedure is not called.
    Refused,
    /// The caller waits no longer.
    Cancelled,
}

impl Ending {
    /// In words.
    pub fn title(self) -> &'static str {
        match self {
            Ending::Answered => "is answered",
            Ending::Failed => "fails: the procedure says no",
            Ending::Refused => "is refused before the procedure",
            Ending::Cancelled => "is cancelled by its caller",
        }
    }

    /// What the procedure that is called would return.
    pub fn result(self) -> Kind {
        match self {
            Ending::Answered | Ending::Cancelled => Kind::Number,
            Ending::Failed => Kind::TextOrNone,
            Ending::Refused => Kind::Flag,
        }
    }
}

impl Transport {
    /// Its name, as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Transport::Tarpc => "tarpc",
            Transport::Xmlrpc => "xmlrpc",
            Transport::Hand => "hand",
        }
    }

    /// The endings that its messages can express, but for the result.
    pub fn other_endings(self) -> &'static [Ending] {
        match self {
            Transport::Tarpc => &[Ending::Failed, Ending::Refused, Ending::Cancelled],
            Transport::Xmlrpc | Transport::Hand => &[Ending::Failed],
        }
    }
}
