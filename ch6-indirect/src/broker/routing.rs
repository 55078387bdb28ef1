//! How messages find queues: the rule of each exchange, and the walk from exchange to exchange.
//!
//! ```text
//!   direct     key is equal            a hash map: key → destinations
//!   fanout     always                  the destinations
//!   topic      key matches             a trie of words
//!   headers    headers are as asked    one binding after the other
//! ```

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};

use super::arguments::Arguments;
use super::binding::{Binding, Destination};
use super::headers::Match;
use super::properties::Properties;
use super::topic::{self, Trie};
use crate::amqp::FieldTable;
use crate::amqp::command::Content;

/// The rule by which an exchange finds destinations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Direct,
    Fanout,
    Topic,
    Headers,
}

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::Direct, Kind::Fanout, Kind::Topic, Kind::Headers];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Direct => "direct",
            Kind::Fanout => "fanout",
            Kind::Topic => "topic",
            Kind::Headers => "headers",
        }
    }

    pub fn named(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Destinations, each once, with the number of bindings that lead there and of messages that went.
#[derive(Debug, Default)]
pub struct Targets(BTreeMap<Destination, Target>);

#[derive(Debug, Default)]
struct Target {
    bindings: u32,
    routed: u64,
}

impl topic::Targets for Targets {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Targets {
    fn add(&mut self, destination: Destination) {
        self.0.entry(destination).or_default().bindings += 1;
    }

    fn remove(&mut self, destination: Destination) {
        if let Some(target) = self.0.get_mut(&destination) {
            target.bindings -= 1;
            if target.bindings == 0 {
                self.0.remove(&destination);
            }
        }
    }

    fn take(&mut self, found: &mut Vec<Destination>) {
        for (destination, target) in &mut self.0 {
            target.routed += 1;
            found.push(*destination);
        }
    }

    fn routed(&self, destination: Destination) -> u64 {
        self.0.get(&destination).map_or(0, |target| target.routed)
    }
}

/// The bindings of an exchange, in the form in which messages look for them.
#[derive(Debug)]
pub enum Router {
    Direct(HashMap<Box<str>, Targets>),
    Fanout(Targets),
    Topic(Box<Trie<Targets>>),
    Headers(BTreeMap<Binding, (Match, Arguments, u64)>),
}

impl Router {
    pub fn new(kind: Kind) -> Router {
        match kind {
            Kind::Direct => Router::Direct(HashMap::new()),
            Kind::Fanout => Router::Fanout(Targets::default()),
            Kind::Topic => Router::Topic(Box::default()),
            Kind::Headers => Router::Headers(BTreeMap::new()),
        }
    }

    pub fn add(&mut self, binding: &Binding) {
        match self {
            Router::Direct(keys) => keys.entry(binding.key.clone()).or_default().add(binding.destination),
            Router::Fanout(targets) => targets.add(binding.destination),
            Router::Topic(trie) => trie.entry(&binding.key).add(binding.destination),
            Router::Headers(bindings) => {
                let arguments = binding.arguments();
                if let Ok(rule) = Match::read(&arguments) {
                    bindings.insert(binding.clone(), (rule, arguments, 0));
                }
            }
        }
    }

    pub fn remove(&mut self, binding: &Binding) {
        match self {
            Router::Direct(keys) => {
                if let Some(targets) = keys.get_mut(&binding.key) {
                    targets.remove(binding.destination);
                    if targets.0.is_empty() {
                        keys.remove(&binding.key);
                    }
                }
            }
            Router::Fanout(targets) => targets.remove(binding.destination),
            Router::Topic(trie) => trie.change(&binding.key, |targets| targets.remove(binding.destination)),
            Router::Headers(bindings) => drop(bindings.remove(binding)),
        }
    }

    /// The destinations of a message, some perhaps twice.
    pub fn find(&mut self, key: &str, route: &Route<'_>, found: &mut Vec<Destination>) {
        match self {
            Router::Direct(keys) => {
                if let Some(targets) = keys.get_mut(key) {
                    targets.take(found);
                }
            }
            Router::Fanout(targets) => targets.take(found),
            Router::Topic(trie) => trie.matching(key, |targets| targets.take(found)),
            Router::Headers(bindings) => {
                for (binding, (rule, arguments, routed)) in bindings {
                    if rule.covers(arguments, route.headers()) {
                        *routed += 1;
                        found.push(binding.destination);
                    }
                }
            }
        }
    }

    /// How many messages took this binding, or another with the same key and destination.
    pub fn routed(&self, binding: &Binding) -> u64 {
        match self {
            Router::Direct(keys) => {
                keys.get(&binding.key).map_or(0, |targets| targets.routed(binding.destination))
            }
            Router::Fanout(targets) => targets.routed(binding.destination),
            Router::Topic(trie) => {
                trie.targets(&binding.key).map_or(0, |targets| targets.routed(binding.destination))
            }
            Router::Headers(bindings) => bindings.get(binding).map_or(0, |(_, _, routed)| *routed),
        }
    }
}

/// Where a message is to go.
#[derive(Debug)]
pub struct Route<'a> {
    pub exchange: &'a str,
    pub keys: &'a [&'a str],
    content: &'a Content,
    headers: OnceCell<Option<FieldTable>>,
}

impl<'a> Route<'a> {
    /// From this exchange, with the routing key and those of CC and BCC.
    pub fn new(exchange: &'a str, keys: &'a [&'a str], content: &'a Content) -> Route<'a> {
        Route { exchange, keys, content, headers: OnceCell::new() }
    }

    /// The headers of the message, read when the first headers exchange asks for them.
    fn headers(&self) -> Option<&FieldTable> {
        let read = || Properties::read(self.content.properties()).and_then(|properties| properties.headers());
        self.headers.get_or_init(read).as_ref()
    }
}
