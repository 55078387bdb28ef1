//! Exchanges, queues and bindings: few, small, changed seldom, looked up by name. A database is right for them: redb, whose commit is
//! on the disk when it returns.

use std::io;
use std::path::Path;

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use crate::broker::Definition;

/// What it is, virtual host and names, as JSON → the definition, as JSON.
const TABLE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("definitions");

/// The file.
#[derive(Debug)]
pub struct Definitions {
    database: Database,
}

impl Definitions {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// It cannot be written, or is no such file.
    pub fn open(path: &Path) -> io::Result<Definitions> {
        let open = || -> Result<Database, redb::Error> {
            let database = Database::create(path)?;
            let transaction = database.begin_write()?;
            transaction.open_table(TABLE)?;
            transaction.commit()?;
            Ok(database)
        };
        Ok(Definitions { database: open().map_err(io::Error::other)? })
    }

    /// Puts a definition in, or takes it out.
    ///
    /// # Errors
    /// What the disk says.
    pub fn define(&self, definition: &Definition) -> io::Result<()> {
        let (key, exists) = key(definition)?;
        let value = serde_json::to_vec(definition)?;
        let commit = || -> Result<(), redb::Error> {
            let transaction = self.database.begin_write()?;
            {
                let mut table = transaction.open_table(TABLE)?;
                if exists {
                    table.insert(key.as_str(), value.as_slice())?;
                } else {
                    table.remove(key.as_str())?;
                }
            }
            transaction.commit()?;
            Ok(())
        };
        commit().map_err(io::Error::other)
    }

    /// All that exist, and what cannot be understood.
    ///
    /// # Errors
    /// What the disk says.
    pub fn all(&self) -> io::Result<(Vec<Definition>, Vec<String>)> {
        let read = || -> Result<(Vec<Definition>, Vec<String>), redb::Error> {
            let table = self.database.begin_read()?.open_table(TABLE)?;
            let (mut definitions, mut damaged) = (Vec::new(), Vec::new());
            for entry in table.iter()? {
                let (key, value) = entry?;
                match serde_json::from_slice(value.value()) {
                    Ok(definition) => definitions.push(definition),
                    Err(error) => damaged.push(format!("definition {}: {error}", key.value())),
                }
            }
            Ok((definitions, damaged))
        };
        read().map_err(io::Error::other)
    }
}

/// The key of a definition, and whether it exists.
fn key(definition: &Definition) -> serde_json::Result<(String, bool)> {
    let (key, exists) = match definition {
        Definition::Exchange { vhost, name, exchange } => {
            (serde_json::to_string(&("exchange", vhost, name)), exchange.is_some())
        }
        Definition::Queue { vhost, name, queue } => {
            (serde_json::to_string(&("queue", vhost, name)), queue.is_some())
        }
        Definition::Binding { binding, exists } => (serde_json::to_string(&("binding", binding)), *exists),
    };
    Ok((key?, exists))
}
