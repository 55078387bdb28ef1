//! The User object: what one user can do, under its name.

use std::sync::{Mutex, Weak};

use super::state::Shared;
use super::values::{call_id, lock, shown, texts};
use crate::pyro::call::{Call, Exception};
use crate::pyro::object::Object;
use crate::pyro::serpent::Value;

pub(super) struct User {
    pub(super) chat: Weak<Shared>,
    pub(super) name: String,
    /// Its own id: what tells it from one that has had the name before it.
    pub(super) id: Mutex<String>,
}

impl Object for User {
    fn interface(&self) -> &'static str {
        "chat.User"
    }

    fn methods(&self) -> &'static [&'static str] {
        &["get", "get_private", "post", "post_private", "subscribe", "whoami"]
    }

    /// Its client is gone, or has gone without a word: the user leaves.
    fn unreferenced(&self) {
        let Some(chat) = self.chat.upgrade() else { return };
        let id = lock(&self.id).clone();
        let Ok(mut state) = chat.state() else { return };
        if state.room.count_for(&self.name, &id).is_ok() {
            state.remove(&self.name, &chat);
            chat.let_go();
        }
    }

    fn call(&self, call: &Call<'_>) -> Result<Value, Exception> {
        let chat = self.chat.upgrade().ok_or_else(Exception::unknown_object)?;
        let id = lock(&self.id).clone();
        let mut state = chat.state()?;
        match call.method {
            "post" => {
                let [text, id] = call.bind(1, ["msg", "call_id"])?;
                state.post(&shown(text), &self.name, call_id(id)?, &chat)?;
            }
            "post_private" => {
                let [text, to] = call.bind(2, ["msg", "to"])?;
                state.post_private(&shown(text), &shown(to), &self.name)?;
            }
            "get" => return Ok(texts(state.room.unseen(&self.name, &id)?)),
            "subscribe" => {
                let [listener] = call.bind(1, ["listener"])?;
                // Only the user that has the name now.
                let count = state.room.count_for(&self.name, &id)?;
                state.listeners.subscribe(&id, call, listener)?;
                return Ok(Value::Int(i64::try_from(count).unwrap_or(i64::MAX)));
            }
            "get_private" => return Ok(texts(&state.room.take_private(&self.name, &id)?)),
            _ => return Ok(self.name.as_str().into()), // whoami
        }
        Ok(Value::None)
    }
}
