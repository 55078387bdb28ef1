//! Bindings: from an exchange to a queue or to another exchange, with a key and arguments.
//!
//! They are kept twice: here in the order of their destinations (what is shown, and what goes when a destination goes), and in the
//! [`Router`](super::routing::Router) in the form in which messages look for them.

use super::arguments::Arguments;
use super::keys::{ExchangeKey, QueueKey};

/// Where a binding leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Destination {
    Queue(QueueKey),
    Exchange(ExchangeKey),
}

/// What makes a binding the one it is, besides its source. The arguments are in wire form: two tables that are equal have the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Binding {
    pub destination: Destination,
    pub key: Box<str>,
    pub arguments: Box<[u8]>,
}

impl Binding {
    pub fn new(destination: Destination, key: &str, arguments: &Arguments) -> Binding {
        let arguments = if arguments.0.inner().is_empty() { Vec::new() } else { arguments.wire() };
        Binding { destination, key: key.into(), arguments: arguments.into() }
    }

    pub fn arguments(&self) -> Arguments {
        Arguments::from_wire(&self.arguments)
    }

    /// The first that could lead to `destination`: where a walk over all of them begins.
    pub fn first(destination: Destination) -> Binding {
        Binding { destination, key: "".into(), arguments: Box::new([]) }
    }
}
