//! The objects of the chat, with the methods of the notes' program and some of ours.
//!
//! | object | method | what |
//! |---|---|---|
//! | Chat | `register(name)` | a reference to a User object |
//! | | `post(msg, name='Unknown', call_id=None)`, `post_private(msg, to, name='Unknown')` | |
//! | | `get(idx=0)`, `get_users()`, `remove_user(name)` | |
//! | | `open(name)` | ours: a reference to another chat of this server, which is made if it is not there |
//! | | `depart()`, `moved(reference)`, `stay()`; `arrive()`, `adopt(messages)` | ours: the chat moves to another server |
//! | | `relay(msg, name, references)` | ours: posts, and has the chats behind these references post: the tree of the calls |
//! | | `read_only()` | ours: a reference to a facet, which can only read |
//! | | `revoke(reference)` | ours: this facet is good for nothing from now on |
//! | User | `post(msg, call_id=None)`, `post_private(msg, to)`, `get()`, `get_private()`, `whoami()` | |
//! | | `subscribe(listener)` | ours: an object of the caller is told what is new; how many messages there are already |
//! | facet | `get(idx=0)`, `get_users()` | |
//!
//! **A reference is a capability.** One that has the facet's reference can read and cannot post: no list of rights is asked, the object
//! simply has no such method. Its id tells nothing about the chat's.

mod facet;
mod moves;
mod state;
mod user;
mod values;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use common::core::service::PeerId;

use facet::ReadOnly;
use state::{Shared, State};
use user::User;
use values::{call_id, lock, not_stored, shown};

use super::listeners::Listeners;
use super::moving::Home;
use super::relay::{LONGEST, Node, call_next, place};
use super::room::{Limits, Room};
use super::rooms::Rooms;
use super::sturdy::SturdyChats;
use crate::daemon::registry::Objects;
use crate::pyro::call::{Call, Exception};
use crate::pyro::object::Object;
use crate::pyro::serpent::Value;
use crate::pyro::uri::Uri;

/// Most facets of one chat.
const FACETS: usize = 1000;

/// A chat and all objects of it.
pub struct Chat {
    shared: Arc<Shared>,
}

impl Chat {
    /// An empty chat, whose objects are added to these.
    #[must_use]
    pub fn new(objects: Objects, limits: Limits) -> Chat {
        Chat::among(Rooms::default(), objects, limits, None)
    }

    /// One whose reference and messages outlive the server; it is read when it is called first.
    ///
    /// # Errors
    /// There are too many objects.
    pub(super) fn stored(
        id: &str,
        rooms: &Rooms,
        objects: &Objects,
        limits: Limits,
        durable: Arc<dyn SturdyChats>,
    ) -> Result<Arc<Chat>, Exception> {
        let chat = Arc::new(Chat::among(rooms.clone(), objects.clone(), limits, Some(durable)));
        let _ = chat.shared.id.set(id.to_owned());
        objects.add_as(id, chat.clone())?;
        Ok(chat)
    }

    /// A facet that was made before.
    ///
    /// # Errors
    /// There are too many objects.
    pub(super) fn add_facet(&self, id: &str) -> Result<(), Exception> {
        self.shared.objects.add_as(id, Arc::new(ReadOnly { chat: Arc::downgrade(&self.shared) }))?;
        lock(&self.shared.state).facets.insert(id.to_owned());
        Ok(())
    }

    fn among(rooms: Rooms, objects: Objects, limits: Limits, durable: Option<Arc<dyn SturdyChats>>) -> Chat {
        let listeners = Listeners::new(objects.callbacks().clone());
        let state = Mutex::new(State {
            room: Room::new(limits),
            is_active: durable.is_none(),
            home: Home::default(),
            used: Instant::now(),
            listeners,
            facets: BTreeSet::new(),
        });
        Chat { shared: Arc::new(Shared { state, objects, rooms, limits, id: OnceLock::new(), durable }) }
    }

