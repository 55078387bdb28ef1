//! `Store`: lists of texts by key, `append(key, text)`, `remove(key, id)`, `last(key, count)`. In memory, or in a file with redb.
//!
//! Settings: `room`, the most texts of all keys; and for the file its `path`.

use std::collections::BTreeMap;

use anyhow::Context;
use redb::{Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition};

use super::no_such;
use crate::container::message::{Fault, Outcome, Value};
use crate::container::program::{Others, Program};

const TEXTS: TableDefinition<'_, (&str, u64), &str> = TableDefinition::new("texts");
/// The most texts where no setting says it.
const ROOM: u64 = 10_000;

/// The program.
#[derive(Debug)]
pub struct Store {
    texts: Texts,
    room: u64,
}

#[derive(Debug)]
enum Texts {
    Memory(BTreeMap<(String, u64), String>),
    File(Database),
}

impl Store {
    /// Gone when its node ends.
    ///
    /// # Errors
    /// A setting makes no sense.
    pub fn in_memory(settings: &BTreeMap<String, String>) -> anyhow::Result<Store> {
        Ok(Store { texts: Texts::Memory(BTreeMap::new()), room: room(settings)? })
    }

    /// In the file that the setting `path` names.
    ///
    /// # Errors
    /// A setting makes no sense, or the file cannot be opened.
    pub fn in_file(settings: &BTreeMap<String, String>) -> anyhow::Result<Store> {
        let path = settings.get("path").context("the setting `path` says where its file is")?;
        let database = Database::create(path).with_context(|| format!("cannot open {path}"))?;
        let transaction = database.begin_write()?;
        transaction.open_table(TEXTS)?;
        transaction.commit()?;
        Ok(Store { texts: Texts::File(database), room: room(settings)? })
    }

    fn append(&mut self, key: &str, text: &str) -> Result<u64, redb::Error> {
        match &mut self.texts {
            Texts::Memory(texts) => {
                let last = texts.range(range(key)).next_back();
                let id = last.map_or(0, |((_, id), _)| id + 1);
                texts.insert((key.to_owned(), id), text.to_owned());
                Ok(id)
            }
            Texts::File(database) => {
                let transaction = database.begin_write()?;
                let id = {
                    let mut table = transaction.open_table(TEXTS)?;
                    let last = table.range((key, 0)..=(key, u64::MAX))?.next_back().transpose()?;
                    let id = last.map_or(0, |(key, _)| key.value().1 + 1);
                    table.insert((key, id), text)?;
                    id
                };
                transaction.commit()?;
                Ok(id)
            }
        }
    }

    fn remove(&mut self, key: &str, id: u64) -> Result<(), redb::Error> {
        match &mut self.texts {
            Texts::Memory(texts) => {
                texts.remove(&(key.to_owned(), id));
            }
            Texts::File(database) => {
                let transaction = database.begin_write()?;
                transaction.open_table(TEXTS)?.remove((key, id))?;
                transaction.commit()?;
            }
        }
        Ok(())
    }

    fn last(&self, key: &str, count: usize) -> Result<Vec<String>, redb::Error> {
        let mut newest = match &self.texts {
            Texts::Memory(texts) => {
                texts.range(range(key)).rev().take(count).map(|(_, text)| text.clone()).collect::<Vec<_>>()
            }
            Texts::File(database) => {
                let table = database.begin_read()?.open_table(TEXTS)?;
                let newest = table.range((key, 0)..=(key, u64::MAX))?.rev().take(count);
                newest
                    .map(|entry| Ok(entry?.1.value().to_owned()))
                    .collect::<Result<Vec<_>, redb::Error>>()?
            }
        };
        newest.reverse();
        Ok(newest)
    }

    fn length(&self) -> Result<u64, redb::Error> {
        match &self.texts {
            Texts::Memory(texts) => Ok(texts.len() as u64),
            Texts::File(database) => Ok(database.begin_read()?.open_table(TEXTS)?.len()?),
        }
    }
}

impl Program for Store {
    fn call(&mut self, method: &str, arguments: &[Value], _others: &mut dyn Others) -> Outcome {
        let broken = |error: redb::Error| Fault::Failed(format!("the store is broken: {error}"));
        match (method, arguments) {
            ("append", [Value::Text(key), Value::Text(text)]) => {
                if self.length().map_err(broken)? >= self.room {
                    return Err(Fault::Failed(format!("the store is full: {} texts", self.room)));
                }
                self.append(key, text).map(Value::Number).map_err(broken)
            }
            ("remove", [Value::Text(key), Value::Number(id)]) => {
                self.remove(key, *id).map(|()| Value::Nothing).map_err(broken)
            }
            ("last", [Value::Text(key), Value::Number(count)]) => {
                let count = usize::try_from(*count).unwrap_or(usize::MAX);
                self.last(key, count).map(Value::Texts).map_err(broken)
            }
            _ => no_such("Store", method),
        }
    }
}

fn range(key: &str) -> std::ops::RangeInclusive<(String, u64)> {
    (key.to_owned(), 0)..=(key.to_owned(), u64::MAX)
}

fn room(settings: &BTreeMap<String, String>) -> anyhow::Result<u64> {
    let Some(room) = settings.get("room") else { return Ok(ROOM) };
    room.parse().with_context(|| format!("the setting `room` is a number, not `{room}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_file_keep_the_same() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("texts").to_str().unwrap().to_owned();
        let settings = BTreeMap::from([("path".to_owned(), path)]);
        let mut stores = [Store::in_memory(&settings).unwrap(), Store::in_file(&settings).unwrap()];
        for store in &mut stores {
            let ids = ["a", "b", "c"].map(|text| store.append("board", text).unwrap());
            assert_eq!(ids, [0, 1, 2]);
            assert_eq!(store.append("chat", "x").unwrap(), 0);
            store.remove("board", 1).unwrap();
            assert_eq!(store.last("board", 9).unwrap(), ["a", "c"]);
            assert_eq!(store.last("board", 1).unwrap(), ["c"]);
            assert_eq!(store.last("none", 1).unwrap(), [""; 0]);
            assert_eq!(store.length().unwrap(), 3);
        }
        let [_, file] = stores;
        drop(file);
        assert_eq!(Store::in_file(&settings).unwrap().last("board", 9).unwrap(), ["a", "c"]);
    }

    #[test]
    fn a_setting_without_sense_is_an_error() {
        let room = BTreeMap::from([("room".to_owned(), "many".to_owned())]);
        assert!(Store::in_memory(&room).unwrap_err().to_string().contains("`many`"));
        assert!(Store::in_file(&BTreeMap::new()).unwrap_err().to_string().contains("`path`"));
    }
}
