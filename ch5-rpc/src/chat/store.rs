//! What a chat keeps on disk: sturdy references, messages, and which calls are done. One file of redb; changes that come together share a
//! transaction.
//!
//! ```text
//!   chats      id → name                 a reference that outlives its server is an id that is written down
//!   facets     id → id of the chat
//!   moved      id → reference            a chat that is somewhere else now
//!   messages   (id of the chat, number) → text
//!   done       call id → number          } in the same transaction as what the call did: there is no moment at which one is
//!   order      number → call id          } there without the other. The oldest are forgotten
//! ```
//!
//! A commit has reached the disk when it returns, and a call is answered after it. It costs about a millisecond, so it is shared: while one
//! thread commits, others put their changes down, and the next one commits all of them at once (group commit). Messages of one chat do
//! not share one: each is said after the one before it is on the disk. Nor do calls under a model with one thread.

mod group;

use std::path::Path;

use group::Group;
pub use group::{Commits, Crash, StoreError};
use redb::{Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition};

const CHATS: TableDefinition<'_, &str, &str> = TableDefinition::new("chats");
const FACETS: TableDefinition<'_, &str, &str> = TableDefinition::new("facets");
const MESSAGES: TableDefinition<'_, (&str, u64), &str> = TableDefinition::new("messages");
const MOVED: TableDefinition<'_, &str, &str> = TableDefinition::new("moved");
const DONE: TableDefinition<'_, &str, u64> = TableDefinition::new("done");
const ORDER: TableDefinition<'_, u64, &str> = TableDefinition::new("order");

/// Most calls of which it is known that they are done.
pub const CALLS: u64 = 10_000;
/// Longest id of a call, bytes.
pub const CALL_ID: usize = 100;

/// The store. One process at a time can have the file.
pub struct Store {
    database: Database,
    group: Group,
    /// [`CALLS`].
    calls: u64,
}

impl Store {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// It cannot be read or written, or another process has it.
    pub fn open(path: &Path, crash: Option<Crash>) -> Result<Store, StoreError> {
        Store::in_database(Database::create(path).map_err(group::shared)?, CALLS, crash)
    }

    fn in_database(database: Database, calls: u64, crash: Option<Crash>) -> Result<Store, StoreError> {
        let store = Store { database, group: Group::new(crash), calls };
        // Every table is there from now on.
        store.write(|transaction| {
            transaction.open_table(CHATS)?;
            transaction.open_table(FACETS)?;
            transaction.open_table(MESSAGES)?;
            transaction.open_table(MOVED)?;
            transaction.open_table(DONE)?;
            transaction.open_table(ORDER)?;
            Ok(())
        })?;
        Ok(store)
    }

    /// How many changes were written, with how many commits.
    pub fn commits(&self) -> Commits {
        self.group.commits()
    }

    /// Every chat: its id and its name.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn chats(&self) -> Result<Vec<(String, String)>, StoreError> {
        self.pairs(CHATS)
    }

    /// Every facet: its id and that of its chat.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn facets(&self) -> Result<Vec<(String, String)>, StoreError> {
        self.pairs(FACETS)
    }

    /// Every chat that has moved: its id, and its new reference.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn moved(&self) -> Result<Vec<(String, String)>, StoreError> {
        self.pairs(MOVED)
    }

    /// The messages of a chat.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn messages(&self, chat: &str) -> Result<Vec<String>, StoreError> {
        self.read(|transaction| {
            let table = transaction.open_table(MESSAGES)?;
            table.range((chat, 0)..=(chat, u64::MAX))?.map(|entry| Ok(entry?.1.value().to_owned())).collect()
        })
    }

    /// Whether a call with this id is done.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn is_done(&self, call: &str) -> Result<bool, StoreError> {
        self.read(|transaction| Ok(transaction.open_table(DONE)?.get(call)?.is_some()))
    }

    /// A chat has a reference that outlives this process.
    ///
    /// # Errors
    /// It is not stored.
    pub fn add_chat(&self, id: &str, name: &str) -> Result<(), StoreError> {
        let (id, name) = (id.to_owned(), name.to_owned());
        self.write(move |transaction| {
            transaction.open_table(CHATS)?.insert(&*id, &*name).map(drop).map_err(Into::into)
        })
    }

    /// A facet has one.
    ///
    /// # Errors
    /// It is not stored.
    pub fn add_facet(&self, id: &str, chat: &str) -> Result<(), StoreError> {
        let (id, chat) = (id.to_owned(), chat.to_owned());
        self.write(move |transaction| {
            transaction.open_table(FACETS)?.insert(&*id, &*chat).map(drop).map_err(Into::into)
        })
    }

    /// It was revoked.
    ///
    /// # Errors
    /// It is still stored.
    pub fn remove_facet(&self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(move |transaction| {
            transaction.open_table(FACETS)?.remove(&*id).map(drop).map_err(Into::into)
        })
    }

    /// A chat has moved to this reference. Its messages are there now.
    ///
    /// # Errors
    /// It is not stored.
    pub fn set_moved(&self, id: &str, to: &str) -> Result<(), StoreError> {
        let (id, to) = (id.to_owned(), to.to_owned());
        self.write(move |transaction| {
            transaction.open_table(MOVED)?.insert(&*id, &*to)?;
            transaction.open_table(MESSAGES)?.retain_in((&*id, 0)..=(&*id, u64::MAX), |_, _| false)?;
            Ok(())
        })
    }

    /// Adds messages from this number on, and that the call with this id is done.
    ///
    /// # Errors
    /// Neither is stored.
    pub fn append(
        &self,
        chat: &str,
        first: usize,
        messages: &[String],
        call: Option<&str>,
    ) -> Result<(), StoreError> {
        let (chat, messages, limit) = (chat.to_owned(), messages.to_vec(), self.calls);
        let call = call.map(str::to_owned);
        self.write(move |transaction| {
            let mut table = transaction.open_table(MESSAGES)?;
            for (number, text) in (first as u64..).zip(&messages) {
                table.insert((&*chat, number), text.as_str())?;
            }
            let Some(call) = call.as_deref() else { return Ok(()) };
            let (mut done, mut order) = (transaction.open_table(DONE)?, transaction.open_table(ORDER)?);
            let number = order.last()?.map_or(0, |(number, _)| number.value() + 1);
            order.insert(number, call)?;
            done.insert(call, number)?;
            if done.len()? > limit
                && let Some((_, oldest)) = order.pop_first()?
            {
                done.remove(oldest.value())?;
            }
            Ok(())
        })
    }

    fn pairs(&self, table: TableDefinition<'_, &str, &str>) -> Result<Vec<(String, String)>, StoreError> {
        self.read(|transaction| {
            let table = transaction.open_table(table)?;
            let pair = |entry: Result<(redb::AccessGuard<'_, &str>, redb::AccessGuard<'_, &str>), _>| {
                let (key, value) = entry?;
                Ok((key.value().to_owned(), value.value().to_owned()))
            };
            table.iter()?.map(pair).collect()
        })
    }

    fn read<T>(
        &self,
        read: impl FnOnce(&redb::ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        let transaction = self.database.begin_read().map_err(group::shared)?;
        read(&transaction).map_err(group::shared)
    }

    fn write(
        &self,
        change: impl FnOnce(&redb::WriteTransaction) -> Result<(), redb::Error> + Send + 'static,
    ) -> Result<(), StoreError> {
        self.group.write(&self.database, Box::new(change))
    }
}

#[cfg(test)]
mod tests;
