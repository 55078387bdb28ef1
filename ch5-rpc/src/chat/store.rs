//! What a chat keeps on disk: sturdy references, messages, and which calls are done. One file of redb, a transaction for each change.
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
//! A commit has reached the disk when it returns, and a call is answered after it. It costs about a millisecond, and calls do not share
//! one: a server that has to be faster writes several calls with one commit.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

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

/// Any error of the store.
pub type StoreError = Box<redb::Error>;

/// The store. One process at a time can have the file.
pub struct Store {
    database: Database,
    /// One writer at a time: redb would make the second wait, too.
    writing: Mutex<()>,
    /// [`CALLS`].
    calls: u64,
}

impl Store {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// It cannot be read or written, or another process has it.
    pub fn open(path: &Path) -> Result<Store, StoreError> {
        Store::with_calls(path, CALLS)
    }

    fn with_calls(path: &Path, calls: u64) -> Result<Store, StoreError> {
        let database = Database::create(path).map_err(boxed)?;
        let store = Store { database, writing: Mutex::new(()), calls };
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
        self.write(|transaction| {
            transaction.open_table(CHATS)?.insert(id, name).map(drop).map_err(Into::into)
        })
    }

    /// A facet has one.
    ///
    /// # Errors
    /// It is not stored.
    pub fn add_facet(&self, id: &str, chat: &str) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.open_table(FACETS)?.insert(id, chat).map(drop).map_err(Into::into)
        })
    }

    /// It was revoked.
    ///
    /// # Errors
    /// It is still stored.
    pub fn remove_facet(&self, id: &str) -> Result<(), StoreError> {
        self.write(|transaction| transaction.open_table(FACETS)?.remove(id).map(drop).map_err(Into::into))
    }

    /// A chat has moved to this reference. Its messages are there now.
    ///
    /// # Errors
    /// It is not stored.
    pub fn set_moved(&self, id: &str, to: &str) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.open_table(MOVED)?.insert(id, to)?;
            transaction.open_table(MESSAGES)?.retain_in((id, 0)..=(id, u64::MAX), |_, _| false)?;
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
        self.write(|transaction| {
            let mut table = transaction.open_table(MESSAGES)?;
            for (number, text) in (first as u64..).zip(messages) {
                table.insert((chat, number), text.as_str())?;
            }
            let Some(call) = call else { return Ok(()) };
            let (mut done, mut order) = (transaction.open_table(DONE)?, transaction.open_table(ORDER)?);
            let number = order.last()?.map_or(0, |(number, _)| number.value() + 1);
            order.insert(number, call)?;
            done.insert(call, number)?;
            if done.len()? > self.calls
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
        let transaction = self.database.begin_read().map_err(boxed)?;
        read(&transaction).map_err(Box::new)
    }

    fn write(
        &self,
        write: impl FnOnce(&redb::WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), StoreError> {
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = self.database.begin_write().map_err(boxed)?;
        write(&transaction).map_err(Box::new)?;
        transaction.commit().map_err(boxed) // on the disk when it returns: redb's durability is immediate
    }
}

fn boxed(error: impl Into<redb::Error>) -> StoreError {
    Box::new(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_there_when_the_file_is_opened_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("chat.redb");
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let store = Store::open(&path).unwrap();
        store.add_chat("c", "talk").unwrap();
        store.add_facet("f", "c").unwrap();
        store.add_facet("g", "c").unwrap();
        store.remove_facet("g").unwrap();
        store.append("c", 0, &texts(&["one", "two"]), Some("call 1")).unwrap();
        store.append("d", 0, &texts(&["other"]), None).unwrap();
        store.append("c", 2, &texts(&["three"]), None).unwrap();
        assert!(Store::open(&path).is_err(), "one process has the file");
        drop(store);
        let store = Store::open(&path).unwrap();
        assert_eq!(store.chats().unwrap(), [("c".into(), "talk".into())]);
        assert_eq!(store.facets().unwrap(), [("f".into(), "c".into())]);
        assert_eq!(store.messages("c").unwrap(), ["one", "two", "three"]);
        assert!(store.is_done("call 1").unwrap() && !store.is_done("call 2").unwrap());
    }

    #[test]
    fn the_oldest_calls_are_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::with_calls(&directory.path().join("chat.redb"), 3).unwrap();
        for call in ["a", "b", "c", "d", "e"] {
            store.append("chat", 0, &[], Some(call)).unwrap();
        }
        let done = ["a", "b", "c", "d", "e"].map(|call| store.is_done(call).unwrap());
        assert_eq!(done, [false, false, true, true, true]);
    }
}
