//! The same store on a key-value database, to compare: one commit of the database for all that came meanwhile.
//!
//! ```text
//!   m id       → the message, as the log has it        a publish is two insertions,
//!   q id queue → how it stands in that queue           an acknowledgement two deletions,
//!   d queue    → up to which may have been delivered   and the database sorts, indexes and rewrites them all
//! ```

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use bytes::{Bytes, BytesMut};

use super::body::{Body, State};
use super::index::{Index, Place};
use super::segment::SegmentId;
use super::{Counters, Event, Recovered, RecoveredMessage, Store, Synced, recovery};
use crate::broker::output::QueueId;
use crate::broker::{Definition, MessageId, Record, RecordNumber};

/// A key, and what it is to have: `None` for nothing.
pub type Change = (Vec<u8>, Option<Vec<u8>>);

/// What is needed of a database.
pub trait KeyValue: Send + Sync + 'static {
    /// Makes all the changes, in their order; they are on the disk when this returns.
    ///
    /// # Errors
    /// What the database says; the same for all that follow.
    fn commit(&self, changes: Vec<Change>) -> io::Result<()>;

    /// What a key has.
    ///
    /// # Errors
    /// What the database says.
    fn value(&self, key: &[u8]) -> io::Result<Option<Vec<u8>>>;

    /// All keys with what they have, in the order of the keys.
    ///
    /// # Errors
    /// What the database says.
    fn each(&self, take: &mut dyn FnMut(&[u8], &[u8])) -> io::Result<()>;
}

/// A store on a database.
#[derive(Debug)]
pub struct KeyValueStore<D> {
    shared: Arc<Shared<D>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared<D> {
    database: D,
    state: Mutex<Waiting>,
    wake: Condvar,
    /// Tells those that read that a batch is in the database.
    written: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    index: Index,
    changes: Vec<Change>,
    number: RecordNumber,
    /// Changes are on their way into the database: neither here nor there.
    is_committing: bool,
    is_ended: bool,
    counters: Counters,
}

impl<D: KeyValue> KeyValueStore<D> {
    /// Reads what the database has, and goes on with it.
    ///
    /// # Errors
    /// It cannot be read, or there is no thread to be had.
    pub fn open(database: D, synced: Synced) -> io::Result<(KeyValueStore<D>, Recovered)> {
        let mut recovered = Recovered::default();
        let index = recover(&database, &mut recovered)?;
        let state = Mutex::new(Waiting { index, ..Waiting::default() });
        let shared = Arc::new(Shared { database, state, wake: Condvar::new(), written: Condvar::new() });
        let of = Arc::clone(&shared);
        let thread = thread::Builder::new().name("store-writer".into()).spawn(move || of.run(&synced))?;
        Ok((KeyValueStore { shared, thread: Mutex::new(Some(thread)) }, recovered))
    }
}

fn recover(database: &impl KeyValue, recovered: &mut Recovered) -> io::Result<Index> {
    let mut index = Index::default();
    let mut block = BytesMut::new();
    database.each(&mut |key, value| {
        let number = |at: usize| u64::from_be_bytes(key[at..at + 8].try_into().unwrap_or_default());
        match (key[0], key.len(), Body::decode(value)) {
            (b'm', 9, Some(body @ Body::Message(message))) => {
                index.apply(&body, place(value.len()));
                let (expires, message) = (message.expires, recovery::message(&message, &mut block));
                let message = Arc::new(message);
                recovered.messages.push(RecoveredMessage { message, expires, queues: Vec::new() });
            }
            (b'd', 9, Some(body)) => index.apply(&body, place(1)),
            (b'q', 17, Some(Body::Requeued(message, queue, state))) => {
                debug_assert_eq!((message.0, queue.0), (number(1), number(9)));
                let at = recovered.messages.binary_search_by_key(&message, |each| each.message.id);
                if let Ok(at) = at {
                    recovered.messages[at].queues.push((queue, state.deliveries(), state.is_redelivered()));
                }
            }
            _ => recovered.damaged.push(format!("key {}: it says nothing", key.escape_ascii())),
        }
    })?;
    // A message says in which queues it was at first; what it has now is known from the keys of the queues.
    for each in &mut recovered.messages {
        for (queue, state) in index.queues(each.message.id) {
            match each.queues.iter_mut().find(|known| known.0 == queue) {
                Some(known) => {
                    known.2 |= state.is_redelivered();
                    let requeued = if known.2 { State::requeued(known.1) } else { State(known.1) };
                    index.apply(&Body::Requeued(each.message.id, queue, requeued), place(1));
                }
                None => index.apply(&Body::Removed(each.message.id, queue), place(1)),
            }
        }
    }
    recovered.last_message = Some(index.last_message()).filter(|last| last.0 > 0);
    Ok(index)
}

/// The database knows where things are.
fn place(length: usize) -> Place {
    Place { segment: SegmentId(1), offset: 0, length: length as u32 }
}

fn key<const N: usize>(kind: u8, numbers: [u64; N]) -> Vec<u8> {
    let mut key = vec![kind];
    numbers.iter().for_each(|number| key.extend_from_slice(&number.to_be_bytes()));
    key
}

fn value(body: &Body<'_>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.length());
    body.encode(&mut bytes);
    bytes
}

impl Waiting {
    fn change(&mut self, body: &Body<'_>) {
        match *body {
            Body::Message(message) => {
                self.changes.push((key(b'm', [message.id.0]), Some(value(body))));
                for (queue, state) in message.queues.iter() {
                    self.state(message.id, queue, state);
                }
                self.index.apply(body, place(body.length()));
            }
            Body::Removed(message, queue) => {
                self.index.apply(body, place(1));
                self.changes.push((key(b'q', [message.0, queue.0]), None));
                if self.index.place(message).is_none() {
                    self.changes.push((key(b'm', [message.0]), None));
                }
            }
            Body::Requeued(message, queue, state) => {
                self.index.apply(body, place(1));
                if self.index.queues(message).iter().any(|each| each.0 == queue) {
                    self.state(message, queue, state);
                }
            }
            Body::Delivered(queue, _) => {
                self.index.apply(body, place(1));
                self.changes.push((key(b'd', [queue.0]), Some(value(body))));
            }
            Body::Deleted(queue) => {
                let messages: Vec<MessageId> = self.index.messages().map(|(message, _)| message).collect();
                for message in messages {
                    if self.index.queues(message).iter().any(|each| each.0 == queue) {
                        self.change(&Body::Removed(message, queue));
                    }
                }
                self.index.apply(body, place(1));
                self.changes.push((key(b'd', [queue.0]), None));
            }
        }
    }