    /// Gives the memory of a chat back that nobody is in and that was not called for so long. Its reference is good all the same: the
    /// next call reads it again.
    pub(super) fn deactivate(&self, idle: Duration) {
        let mut state = lock(&self.shared.state);
        let is_idle = state.used.elapsed() >= idle && state.room.users().next().is_none();
        if is_idle && state.is_active && self.shared.durable.is_some() {
            tracing::debug!("deactivated");
            state.room = Room::new(self.shared.limits);
            state.is_active = false;
        }
    }

    /// Whether its messages are in memory.
    #[cfg(test)]
    pub(super) fn is_active(&self) -> bool {
        lock(&self.shared.state).is_active
    }

    fn register(&self, name: &str, peer: PeerId) -> Result<Value, Exception> {
        let user = Arc::new(User {
            chat: Arc::downgrade(&self.shared),
            name: name.to_owned(),
            id: Mutex::default(),
        });
        // A client in Pyro's wire has no leases: the chat keeps its user until it is removed.
        let id = match self.shared.objects.callbacks().can_call(peer) {
            true => self.shared.objects.add_leased(user.clone())?,
            false => self.shared.objects.add(user.clone())?,
        };
        lock(&user.id).clone_from(&id);
        // Bound first, and not in the `match`: there the lock would be held while the objects are locked.
        let replaced = self.shared.state()?.room.register(name, id.clone());
        match replaced {
            Ok(Some(old)) => {
                self.shared.state()?.listeners.remove(&old);
                self.shared.objects.revoke(&old);
            }
            Ok(None) => self.shared.keep(),
            Err(refused) => {
                self.shared.objects.revoke(&id);
                return Err(refused.into());
            }
        };
        Ok(self.shared.objects.uri(&id).to_string().into())
    }

    /// A chat that a client in our wire opens lives as long as a client refers to it, or a user is in it.
    fn open(&self, name: &str, peer: PeerId) -> Result<Value, Exception> {
        let Shared { objects, rooms, limits, durable, .. } = &*self.shared;
        let make = || {
            if let Some(durable) = durable {
                return Arc::clone(durable).make(name, rooms, objects, *limits);
            }
            let chat = Arc::new(Chat::among(rooms.clone(), objects.clone(), *limits, None));
            let id = match objects.callbacks().can_call(peer) {
                true => objects.add_leased(chat.clone())?,
                false => objects.add(chat.clone())?,
            };
            let _ = chat.shared.id.set(id.clone());
            Ok(id)
        };
        let id = rooms.open(name, |id| objects.find(id).is_some(), make)?;
        Ok(objects.uri(&id).to_string().into())
    }

    fn remove_user(&self, name: &str) -> Result<(), Exception> {
        let removed = self.shared.state()?.remove(name, &self.shared);
        if let Some(id) = removed {
            self.shared.objects.revoke(&id);
            self.shared.let_go();
        }
        Ok(())
    }

    /// It has moved before this process began.
    pub(super) fn set_moved(&self, to: Uri) {
        lock(&self.shared.state).home = Home::Moved(to);
    }

    /// Posts, and lets the next chats of the chain post.
    fn relay(&self, call: &Call<'_>) -> Result<Value, Exception> {
        let began = Instant::now();
        let left = call.context.left();
        let [text, name, chain] = call.bind(3, ["msg", "name", "references"])?;
        let wrong = || Exception::builtin("TypeError", format!("references is a list of at most {LONGEST}"));
        let chain = chain.and_then(Value::items).filter(|chain| chain.len() <= LONGEST).ok_or_else(wrong)?;
        let chain: Option<Vec<Uri>> = chain.iter().map(Uri::from_value).collect();
        let (text, name) = (shown(text), named(name));
        self.shared.state()?.post(&text, &name, None, &self.shared)?;
        // Without the lock: this may take as long as the caller waits.
        let next = call_next(&text, &name, &chain.ok_or_else(wrong)?, &call.context)?.map(Box::new);
        let place = place(&self.shared.objects.uri(""));
        Ok(Node { place, trace: call.context.trace, left, took: began.elapsed(), next }.to_value())
    }

