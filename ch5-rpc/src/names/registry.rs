//! Which names there are, what they refer to, and until when. Sans-I/O: the time is an argument.
//!
//! ```text
//!   register(name, uri, lease 10 s) ──► there ── renewed in time ──► there
//!                                         └──── not renewed ───────► gone after 10 s
//! ```
//!
//! A renewal is the same registration again. So a name server that has lost everything is full again as soon as all have renewed,
//! and an owner needs to know nothing of it. What comes after the end of its lease is a registration like any other: if another
//! server has the name by then, it is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use thiserror::Error;

use super::changes::{Change, Changes, Event};
use crate::origin::Origin;
use crate::pyro::uri::Uri;

/// Most names, and most references that have one.
pub const NAMES: usize = 10_000;
/// Most text of all of them, bytes, with a little for each word. The list of all of them is one answer, and must not be longer than
/// an answer may be: a byte becomes four at most when it is written.
const ALL_TEXT: usize = 3 * 1024 * 1024;
/// Of both, one address has this part: with all of it taken by one, nobody else would have a name.
const SHARE: usize = 4;
/// Most servers that share a name.
const HOLDERS: usize = 64;
/// Longest name, and longest word of metadata, bytes.
const TEXT: usize = 200;
/// Most words of metadata of one registration.
const WORDS: usize = 32;

/// What happens when another reference has the name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum IfTaken {
    /// The new one is refused
    Refuse,
    /// The new one takes its place
    Replace,
    /// Both have it: each look-up gives the next of them. All of them must ask for it
    Balance,
}

impl IfTaken {
    /// The word for it, on the wire and on the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            IfTaken::Refuse => "refuse",
            IfTaken::Replace => "replace",
            IfTaken::Balance => "balance",
        }
    }
}

/// A wish to have a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The name.
    pub name: String,
    /// What it refers to.
    pub uri: Uri,
    /// Words by which it can be found, too.
    pub metadata: BTreeSet<String>,
    /// How long it stays without a renewal; `None` is for ever.
    pub lease: Option<Duration>,
    /// If another has the name.
    pub if_taken: IfTaken,
    /// Whose share of the room it takes; `None` is nobody's.
    pub origin: Option<Origin>,
}

/// What the registry refuses.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum NamingError {
    #[error("unknown name: {0}")]
    Unknown(String),
    #[error("name already registered: {0}")]
    Taken(String),
    #[error("the name server's own name stays as it is: {0}")]
    Reserved(String),
    #[error("too long, or empty: a name or a word of metadata has 1 to {TEXT} bytes")]
    Text,
    #[error(
        "no room for more: at most {NAMES} servers with a name, {HOLDERS} of one name, {WORDS} words of metadata, \
         {ALL_TEXT} bytes of all together"
    )]
    Full,
    #[error(
        "no room for more from this address: at most a quarter of all names, and of their text, are for one address"
    )]
    Share,
}

/// One reference that has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The reference.
    pub uri: Uri,
    /// Its metadata.
    pub metadata: BTreeSet<String>,
    /// When it ends, unless renewed.
    pub until: Option<Instant>,
    origin: Option<Origin>,
}

#[derive(Debug)]
struct Entry {
    is_shared: bool,
    is_reserved: bool,
    holders: Vec<Holder>,
    /// Of a shared name: whose turn it is.
    next: usize,
}

/// All names.
#[derive(Debug, Default)]
pub struct Registry {
    names: BTreeMap<String, Entry>,
    changes: Changes,
    /// No lease ends before this.
    next_end: Option<Instant>,
    held: Held,
}

/// How much of the registry's room is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Held {
    holders: usize,
    text: usize,
}

impl Held {
    /// By these references of this name.
    fn by(name: &str, holders: &[Holder]) -> Held {
        let length = |text: &str| text.len() + 3; // two quotes and a comma
        let text = |holder: &Holder| {
            let Uri { object, host, .. } = &holder.uri;
            let words: usize = holder.metadata.iter().map(|word| length(word)).sum();
            length(name) + length(object) + length(host) + words
        };
        Held { holders: holders.len(), text: holders.iter().map(text).sum() }
    }

