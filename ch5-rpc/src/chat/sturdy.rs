//! Where a chat is kept that outlives its server.

use std::sync::Arc;

use super::room::Limits;
use super::rooms::Rooms;
use super::store::Store;
use crate::daemon::registry::Objects;
use crate::pyro::call::Exception;

/// The keeper of stored chats, as a chat sees it.
pub trait SturdyChats: Send + Sync {
    /// What is on disk.
    fn store(&self) -> &Store;

    /// Makes a chat with this name: its id. It is on disk before anybody knows it.
    ///
    /// # Errors
    /// It cannot be stored, or there are too many objects.
    fn make(
        self: Arc<Self>,
        name: &str,
        rooms: &Rooms,
        objects: &Objects,
        limits: Limits,
    ) -> Result<String, Exception>;
}
