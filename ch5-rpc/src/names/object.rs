//! The name server as an object, with Pyro's methods and a few of ours.
//!
//! | method | Pyro | what |
//! |---|---|---|
//! | `register(name, uri, safe, metadata, lease, if_taken)` | the first four | registers, or renews. `lease` in seconds |
//! | `lookup(name, return_metadata)` | yes | the reference |
//! | `list(prefix, regex, return_metadata)` | yes | names and references |
//! | `yplookup(meta_all, meta_any, return_metadata)` | yes | the same, found by metadata |
//! | `remove(name, prefix, regex, uri)` | the first three | how many were there |
//! | `set_metadata(name, metadata)`, `count()`, `ping()` | yes | |
//! | `entries()` | no | `(name, uri, metadata, seconds left or None)` of every holder |
//! | `changes(since)` | no | `(number, [(event, name, uri)])`: for those that watch. If what was since is not known, all names as `there` |
//!
//! Leases are looked at before every question. So no client sees a name whose lease is over, and no timer is needed.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use regex_lite::RegexBuilder;

use super::changes::Change;
use super::registry::{Holder, IfTaken, NamingError, Registration, Registry};
use crate::origin::Origin;
use crate::pyro::call::{Call, Exception};
use crate::pyro::object::Object;
use crate::pyro::serpent::Value;
use crate::pyro::uri::Uri;

/// Everybody knows the name server by this.
pub const NAME_SERVER: &str = "Pyro.NameServer";

/// Leases, shortest and longest.
pub const LEASES: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(86_400);

/// Longest regular expression, bytes, and the most memory for it.
/// The time that it takes grows with both, and all other callers wait meanwhile.
const REGEX: (usize, usize) = (200, 8 * 1024);

/// The object.
#[derive(Debug, Default)]
pub struct NameServer {
    registry: Mutex<Registry>,
}

