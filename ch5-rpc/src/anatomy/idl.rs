//! The interface, for tarpc: the trait is the IDL of figure 5.3, the macro is the RPC compiler. `cargo ch5 anatomy --interface` prints
//! what stands between the marks.

use super::procedures::NoMessage;

// BEGIN interface
/// A board as remote procedures.
#[tarpc::service]
pub trait SmallBoard {
    /// Puts a text on the board and returns its id.
    async fn publish(text: String) -> u64;
    /// Takes a text from the board; whether it was there.
    async fn remove(id: u64) -> bool;
    /// The ids of the last `count` texts, oldest first.
    async fn last(count: u64) -> Vec<u64>;
    /// One text.
    async fn get(id: u64) -> Result<String, NoMessage>;
}
// END interface

// BEGIN reordered
/// The same procedures, sorted by name.
#[tarpc::service]
pub trait TidiedBoard {
    /// Was 3.
    async fn get(id: u64) -> Result<String, NoMessage>;
    /// Was 2.
    async fn last(count: u64) -> Vec<u64>;
    /// Was 0.
    async fn publish(text: String) -> u64;
    /// Was 1.
    async fn remove(id: u64) -> bool;
}
// END reordered

/// What a value is on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A number that is not negative.
    Number,
    /// Yes or no.
    Flag,
    /// A list of numbers.
    Numbers,
    /// A text, or the error that there is none.
    TextOrNone,
}

/// A procedure as somebody has to know it who reads the bytes: they do not say it themselves.
#[derive(Debug, Clone, Copy)]
pub struct Method {
    /// Its name.
    pub name: &'static str,
    /// The name and the kind of its argument.
    pub argument: (&'static str, Kind),
    /// The kind of its result.
    pub result: Kind,
}

/// The procedures in the order of [`SmallBoard`]: on the wire a procedure is its place in this list.
pub const METHODS: [Method; 4] = [
    Method { name: "publish", argument: ("text", Kind::Text), result: Kind::Number },
    Method { name: "remove", argument: ("id", Kind::Number), result: Kind::Flag },
    Method { name: "last", argument: ("count", Kind::Number), result: Kind::Numbers },
    Method { name: "get", argument: ("id", Kind::Number), result: Kind::TextOrNone },
];
