//! Chats whose references outlive their server: *sturdy* references.
//!
//! ```text
//!   start:       ids are read ──► an object for each, without its messages
//!   first call:  its messages are read               activation
//!   idle:        its messages are dropped            deactivation: the reference is as good as before
//! ```
//!
//! The references to users are not sturdy, they are *live*: they mean a client that is there now. After a restart they are refused, and a
//! renewal of their leases is answered `expired`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use anyhow::Context;

use super::objects::Chat;
use super::room::Limits;
use super::rooms::Rooms;
use super::store::{Crash, Store};
use super::sturdy::SturdyChats;
use crate::daemon::registry::Objects;
use crate::pyro::call::Exception;

/// The chats that are on disk.
pub struct Durable {
    store: Store,
    /// Each is kept by the objects of the server.
    chats: Mutex<Vec<Weak<Chat>>>,
}

impl Durable {
    /// Opens the file, and adds all chats in it to the objects. The one without a name is made if it is not there: its id.
    ///
    /// # Errors
    /// The file cannot be read or written, or another process has it.
    pub fn open(
        path: &Path,
        crash: Option<Crash>,
        objects: &Objects,
        limits: Limits,
    ) -> anyhow::Result<(Arc<Durable>, String)> {
        let store = Store::open(path, crash).with_context(|| format!("cannot open {}", path.display()))?;
        let durable = Arc::new(Durable { store, chats: Mutex::default() });
        let rooms = Rooms::default();
        let facets = durable.store.facets()?;
        let moved: BTreeMap<String, String> = durable.store.moved()?.into_iter().collect();
        for (id, name) in durable.store.chats()? {
            let chat = Chat::stored(&id, &rooms, objects, limits, durable.clone())?;
            for (facet, _) in facets.iter().filter(|(_, chat)| *chat == id) {
                chat.add_facet(facet)?;
            }
            if let Some(uri) = moved.get(&id).and_then(|uri| uri.parse().ok()) {
                chat.set_moved(uri);
            }
            durable.chats().push(Arc::downgrade(&chat));
            rooms.add(&name, &id);
        }
        let id = match rooms.find("") {
            Some(id) => id,
            None => durable.clone().make("", &rooms, objects, limits)?,
        };
        Ok((durable, id))
    }

    /// From now on chats that were not called for so long are deactivated.
    ///
    /// # Errors
    /// There is no thread for it.
    pub fn deactivate_idle(self: &Arc<Durable>, idle: Duration) -> std::io::Result<()> {
        let durable = Arc::clone(self);
        let look = (idle / 4).max(Duration::from_millis(10));
        let run = move || {
            loop {
                thread::sleep(look);
                durable.deactivate(idle);
            }
        };
        thread::Builder::new().name("deactivation".into()).spawn(run).map(drop)
    }

    pub(super) fn deactivate(&self, idle: Duration) {
        self.chats().iter().filter_map(Weak::upgrade).for_each(|chat| chat.deactivate(idle));
    }

    /// How many have their messages in memory.
    #[cfg(test)]
    pub(super) fn active(&self) -> usize {
        self.chats().iter().filter_map(Weak::upgrade).filter(|chat| chat.is_active()).count()
    }

    fn chats(&self) -> MutexGuard<'_, Vec<Weak<Chat>>> {
        self.chats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SturdyChats for Durable {
    fn store(&self) -> &Store {
        &self.store
    }

    fn make(
        self: Arc<Self>,
        name: &str,
        rooms: &Rooms,
        objects: &Objects,
        limits: Limits,
    ) -> Result<String, Exception> {
        let id = format!("{:032x}", rand::random::<u128>());
        let stored = self.store.add_chat(&id, name);
        stored.map_err(|error| Exception::builtin("OSError", format!("it cannot be stored: {error}")))?;
        let chat = Chat::stored(&id, rooms, objects, limits, self.clone())?;
        self.chats().push(Arc::downgrade(&chat));
        Ok(id)
    }
}
