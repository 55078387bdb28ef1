//! The steps of a chat that moves to another server, and of its new home.

use std::sync::Arc;

use super::Chat;
use super::state::Shared;
use super::values::{not_stored, texts};
use crate::chat::moving::Home;
use crate::chat::room::Room;
use crate::pyro::call::Exception;
use crate::pyro::serpent::Value;
use crate::pyro::uri::Uri;

impl Chat {
    /// A chat for one that comes from another server. It is kept, also when nobody refers to it.
    pub(super) fn arrive(&self) -> Result<Value, Exception> {
        let Shared { objects, rooms, limits, durable, .. } = &*self.shared;
        let id = match durable {
            Some(durable) => Arc::clone(durable).make(
                &format!("{:032x}", rand::random::<u128>()),
                rooms,
                objects,
                *limits,
            )?,
            None => objects.add(Arc::new(Chat::among(rooms.clone(), objects.clone(), *limits, None)))?,
        };
        Ok(objects.uri(&id).to_string().into())
    }

    /// The messages, which do not change until it has moved or stays.
    pub(super) fn depart(&self) -> Result<Value, Exception> {
        let mut state = self.shared.state()?;
        let now = state.used;
        state.home.depart(now)?;
        Ok(texts(state.room.messages(0)))
    }

    /// From now on calls are answered with the new reference. Users are live references: they do not move.
    pub(super) fn moved(&self, to: Uri) -> Result<(), Exception> {
        let mut state = self.shared.active()?;
        state.home.check_leaving(state.used)?;
        if let Some((durable, id)) = self.shared.durable.as_ref().zip(self.shared.id.get()) {
            durable.store().set_moved(id, &to.to_string()).map_err(|error| not_stored(&error))?;
        }
        state.home = Home::Moved(to);
        let users: Vec<String> = state.room.take_users();
        for id in users {
            state.listeners.remove(&id);
            self.shared.objects.revoke(&id);
            self.shared.let_go();
        }
        state.room = Room::new(self.shared.limits);
        Ok(())
    }
}