impl NameServer {
    /// Registers its own name, as Pyro's does.
    pub fn reserve(&self, uri: Uri) {
        let metadata = BTreeSet::from(["class:Pyro5.nameserver.NameServer".to_owned()]);
        self.registry().reserve(NAME_SERVER, uri, metadata);
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn register(&self, call: &Call<'_>, now: Instant) -> Result<Value, Exception> {
        let names = ["name", "uri", "safe", "metadata", "lease", "if_taken"];
        let [name, uri, safe, metadata, lease, if_taken] = call.bind(2, names)?;
        let uri = uri.and_then(Uri::from_value);
        let if_taken = match if_taken.and_then(Value::as_text) {
            Some(word) => <IfTaken as clap::ValueEnum>::from_str(word, false)
                .map_err(|_| Exception::builtin("ValueError", "if_taken is refuse, replace or balance"))?,
            None if safe.is_some_and(Value::is_true) => IfTaken::Refuse,
            None => IfTaken::Replace,
        };
        let wish = Registration {
            name: text(name, "name")?,
            uri: uri
                .ok_or_else(|| Exception::builtin("TypeError", "only URIs or strings can be registered"))?,
            metadata: words(metadata)?,
            lease: lease.map(lease_of).transpose()?.flatten(),
            if_taken,
            origin: Origin::of(&call.peer),
        };
        self.registry().register(wish, now)?;
        Ok(Value::None)
    }

    fn lookup(&self, call: &Call<'_>, now: Instant) -> Result<Value, Exception> {
        let [name, with_metadata] = call.bind(1, ["name", "return_metadata"])?;
        let mut registry = self.registry();
        let found = registry.lookup(&text(name, "name")?, now)?;
        let uri = found.uri.to_value(call.version);
        if with_metadata.is_some_and(Value::is_true) {
            return Ok(Value::Tuple(vec![uri, metadata_of(found)]));
        }
        Ok(uri)
    }

    fn list(&self, call: &Call<'_>, now: Instant) -> Result<Value, Exception> {
        let [prefix, regex, with_metadata] = call.bind(0, ["prefix", "regex", "return_metadata"])?;
        let is_listed = filter(prefix, regex)?;
        Ok(self.found(now, with_metadata, |name, _| is_listed(name)))
    }

    fn yplookup(&self, call: &Call<'_>, now: Instant) -> Result<Value, Exception> {
        let [all, any, with_metadata] = call.bind(0, ["meta_all", "meta_any", "return_metadata"])?;
        let (all, any) = (words(all)?, words(any)?);
        if !all.is_empty() && !any.is_empty() {
            return Err(Exception::builtin(
                "ValueError",
                "you can't use meta_all or meta_any at the same time",
            ));
        }
        let is_found = |_: &str, holder: &Holder| {
            (!all.is_empty() && all.is_subset(&holder.metadata)) || !any.is_disjoint(&holder.metadata)
        };
        let with_metadata = with_metadata.or(Some(&Value::Bool(true)));
        Ok(self.found(now, with_metadata, is_found))
    }

    /// A dictionary of names. Of those that share a name there is one.
    fn found(
        &self,
        now: Instant,
        with_metadata: Option<&Value>,
        is_found: impl Fn(&str, &Holder) -> bool,
    ) -> Value {
        let with_metadata = with_metadata.is_some_and(Value::is_true);
        let mut registry = self.registry();
        let mut entries: Vec<(Value, Value)> = registry
            .entries(now)
            .filter(|(name, holder)| is_found(name, holder))
            .map(|(name, holder)| {
                let uri = Value::Text(holder.uri.to_string());
                let value = if with_metadata { Value::Tuple(vec![uri, metadata_of(holder)]) } else { uri };
                (name.into(), value)
            })
            .collect();
        entries.dedup_by(|one, other| one.0 == other.0);
        Value::Dict(entries)
    }

    fn remove(&self, call: &Call<'_>, now: Instant) -> Result<Value, Exception> {
        let [name, prefix, regex, uri] = call.bind(0, ["name", "prefix", "regex", "uri"])?;
        let uri = uri.and_then(Uri::from_value);
        let mut registry = self.registry();
        let names: Vec<String> = match name {
            Some(Value::Text(name)) => vec![name.clone()],
            _ if prefix.or(regex).is_none_or(|filter| !filter.is_true()) => Vec::new(),
            _ => {
                let is_removed = filter(prefix, regex)?;
                registry
                    .entries(now)
                    .map(|(name, _)| name.to_owned())
                    .filter(|name| is_removed(name))
                    .collect()
            }
        };
        let removed = names.iter().filter(|name| registry.remove(name, uri.as_ref(), now)).count();
        Ok(Value::Int(i64::try_from(removed).unwrap_or(i64::MAX)))
    }

    fn set_metadata(&self, call: &Call<'_>, now: Instant) -> Result<Value, Exception> {
        let [name, metadata] = call.bind(2, ["name", "metadata"])?;
        self.registry().set_metadata(&text(name, "name")?, &words(metadata)?, now)?;
        Ok(Value::None)
    }

    fn entries(&self, now: Instant) -> Value {
        let mut registry = self.registry();
        let entries = registry.entries(now).map(|(name, holder)| {
            let left = holder.until.map_or(Value::None, |until| Value::Float((until - now).as_secs_f64()));
            Value::Tuple(vec![name.into(), holder.uri.to_string().into(), metadata_of(holder), left])
        });
        Value::List(entries.collect())
    }

    /// With one lock: a change between the list and its number would be told twice, or never.
    fn changes(&self, call: &Call<'_>, now: Instant) -> Result<Value, Exception> {
        let since = match call.bind(0, ["since"])? {
            [Some(Value::Int(since))] => u64::try_from(*since).ok(),
            _ => None,
        };
        let mut registry = self.registry();
        let (number, changes) = registry.changes(since, now);
        let told = match changes {
            Some(changes) => {
                let told = |change: &Change| {
                    Value::texts([change.event.word(), &change.name, &change.uri.to_string()])
                };
                changes.iter().map(told).collect()
            }
            None => registry
                .entries(now)
                .map(|(name, holder)| Value::texts(["there", name, &holder.uri.to_string()]))
                .collect(),
        };
        Ok(Value::Tuple(vec![Value::Int(i64::try_from(number).unwrap_or(i64::MAX)), Value::List(told)]))
    }
}

impl From<NamingError> for Exception {
    fn from(error: NamingError) -> Exception {
        Exception::pyro("NamingError", error.to_string())
    }
}

impl Object for NameServer {
    fn interface(&self) -> &'static str {
        "NameServer"
    }

