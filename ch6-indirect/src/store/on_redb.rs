//! redb: a B-tree that is never changed in place. A commit writes every page on the way from the root to the changed leaves again.

use std::io;
use std::path::Path;

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use super::key_value::{Change, KeyValue};

const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("messages");

/// A database in a file.
#[derive(Debug)]
pub struct Redb {
    database: Database,
}

impl Redb {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// What redb says.
    pub fn open(path: &Path) -> io::Result<Redb> {
        let database = Database::create(path).map_err(io::Error::other)?;
        let redb = Redb { database };
        redb.commit(Vec::new())?;
        Ok(redb)
    }

    fn write(&self, changes: Vec<Change>) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        {
            let mut table = transaction.open_table(TABLE)?;
            for (key, value) in changes {
                match value {
                    Some(value) => table.insert(key.as_slice(), value.as_slice())?,
                    None => table.remove(key.as_slice())?,
                };
            }
        }
        Ok(transaction.commit()?)
    }

    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, redb::Error> {
        let table = self.database.begin_read()?.open_table(TABLE)?;
        Ok(table.get(key)?.map(|value| value.value().to_vec()))
    }

    fn read_all(&self, take: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), redb::Error> {
        let table = self.database.begin_read()?.open_table(TABLE)?;
        for entry in table.iter()? {
            let (key, value) = entry?;
            take(key.value(), value.value());
        }
        Ok(())
    }
}

impl KeyValue for Redb {
    fn commit(&self, changes: Vec<Change>) -> io::Result<()> {
        self.write(changes).map_err(io::Error::other)
    }

    fn value(&self, key: &[u8]) -> io::Result<Option<Vec<u8>>> {
        self.read(key).map_err(io::Error::other)
    }

    fn each(&self, take: &mut dyn FnMut(&[u8], &[u8])) -> io::Result<()> {
        self.read_all(take).map_err(io::Error::other)
    }
}
