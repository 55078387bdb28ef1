//! The state of a chat: changes go to the disk first, if it is on one, and then to the listeners.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Instant;

use super::values::{lock, not_stored, texts};
use crate::chat::listeners::Listeners;
use crate::chat::moving::Home;
use crate::chat::room::{Limits, Refused, Room};
use crate::chat::rooms::Rooms;
use crate::chat::sturdy::SturdyChats;
use crate::daemon::registry::Objects;
use crate::pyro::call::{Call, Exception};
use crate::pyro::serpent::Value;

/// What the objects of one chat share.
pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    /// Where the objects are that it makes.
    pub(super) objects: Objects,
    pub(super) rooms: Rooms,
    pub(super) limits: Limits,
    /// Its own, if it was opened by name: its users keep it.
    pub(super) id: OnceLock<String>,
    /// Where its messages are, if they outlive the server.
    pub(super) durable: Option<Arc<dyn SturdyChats>>,
}

/// What changes.
pub(super) struct State {
    pub(super) room: Room,
    /// Whether the messages are in the room, or only on disk.
    pub(super) is_active: bool,
    pub(super) home: Home,
    /// When it was called last.
    pub(super) used: Instant,
    pub(super) listeners: Listeners,
    /// The ids of the facets that were given away.
    pub(super) facets: BTreeSet<String>,
}

impl State {
    /// A call with an id is done once, also if it comes again after the server has died.
    pub(super) fn post(
        &mut self,
        text: &str,
        name: &str,
        call: Option<&str>,
        shared: &Shared,
    ) -> Result<(), Exception> {
        if let (Some(call), Some(durable)) = (call, &shared.durable)
            && durable.store().is_done(call).map_err(|error| not_stored(&error))?
        {
            return Ok(());
        }
        let before = self.room.messages(0).len();
        self.room.post(text, name)?;
        self.tell(before, call, shared)
    }

    pub(super) fn adopt(
        &mut self,
        messages: impl Iterator<Item = String>,
        shared: &Shared,
    ) -> Result<(), Exception> {
        let before = self.room.messages(0).len();
        if let Err(refused) = self.room.adopt(messages) {
            self.room.truncate(before);
            return Err(refused.into());
        }
        self.tell(before, None, shared)
    }

    /// What was said since there were `before` messages: first to the disk, then to the listeners.
    pub(super) fn tell(
        &mut self,
        before: usize,
        call: Option<&str>,
        shared: &Shared,
    ) -> Result<(), Exception> {
        if let Some((durable, id)) = shared.durable.as_ref().zip(shared.id.get()) {
            let new = &self.room.messages(0)[before..];
            if let Err(error) = durable.store().append(id, before, new, call) {
                self.room.truncate(before);
                return Err(not_stored(&error));
            }
        }
        self.listeners.tell_public(self.room.messages(0));
        Ok(())
    }

    pub(super) fn post_private(&mut self, text: &str, to: &str, name: &str) -> Result<(), Refused> {
        if let Some(id) = self.room.post_private(text, to, name)? {
            self.listeners.tell_private(&id);
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, name: &str, shared: &Shared) -> Option<String> {
        let before = self.room.messages(0).len();
        let id = self.room.remove(name)?;
        if let Err(error) = self.tell(before, None, shared) {
            tracing::warn!("that a user has left is not said: {error}");
        }
        self.listeners.remove(&id);
        Some(id)
    }
}

impl Shared {
    /// The state of a chat that is here.
    pub(super) fn state(&self) -> Result<MutexGuard<'_, State>, Exception> {
        let state = self.active()?;
        state.home.check(state.used)?;
        Ok(state)
    }

    /// The state, with the messages in it: a chat that is on disk only is activated.
    pub(super) fn active(&self) -> Result<MutexGuard<'_, State>, Exception> {
        let mut state = lock(&self.state);
        state.used = Instant::now();
        if let Some((durable, id)) = self.durable.as_ref().zip(self.id.get())
            && !state.is_active
        {
            let messages = durable.store().messages(id).map_err(|error| not_stored(&error))?;
            tracing::debug!("activated, with {} messages", messages.len());
            state.listeners.skip(messages.len());
            state.room = Room::with_messages(self.limits, messages);
            state.is_active = true;
        }
        Ok(state)
    }

    /// A user has come: a local root, which keeps the chat also when nobody refers to it.
    pub(super) fn keep(&self) {
        if let Some(id) = self.id.get() {
            self.objects.collector().add_root(id);
        }
    }

    /// A user has left.
    pub(super) fn let_go(&self) {
        if let Some(id) = self.id.get() {
            self.objects.collector().remove_root(id);
        }
    }

    pub(super) fn get(&self, call: &Call<'_>) -> Result<Value, Exception> {
        let index = match call.bind(0, ["idx"])? {
            [None] => 0,
            [Some(Value::Int(index))] => *index,
            [Some(_)] => return Err(Exception::builtin("TypeError", "idx must be an int")),
        };
        Ok(texts(self.state()?.room.messages(index)))
    }

    pub(super) fn users(&self) -> Result<Value, Exception> {
        Ok(Value::texts(self.state()?.room.users()))
    }
}