    /// After these have gone and those have come, if there is room.
    fn change(self, gone: Held, come: Held) -> Result<Held, NamingError> {
        let holders = self.holders - gone.holders + come.holders;
        let text = self.text - gone.text + come.text;
        // What makes it smaller always has room.
        let fits = |now, before, most| now <= most || now <= before;
        let has_room = fits(holders, self.holders, NAMES) && fits(text, self.text, ALL_TEXT);
        if has_room { Ok(Held { holders, text }) } else { Err(NamingError::Full) }
    }
}

impl Registry {
    /// Gives a name that nobody can take or remove: the name server's own.
    pub fn reserve(&mut self, name: &str, uri: Uri, metadata: BTreeSet<String>) {
        let holders = vec![Holder { uri, metadata, until: None, origin: None }];
        let Held { holders: count, text } = Held::by(name, &holders);
        self.held = Held { holders: self.held.holders + count, text: self.held.text + text };
        self.names.insert(name.to_owned(), Entry { is_shared: false, is_reserved: true, holders, next: 0 });
    }

    /// Registers, or renews.
    ///
    /// # Errors
    /// [`NamingError`], and nothing has changed.
    pub fn register(&mut self, wish: Registration, now: Instant) -> Result<(), NamingError> {
        self.handle_timeout(now);
        let is_text = |text: &str| (1..=TEXT).contains(&text.len());
        if !is_text(&wish.name) || !wish.metadata.iter().all(|word| is_text(word)) {
            return Err(NamingError::Text);
        }
        let until = wish.lease.map(|lease| now + lease);
        self.next_end = [self.next_end, until].into_iter().flatten().min();
        let holder = Holder { uri: wish.uri.clone(), metadata: wish.metadata, until, origin: wish.origin };
        if holder.metadata.len() > WORDS {
            return Err(NamingError::Full);
        }
        let come = Held::by(&wish.name, std::slice::from_ref(&holder));
        self.has_share(&wish.name, &holder, come)?;
        let Some(entry) = self.names.get_mut(&wish.name) else {
            self.held = self.held.change(Held::default(), come)?;
            let is_shared = wish.if_taken == IfTaken::Balance;
            let entry = Entry { is_shared, is_reserved: false, holders: vec![holder], next: 0 };
            self.names.insert(wish.name.clone(), entry);
            self.changes.note(Event::Added, wish.name, wish.uri);
            return Ok(());
        };
        if entry.is_reserved {
            return Err(NamingError::Reserved(wish.name));
        }
        if let Some(own) = entry.holders.iter_mut().find(|own| own.uri == holder.uri) {
            self.held = self.held.change(Held::by(&wish.name, std::slice::from_ref(own)), come)?;
            *own = holder; // a renewal
            return Ok(());
        }
        match wish.if_taken {
            IfTaken::Balance if entry.is_shared => {
                if entry.holders.len() >= HOLDERS {
                    return Err(NamingError::Full);
                }
                self.held = self.held.change(Held::default(), come)?;
                entry.holders.push(holder);
            }
            IfTaken::Refuse | IfTaken::Balance => return Err(NamingError::Taken(wish.name)),
            IfTaken::Replace => {
                self.held = self.held.change(Held::by(&wish.name, &entry.holders), come)?;
                let old = std::mem::replace(&mut entry.holders, vec![holder]);
                entry.is_shared = false;
                for holder in old {
                    self.changes.note(Event::Removed, wish.name.clone(), holder.uri);
                }
            }
        }
        self.changes.note(Event::Added, wish.name, wish.uri);
        Ok(())
    }

    /// Whether there is room in the share of its address.
    fn has_share(&self, name: &str, new: &Holder, come: Held) -> Result<(), NamingError> {
        let Some(origin) = new.origin else { return Ok(()) };
        let (mut holders, mut text) = (come.holders, come.text);
        for (of, entry) in &self.names {
            let is_renewed = |holder: &Holder| of == name && holder.uri == new.uri;
            let counts = |holder: &&Holder| holder.origin == Some(origin) && !is_renewed(holder);
            for holder in entry.holders.iter().filter(counts) {
                let held = Held::by(of, std::slice::from_ref(holder));
                (holders, text) = (holders + held.holders, text + held.text);
            }
        }
        let fits = holders <= NAMES / SHARE && text <= ALL_TEXT / SHARE;
        if fits { Ok(()) } else { Err(NamingError::Share) }
    }

