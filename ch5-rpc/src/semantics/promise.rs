//! The four kinds of call.

/// What a caller is promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, clap::ValueEnum)]
pub enum Semantics {
    /// Sent once, and never again
    Maybe,
    /// Sent until it is answered
    AtLeastOnce,
    /// Sent until it is answered, and the server runs it only if it has not
    AtMostOnce,
    /// Sent until it is answered, and it is true only once: publish if the board has this length
    Conditional,
}

impl Semantics {
    /// Whether a call is sent again while there is no answer.
    #[must_use]
    pub fn is_repeated(self) -> bool {
        self != Semantics::Maybe
    }

    /// Whether the server is to remember its calls.
    #[must_use]
    pub fn is_remembered(self) -> bool {
        self == Semantics::AtMostOnce
    }
}