    fn read_only(&self) -> Result<Value, Exception> {
        if self.shared.state()?.facets.len() >= FACETS {
            return Err(Exception::builtin("RuntimeError", "the chat has too many facets: revoke some"));
        }
        let id = self.shared.objects.add(Arc::new(ReadOnly { chat: Arc::downgrade(&self.shared) }))?;
        if let Some((durable, chat)) = self.shared.durable.as_ref().zip(self.shared.id.get()) {
            let stored = durable.store().add_facet(&id, chat);
            stored.map_err(|error| {
                self.shared.objects.revoke(&id);
                not_stored(&error)
            })?;
        }
        self.shared.state()?.facets.insert(id.clone());
        Ok(self.shared.objects.uri(&id).to_string().into())
    }

    /// Only what `read_only` has made: one that has the chat's reference cannot take away the objects of its users.
    fn revoke(&self, reference: &Value) -> Result<Value, Exception> {
        let wrong = || Exception::builtin("TypeError", "revoke wants a reference");
        let uri = Uri::from_value(reference).ok_or_else(wrong)?;
        let is_ours = self.shared.state()?.facets.contains(&uri.object);
        if let Some(durable) = self.shared.durable.as_ref().filter(|_| is_ours) {
            durable.store().remove_facet(&uri.object).map_err(|error| not_stored(&error))?;
        }
        self.shared.state()?.facets.remove(&uri.object);
        Ok(Value::Bool(is_ours && self.shared.objects.revoke(&uri.object)))
    }
}

impl Object for Chat {
    fn interface(&self) -> &'static str {
        "chat.Chat"
    }

    fn methods(&self) -> &'static [&'static str] {
        &[
            "adopt",
            "arrive",
            "depart",
            "get",
            "get_users",
            "moved",
            "open",
            "post",
            "post_private",
            "read_only",
            "register",
            "relay",
            "remove_user",
            "revoke",
            "stay",
        ]
    }

    fn unreferenced(&self) {
        if let Some(id) = self.shared.id.get() {
            self.shared.rooms.forget(id);
        }
        let facets = std::mem::take(&mut lock(&self.shared.state).facets);
        for facet in facets {
            self.shared.objects.revoke(&facet);
        }
    }

    fn call(&self, call: &Call<'_>) -> Result<Value, Exception> {
        match call.method {
            "register" => {
                let [name] = call.bind(1, ["me"])?;
                return self.register(&shown(name), call.peer.id);
            }
            "post" => {
                let [text, name, id] = call.bind(1, ["msg", "name", "call_id"])?;
                let call_id = call_id(id)?;
                self.shared.state()?.post(&shown(text), &named(name), call_id, &self.shared)?;
            }
            "relay" => return self.relay(call),
            "post_private" => {
                let [text, to, name] = call.bind(2, ["msg", "to", "name"])?;
                self.shared.state()?.post_private(&shown(text), &shown(to), &named(name))?;
            }
            "get" => return self.shared.get(call),
            "get_users" => return self.shared.users(),
            "remove_user" => {
                let [name] = call.bind(1, ["name"])?;
                self.remove_user(&shown(name))?;
            }
            "open" => {
                let [name] = call.bind(1, ["name"])?;
                return self.open(&shown(name), call.peer.id);
            }
            "read_only" => return self.read_only(),
            "arrive" => return self.arrive(),
            "depart" => return self.depart(),
            "stay" => self.shared.active()?.home.stay(),
            "moved" => {
                let [to] = call.bind(1, ["reference"])?;
                let wrong = || Exception::builtin("TypeError", "moved wants a reference");
                self.moved(to.and_then(Uri::from_value).ok_or_else(wrong)?)?;
            }
            "adopt" => {
                let [messages] = call.bind(1, ["messages"])?;
                let messages = messages.and_then(Value::items).unwrap_or_default();
                let messages = messages.iter().filter_map(|text| text.as_text().map(str::to_owned));
                self.shared.state()?.adopt(messages, &self.shared)?;
            }
            _ => {
                let [reference] = call.bind(1, ["reference"])?;
                return self.revoke(reference.unwrap_or(&Value::None));
            }
        }
        Ok(Value::None)
    }
}

fn named(name: Option<&Value>) -> String {
    if name.is_some() { shown(name) } else { "Unknown".into() }
}

#[cfg(test)]
mod tests;