    /// What a name refers to. Servers that share it take turns.
    ///
    /// # Errors
    /// [`NamingError::Unknown`].
    pub fn lookup(&mut self, name: &str, now: Instant) -> Result<&Holder, NamingError> {
        self.handle_timeout(now);
        let entry = self.names.get_mut(name).ok_or_else(|| NamingError::Unknown(name.to_owned()))?;
        let turn = entry.next % entry.holders.len();
        entry.next = turn + 1;
        Ok(&entry.holders[turn])
    }

    /// Every holder of every name, in the order of the names.
    pub fn entries(&mut self, now: Instant) -> impl Iterator<Item = (&str, &Holder)> {
        self.handle_timeout(now);
        self.names.iter().flat_map(|(name, entry)| entry.holders.iter().map(|holder| (name.as_str(), holder)))
    }

    /// How many names there are.
    pub fn count(&mut self, now: Instant) -> usize {
        self.handle_timeout(now);
        self.names.len()
    }

    /// Takes a name away, or only one of the references that share it. Whether it was there.
    pub fn remove(&mut self, name: &str, uri: Option<&Uri>, now: Instant) -> bool {
        self.handle_timeout(now);
        let is_ours = self.names.get(name).is_some_and(|entry| !entry.is_reserved);
        is_ours && self.drop_holders(name, Event::Removed, |holder| uri.is_none_or(|uri| holder.uri == *uri))
    }

    /// Changes the metadata of all that have the name.
    ///
    /// # Errors
    /// [`NamingError`].
    pub fn set_metadata(
        &mut self,
        name: &str,
        metadata: &BTreeSet<String>,
        now: Instant,
    ) -> Result<(), NamingError> {
        self.handle_timeout(now);
        if metadata.len() > WORDS || metadata.iter().any(|word| word.len() > TEXT) {
            return Err(NamingError::Full);
        }
        let entry = self.names.get_mut(name).ok_or_else(|| NamingError::Unknown(name.to_owned()))?;
        if entry.is_reserved {
            return Err(NamingError::Reserved(name.to_owned()));
        }
        let mut holders = entry.holders.clone();
        for holder in &mut holders {
            holder.metadata.clone_from(metadata);
        }
        self.held = self.held.change(Held::by(name, &entry.holders), Held::by(name, &holders))?;
        entry.holders = holders;
        Ok(())
    }

    /// The number of the last change, and those behind the number `since`. `None` when these are not known: read the whole list.
    pub fn changes(&mut self, since: Option<u64>, now: Instant) -> (u64, Option<Vec<Change>>) {
        self.handle_timeout(now);
        self.changes.since(since)
    }

    /// When leases are to be looked at next: no lease ends before.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.next_end
    }

    /// Ends the leases that were not renewed until `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.next_end.is_none_or(|end| now < end) {
            return;
        }
        let is_over = |holder: &Holder| holder.until.is_some_and(|until| until <= now);
        let over: Vec<String> = self
            .names
            .iter()
            .filter(|(_, entry)| entry.holders.iter().any(is_over))
            .map(|(name, _)| name.clone())
            .collect();
        for name in over {
            self.drop_holders(&name, Event::Expired, is_over);
        }
        let ends = self.names.values().flat_map(|entry| &entry.holders).filter_map(|holder| holder.until);
        self.next_end = ends.min();
    }

    fn drop_holders(&mut self, name: &str, event: Event, is_dropped: impl Fn(&Holder) -> bool) -> bool {
        let Some(entry) = self.names.get_mut(name) else { return false };
        let dropped: Vec<Holder> = entry.holders.extract_if(.., |holder| is_dropped(holder)).collect();
        if entry.holders.is_empty() {
            self.names.remove(name);
        }
        let gone = Held::by(name, &dropped);
        self.held = Held { holders: self.held.holders - gone.holders, text: self.held.text - gone.text };
        let any = !dropped.is_empty();
        for holder in dropped {
            self.changes.note(event, name.to_owned(), holder.uri);
        }
        any
    }
}

#[cfg(test)]
mod tests;
