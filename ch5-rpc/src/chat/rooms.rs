//! The chats of one server, by their names. One that nobody refers to and that has no users goes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::pyro::call::Exception;

/// Most chats of one server, those without a name not counted.
const LIMIT: usize = 1000;

/// The ids of the chats, by their names. All clones are one.
#[derive(Clone, Default)]
pub struct Rooms {
    ids: Arc<Mutex<BTreeMap<String, String>>>,
}

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
        let mut ids = self.ids();
        if let Some(id) = ids.get(name).filter(|id| is_there(id)) {
            return Ok(id.clone());
        }
        if ids.len() >= LIMIT {
            return Err(Exception::builtin("RuntimeError", "the server has too many chats"));
        }
        // With the lock: two that open one name at once get one chat.
        let id = make()?;
        ids.insert(name.to_owned(), id.clone());
        Ok(id)
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
