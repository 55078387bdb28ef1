//! The store as a file: redb, whose commit is on the disk when it returns. One writer at a time, one process at a time.
//!
//! kill -9 takes a process and leaves the kernel's memory, so it would not find a missing fsync(2); a power cut would. That redb
//! calls it is redb's promise, and is not tested here.

use std::path::Path;

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::datagram::CallId;
use super::publish::{MOST_TEXTS, Method, Reply};
use super::store::{Completion, Store, StoreError};
use super::table::ClientRecord;

/// Text → how often it is on the board.
const COUNTS: TableDefinition<'_, &[u8], u64> = TableDefinition::new("counts");
/// `length` → texts on the board; `incarnation` → the name of the table that is kept here.
const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers");
/// Client → its first incomplete call.
const CLIENTS: TableDefinition<'_, u64, u64> = TableDefinition::new("clients");
/// Client and sequence → the answer.
const RECORDS: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("records");

/// The file.
#[derive(Debug)]
pub struct Disk {
    database: Database,
}

impl Disk {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// [`StoreError::Failed`]: it cannot be written, another process has it, or it is no such file.
    pub fn open(path: &Path) -> Result<Disk, StoreError> {
        let database = Database::create(path)?;
        let transaction = database.begin_write()?;
        transaction.open_table(COUNTS)?;
        transaction.open_table(NUMBERS)?;
        transaction.open_table(CLIENTS)?;
        transaction.open_table(RECORDS)?;
        transaction.commit()?;
        Ok(Disk { database })
    }

    /// The name of the table that is kept here; `new` if there is none yet.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    pub fn incarnation(&self, new: u64) -> Result<u64, StoreError> {
        let transaction = self.database.begin_write()?;
        let incarnation = {
            let mut numbers = transaction.open_table(NUMBERS)?;
            let known = numbers.get("incarnation")?.map(|number| number.value());
            if known.is_none() {
                numbers.insert("incarnation", new)?;
            }
            known.unwrap_or(new)
        };
        transaction.commit()?;
        Ok(incarnation)
    }

    /// How often this text is on the board.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    pub fn count(&self, text: &[u8]) -> Result<u64, StoreError> {
        let counts = self.database.begin_read()?.open_table(COUNTS)?;
        Ok(counts.get(text)?.map(|count| count.value()).unwrap_or_default())
    }

    fn length(&self) -> Result<u64, StoreError> {
        let numbers = self.database.begin_read()?.open_table(NUMBERS)?;
        Ok(numbers.get("length")?.map(|length| length.value()).unwrap_or_default())
    }
}

impl Store for Disk {
    fn run(
        &mut self,
        method: &Method,
        completion: Option<Completion>,
        crashes: &mut dyn FnMut() -> bool,
    ) -> Result<Reply, StoreError> {
        // What changes nothing and leaves no record needs no transaction on the disk.
        match method {
            Method::Length if completion.is_none() => return Ok(Reply::Number(self.length()?)),
            Method::Count { text } if completion.is_none() => return Ok(Reply::Number(self.count(text)?)),
            _ => {}
        }
        let transaction = self.database.begin_write()?;
        let reply = change(&transaction, method)?;
        match completion {
            None => {
                transaction.commit()?;
                if crashes() {
                    return Err(StoreError::Crashed);
                }
            }
            Some(completion) => {
                if crashes() {
                    return Err(StoreError::Crashed); // the transaction is dropped with the change
                }
                record(&transaction, completion, reply)?;
                transaction.commit()?;
            }
        }
        Ok(reply)
    }

    fn admit(&mut self, client: u64) -> Result<(), StoreError> {
        let transaction = self.database.begin_write()?;
        {
            let mut clients = transaction.open_table(CLIENTS)?;
            if clients.get(client)?.is_none() {
                clients.insert(client, 0)?;
            }
        }
        Ok(transaction.commit()?)
    }

    fn forget(&mut self, client: u64) -> Result<(), StoreError> {
        let transaction = self.database.begin_write()?;
        transaction.open_table(CLIENTS)?.remove(client)?;
        transaction.open_table(RECORDS)?.retain_in((client, 0)..=(client, u64::MAX), |_, _| false)?;
        Ok(transaction.commit()?)
    }

    fn records(&self) -> Result<Vec<ClientRecord>, StoreError> {
        let transaction = self.database.begin_read()?;
        let (clients, records) = (transaction.open_table(CLIENTS)?, transaction.open_table(RECORDS)?);
        let mut all = Vec::new();
        for entry in clients.iter()? {
            let (client, first_incomplete) = entry?;
            let client = client.value();
            let mut record =
                ClientRecord { client, first_incomplete: first_incomplete.value(), completed: Vec::new() };
            for entry in records.range((client, 0)..=(client, u64::MAX))? {
                let (key, answer) = entry?;
                record.completed.push((key.value().1, answer.value().to_vec()));
            }
            all.push(record);
        }
        Ok(all)
    }
}

fn change(transaction: &WriteTransaction, method: &Method) -> Result<Reply, StoreError> {
    let mut numbers = transaction.open_table(NUMBERS)?;
    let mut counts = transaction.open_table(COUNTS)?;
    let length = numbers.get("length")?.map(|length| length.value()).unwrap_or_default();
    let count = |text: &[u8]| -> Result<u64, StoreError> {
        Ok(counts.get(text)?.map(|count| count.value()).unwrap_or_default())
    };
    let text = match method {
        Method::Length => return Ok(Reply::Number(length)),
        Method::Count { text } => return Ok(Reply::Number(count(text)?)),
        Method::PublishIf { length: expected, .. } if *expected != length => {
            return Ok(Reply::Changed(length));
        }
        Method::Publish { text } | Method::PublishIf { text, .. } => text.as_slice(),
    };
    if length >= MOST_TEXTS {
        return Ok(Reply::Full);
    }
    let before = count(text)?;
    counts.insert(text, before + 1)?;
    numbers.insert("length", length + 1)?;
    Ok(Reply::Published(length + 1))
}

fn record(transaction: &WriteTransaction, completion: Completion, reply: Reply) -> Result<(), StoreError> {
    let Completion { id: CallId { client, sequence }, first_incomplete } = completion;
    let mut clients = transaction.open_table(CLIENTS)?;
    let before = clients.get(client)?.map(|first| first.value()).unwrap_or_default();
    let first_incomplete = before.max(first_incomplete);
    clients.insert(client, first_incomplete)?;
    let mut records = transaction.open_table(RECORDS)?;
    records.retain_in((client, 0)..(client, first_incomplete), |_, _| false)?;
    records.insert((client, sequence), reply.encode().as_slice())?;
    Ok(())
}
