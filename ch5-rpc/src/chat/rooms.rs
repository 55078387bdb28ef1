//! The chats of one server, by their names. One that nobody refers to and that has no users goes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::pyro::call::Exception;

/// Most chats of one server, those without a name not counted.
const LIMIT: usize = 1000;

/// The ids of the chats, by their names. All clones are one.
#[derive(Clone, Default)]
pub struct Rooms {
    ids: Arc<Mutex<BTreeMap<String, String>>>,
    /// The names of those that are being made, which may take as long as the disk.
    making: Arc<(Mutex<BTreeSet<String>>, Condvar)>,
}

/// The name of a chat that is being made, until this is dropped.
struct Making<'a>(&'a Rooms, &'a str);

impl Rooms {
    /// The chat with this name, if `is_there` still knows it, or else the one that `make` makes.
    ///
    /// # Errors
    /// The name is bad, or there are too many.
    pub fn open(
        &self,
        name: &str,
        is_there: impl Fn(&str) -> bool,
        make: impl FnOnce() -> Result<String, Exception>,
    ) -> Result<String, Exception> {
        if !(1..=200).contains(&name.len()) {
            return Err(Exception::builtin("ValueError", "a name has 1 to 200 bytes"));
        }
        // Two that open one name at once get one chat, and two that open two names do not wait for each other.
        let making = self.begin(name);
        if let Some(id) = self.find(name).filter(|id| is_there(id)) {
            return Ok(id);
        }
        if self.ids().len() + making.others() >= LIMIT {
            return Err(Exception::builtin("RuntimeError", "the server has too many chats"));
        }
        let id = make()?;
        self.add(name, &id);
        Ok(id)
    }

    fn begin<'a>(&'a self, name: &'a str) -> Making<'a> {
        let (names, changed) = &*self.making;
        let mut names = names.lock().unwrap_or_else(PoisonError::into_inner);
        while names.contains(name) {
            names = changed.wait(names).unwrap_or_else(PoisonError::into_inner);
        }
        names.insert(name.to_owned());
        Making(self, name)
    }

    /// A chat that was there before.
    pub(super) fn add(&self, name: &str, id: &str) {
        self.ids().insert(name.to_owned(), id.to_owned());
    }

    /// The id of the chat with this name.
    pub(super) fn find(&self, name: &str) -> Option<String> {
        self.ids().get(name).cloned()
    }

    /// The chat with this id is gone.
    pub fn forget(&self, id: &str) {
        self.ids().retain(|_, chat| chat != id);
    }

    fn ids(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Making<'_> {
    fn names(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.making.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many others are being made.
    fn others(&self) -> usize {
        self.names().len() - 1
    }
}

impl Drop for Making<'_> {
    fn drop(&mut self) {
        self.names().remove(self.1);
        self.0.making.1.notify_all();
    }
}