    fn state(&mut self, message: MessageId, queue: QueueId, state: State) {
        let body = Body::Requeued(message, queue, state);
        self.changes.push((key(b'q', [message.0, queue.0]), Some(value(&body))));
    }
}

impl<D: KeyValue> Shared<D> {
    fn state(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, synced: &Synced) {
        loop {
            let waits = |state: &mut Waiting| state.changes.is_empty() && !state.is_ended;
            let mut state = self.wake.wait_while(self.state(), waits).unwrap_or_else(PoisonError::into_inner);
            let (changes, number) = (std::mem::take(&mut state.changes), state.number);
            state.is_committing = !changes.is_empty();
            drop(state);
            if changes.is_empty() {
                return;
            }
            let bytes: usize =
                changes.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len)).sum();
            let committed = self.database.commit(changes);
            let mut state = self.state();
            state.is_committing = false;
            self.written.notify_all();
            if let Err(error) = committed {
                drop(state);
                return synced(Event::Failed(error.to_string()));
            }
            state.counters.bytes += bytes as u64;
            state.counters.syncs += 1;
            drop(state);
            synced(Event::Synced(number));
        }
    }
}

impl<D: KeyValue> Store for KeyValueStore<D> {
    fn append(&self, number: RecordNumber, record: &Record) {
        let mut state = self.shared.state();
        state.change(&Body::of(record));
        state.number = number;
        state.counters.records += 1;
        drop(state);
        self.shared.wake.notify_one();
    }

    fn read(&self, message: MessageId) -> io::Result<Bytes> {
        let key = key(b'm', [message.0]);
        let mut state = self.shared.state();
        let is_here = |state: &Waiting| state.changes.iter().any(|change| change.0 == key);
        if !is_here(&state) {
            let is_on_its_way = |state: &mut Waiting| state.is_committing;
            state =
                self.shared.written.wait_while(state, is_on_its_way).unwrap_or_else(PoisonError::into_inner);
        }
        let waiting = state.changes.iter().rev().find(|change| change.0 == key);
        let value = match waiting {
            Some((_, value)) => value.clone(),
            None => self.shared.database.value(&key)?,
        };
        match value.as_deref().and_then(Body::decode) {
            Some(Body::Message(message)) => Ok(Bytes::copy_from_slice(message.content)),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn define(&self, definition: &Definition) -> io::Result<()> {
        let _ = definition;
        Err(io::Error::new(io::ErrorKind::Unsupported, "definitions are not what is compared"))
    }

    fn end(&self) {
        self.shared.state().is_ended = true;
        self.shared.wake.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }

    fn counters(&self) -> Counters {
        self.shared.state().counters
    }
}