    fn methods(&self) -> &'static [&'static str] {
        &[
            "changes",
            "count",
            "entries",
            "list",
            "lookup",
            "ping",
            "register",
            "remove",
            "set_metadata",
            "yplookup",
        ]
    }

    fn call(&self, call: &Call<'_>) -> Result<Value, Exception> {
        let now = Instant::now();
        match call.method {
            "register" => self.register(call, now),
            "lookup" => self.lookup(call, now),
            "list" => self.list(call, now),
            "yplookup" => self.yplookup(call, now),
            "remove" => self.remove(call, now),
            "set_metadata" => self.set_metadata(call, now),
            "entries" => Ok(self.entries(now)),
            "changes" => self.changes(call, now),
            "count" => Ok(Value::Int(i64::try_from(self.registry().count(now)).unwrap_or(i64::MAX))),
            _ => Ok(Value::None), // ping
        }
    }
}

fn text(value: Option<&Value>, name: &str) -> Result<String, Exception> {
    let text = value.and_then(Value::as_text).map(str::to_owned);
    text.ok_or_else(|| Exception::builtin("TypeError", format!("{name} must be a str")))
}

/// Words of metadata: a collection of texts, or nothing.
fn words(value: Option<&Value>) -> Result<BTreeSet<String>, Exception> {
    let wrong = || Exception::builtin("TypeError", "metadata should be a set or a list of texts");
    match value {
        None | Some(Value::None) => Ok(BTreeSet::new()),
        Some(value) => {
            let words = value.items().ok_or_else(wrong)?.iter();
            words.map(|word| word.as_text().map(str::to_owned).ok_or_else(wrong)).collect()
        }
    }
}

fn metadata_of(holder: &Holder) -> Value {
    Value::Set(holder.metadata.iter().map(|word| word.as_str().into()).collect())
}

/// Seconds; `None` is for ever.
fn lease_of(value: &Value) -> Result<Option<Duration>, Exception> {
    let seconds = match value {
        Value::None => return Ok(None),
        Value::Int(seconds) => *seconds as f64,
        Value::Float(seconds) => *seconds,
        _ => f64::NAN,
    };
    let lease = Duration::try_from_secs_f64(seconds).ok().filter(|lease| LEASES.contains(lease));
    let wrong = || Exception::builtin("ValueError", "a lease is a number of seconds from 0.1 to 86400");
    lease.map(Some).ok_or_else(wrong)
}

type Filter = Box<dyn Fn(&str) -> bool>;

/// Which names are meant. A regular expression must match from the begin of the name on, as Python's `re.match` wants it.
fn filter(prefix: Option<&Value>, regex: Option<&Value>) -> Result<Filter, Exception> {
    let given = |value: Option<&Value>| {
        value.filter(|value| value.is_true()).and_then(Value::as_text).map(str::to_owned)
    };
    match (given(prefix), given(regex)) {
        (None, None) => Ok(Box::new(|_| true)),
        (Some(prefix), None) => Ok(Box::new(move |name| name.starts_with(&prefix))),
        (None, Some(pattern)) => {
            let (length, memory) = REGEX;
            let compile = |pattern: &str| RegexBuilder::new(pattern).size_limit(memory).build().ok();
            // Bound to the begin, it gives up where it cannot match any more, and does not read each name to its end. Alone it must
            // be right, too: brackets of its own must not close ours.
            let regex = if pattern.len() <= length { compile(&pattern) } else { None };
            let regex = regex.and_then(|_| compile(&format!("^(?:{pattern})")));
            let regex =
                regex.ok_or_else(|| Exception::pyro("NamingError", format!("invalid regex: {pattern}")))?;
            Ok(Box::new(move |name| regex.is_match(name)))
        }
        (Some(_), Some(_)) => {
            Err(Exception::builtin("ValueError", "you can only filter on one thing at a time"))
        }
    }
}

#[cfg(test)]
mod tests;
