//! The read-only facet of a chat: an object with fewer methods, and a reference that tells nothing about the chat's.

use std::sync::Weak;

use super::state::Shared;
use super::values::lock;
use crate::chat::moving::Home;
use crate::pyro::call::{Call, Exception};
use crate::pyro::object::Object;
use crate::pyro::serpent::Value;

pub(super) struct ReadOnly {
    pub(super) chat: Weak<Shared>,
}

impl Object for ReadOnly {
    fn interface(&self) -> &'static str {
        "chat.ReadOnly"
    }

    fn methods(&self) -> &'static [&'static str] {
        &["get", "get_users"]
    }

    fn call(&self, call: &Call<'_>) -> Result<Value, Exception> {
        let chat = self.chat.upgrade().ok_or_else(Exception::unknown_object)?;
        // The chat's new reference is more than a facet may have.
        if let Home::Moved(_) = lock(&chat.state).home {
            return Err(Exception::builtin("RuntimeError", "the chat has moved, and its facets have not"));
        }
        if call.method == "get" { chat.get(call) } else { chat.users() }
    }
}
