//! fjall: a log-structured merge tree. Its journal is a log like ours; then each key goes through the memory table, and through files
//! that are merged again and again, to be deleted there.

use std::io;
use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::key_value::{Change, KeyValue};

/// A database in a directory.
pub struct Fjall {
    database: Database,
    messages: Keyspace,
}

impl std::fmt::Debug for Fjall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fjall")
    }
}

impl Fjall {
    /// Opens the database, or makes it.
    ///
    /// # Errors
    /// What fjall says.
    pub fn open(path: &Path) -> io::Result<Fjall> {
        let open = || {
            let database = Database::builder(path).open()?;
            let messages = database.keyspace("messages", KeyspaceCreateOptions::default)?;
            Ok(Fjall { database, messages })
        };
        open().map_err(|error: fjall::Error| io::Error::other(error))
    }
}

impl KeyValue for Fjall {
    fn commit(&self, changes: Vec<Change>) -> io::Result<()> {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncData));
        for (key, value) in changes {
            match value {
                Some(value) => batch.insert(&self.messages, key, value),
                None => batch.remove(&self.messages, key),
            }
        }
        batch.commit().map_err(io::Error::other)
    }

    fn value(&self, key: &[u8]) -> io::Result<Option<Vec<u8>>> {
        Ok(self.messages.get(key).map_err(io::Error::other)?.map(|value| value.to_vec()))
    }

    fn each(&self, take: &mut dyn FnMut(&[u8], &[u8])) -> io::Result<()> {
        for entry in self.messages.iter() {
            let (key, value) = entry.into_inner().map_err(io::Error::other)?;
            take(&key, &value);
        }
        Ok(())
    }
}
