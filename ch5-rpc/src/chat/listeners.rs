//! The users that are told what is new, by a callback: an object of theirs, which they export over their own connection.
//!
//! | the chat calls | when |
//! |---|---|
//! | `message(number, text)` | a public message was posted, the user's own included |
//! | `private()` | there is a private message: `get_private` gives it, so that it is not lost with a connection |
//! | `removed()` | the user is gone, or another has the name |
//!
//! The numbers of the messages have no gaps: a listener that misses some after a lost connection sees it, and asks for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use common::core::service::PeerId;

use crate::objects::callbacks::{Callbacks, exported_number, frame};
use crate::pyro::call::{Call, Exception};
use crate::pyro::serpent::Value;

/// The listeners, by the id of their User object.
#[derive(Default)]
pub struct Listeners {
    callbacks: Callbacks,
    listeners: BTreeMap<String, Listener>,
    /// How many public messages were told.
    told: usize,
}

#[derive(Clone, Copy)]
struct Listener {
    peer: PeerId,
    object: u32,
}

impl Listeners {
    /// Nobody listens yet.
    #[must_use]
    pub fn new(callbacks: Callbacks) -> Listeners {
        Listeners { callbacks, ..Listeners::default() }
    }

    /// From now on the caller's object is called for the user with this object. It replaces the one before it.
    ///
    /// # Errors
    /// `TypeError`: the argument is no object of the caller, or the wire has no callbacks.
    pub fn subscribe(
        &mut self,
        id: &str,
        call: &Call<'_>,
        listener: Option<&Value>,
    ) -> Result<(), Exception> {
        let words = "subscribe wants an object of the caller, which Pyro's wire cannot carry";
        let wrong = || Exception::builtin("TypeError", words);
        let object = listener.and_then(exported_number).ok_or_else(wrong)?;
        let peer = call.peer.id;
        if !self.callbacks.can_call(peer) {
            return Err(wrong());
        }
        self.listeners.insert(id.to_owned(), Listener { peer, object });
        Ok(())
    }

    /// So many messages were there before anybody listened.
    pub fn skip(&mut self, count: usize) {
        self.told = count;
    }

    /// Tells all what has been posted since the last time.
    pub fn tell_public(&mut self, messages: &[String]) {
        let first = self.told;
        self.told = messages.len();
        for (number, text) in messages.iter().enumerate().skip(first) {
            let number = Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
            let args = [number, text.as_str().into()];
            // Most clients give the object the same number, and then the bytes are in memory once.
            let mut frames: BTreeMap<u32, Arc<[u8]>> = BTreeMap::new();
            self.listeners.retain(|_, Listener { peer, object }| {
                let bytes = frames.entry(*object).or_insert_with(|| frame(*object, "message", &args));
                self.callbacks.push(*peer, bytes).is_ok()
            });
        }
    }

    /// Tells one that there is a private message.
    pub fn tell_private(&mut self, id: &str) {
        self.tell(id, "private");
    }

    /// Tells one that it is gone, and nothing more.
    pub fn remove(&mut self, id: &str) {
        self.tell(id, "removed");
        self.listeners.remove(id);
    }

    fn tell(&mut self, id: &str, method: &str) {
        let Some(Listener { peer, object }) = self.listeners.get(id) else { return };
        if self.callbacks.push(*peer, &frame(*object, method, &[])).is_err() {
            self.listeners.remove(id);
        }
    }
}
