//! An exchange: a name, a rule, and bindings. It holds no messages.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::arguments::Arguments;
use super::binding::{Binding, Destination};
use super::headers::Match;
use super::keys::ExchangeKey;
use super::routing::{Kind, Router};

/// An exchange.
#[derive(Debug)]
pub struct Exchange {
    pub name: Arc<str>,
    /// The index of its virtual host.
    pub host: usize,
    pub kind: Kind,
    pub is_durable: bool,
    pub is_auto_delete: bool,
    pub is_internal: bool,
    pub arguments: Arguments,
    /// Where messages go that reach nothing here.
    pub alternate: Option<Box<str>>,
    pub router: Router,
    pub bindings: BTreeSet<Binding>,
    /// Exchanges with bindings to this one, and how many.
    pub sources: BTreeMap<ExchangeKey, u32>,
    pub published: u64,
    pub routed: u64,
}

impl Exchange {
    pub fn new(name: Arc<str>, host: usize, kind: Kind) -> Exchange {
        Exchange {
            name,
            host,
            kind,
            is_durable: true,
            is_auto_delete: false,
            is_internal: false,
            arguments: Arguments::default(),
            alternate: None,
            router: Router::new(kind),
            bindings: BTreeSet::new(),
            sources: BTreeMap::new(),
            published: 0,
            routed: 0,
        }
    }

    /// Adds a binding; `false` when it was there. The error is what RabbitMQ answers 406 with.
    pub fn bind(&mut self, binding: Binding) -> Result<bool, String> {
        if self.kind == Kind::Headers {
            Match::read(&binding.arguments())?;
        }
        if self.bindings.contains(&binding) {
            return Ok(false);
        }
        self.router.add(&binding);
        self.bindings.insert(binding);
        Ok(true)
    }

    /// Takes a binding away; `false` when there was none.
    pub fn unbind(&mut self, binding: &Binding) -> bool {
        let was_there = self.bindings.remove(binding);
        if was_there {
            self.router.remove(binding);
        }
        was_there
    }

    /// All bindings to this destination.
    pub fn bindings_to(&self, destination: Destination) -> Vec<Binding> {
        let from = Binding::first(destination);
        self.bindings
            .range(from..)
            .take_while(|binding| binding.destination == destination)
            .cloned()
            .collect()
    }
}
