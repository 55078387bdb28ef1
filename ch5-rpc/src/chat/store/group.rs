//! Group commit: changes of several threads in one transaction, with one fsync(2).
//!
//! ```text
//!   A   puts its change down ── has the lock: takes A ── commits ── answers
//!   B         puts its change down ── waits for the lock ────────── has it: takes B, C, D ── commits ── answers
//!   C           puts its change down ── waits … its change is written
//!   D             puts its change down ── waits … its change is written
//! ```
//!
//! Nobody waits so that more changes come: a lone change is committed at once. A change is answered after the commit that it is in. When
//! that fails, all changes in it have failed.

use std::io;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, SyncSender, TryRecvError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use common::support::cli::within;
use nix::sys::signal::{Signal, kill};
use nix::unistd::getpid;
use redb::{Database, WriteTransaction};

/// Any error of the store, for all whose changes were in a commit.
pub type StoreError = Arc<redb::Error>;

/// What is to be written.
pub type Change = Box<dyn FnOnce(&WriteTransaction) -> Result<(), redb::Error> + Send>;

/// A change, and where to say how it ended.
type Waiting = (Change, SyncSender<Result<(), StoreError>>);

/// How many changes were written, with how many commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commits {
    /// Changes that were written.
    pub changes: u64,
    /// Commits.
    pub commits: u64,
}

/// Where the server ends by kill -9: at this commit, counted from 1 when the server has started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crash {
    step: Step,
    commit: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// All is written, and the commit has not begun.
    BeforeCommit,
    /// It is on the disk, and nobody was told.
    BeforeAnswer,
}

/// The changes that wait.
pub struct Group {
    waiting: Mutex<Vec<Waiting>>,
    /// One writer at a time: redb would make the second wait, too.
    writing: Mutex<()>,
    changes: AtomicU64,
    commits: AtomicU64,
    crash: Option<Crash>,
}

impl Group {
    pub fn new(crash: Option<Crash>) -> Group {
        Group {
            waiting: Mutex::default(),
            writing: Mutex::default(),
            changes: AtomicU64::new(0),
            commits: AtomicU64::new(0),
            crash,
        }
    }

    pub fn commits(&self) -> Commits {
        let [changes, commits] = [&self.changes, &self.commits].map(|number| number.load(Ordering::Relaxed));
        Commits { changes, commits }
    }

    /// How many changes wait.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        lock(&self.waiting).len()
    }

    /// Writes a change, and returns when it is on the disk.
    pub fn write(&self, database: &Database, change: Change) -> Result<(), StoreError> {
        let (tell, told) = mpsc::sync_channel(1);
        lock(&self.waiting).push((change, tell));
        let _one = lock(&self.writing);
        // The thread that had the lock before has written it, or this one writes all that waits, its own as well.
        match told.try_recv() {
            Ok(written) => return written,
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => {
                return Err(shared(io::Error::other("another change has panicked")));
            }
        }
        let (changes, tell): (Vec<_>, Vec<_>) = std::mem::take(&mut *lock(&self.waiting)).into_iter().unzip();
        let written = self.commit(database, changes);
        tell.into_iter().for_each(|tell| drop(tell.send(written.clone())));
        written
    }

    fn commit(&self, database: &Database, changes: Vec<Change>) -> Result<(), StoreError> {
        let count = changes.len() as u64;
        let transaction = database.begin_write().map_err(shared)?;
        for change in changes {
            change(&transaction).map_err(shared)?;
        }
        self.may_crash(Step::BeforeCommit);
        transaction.commit().map_err(shared)?; // on the disk when it returns: redb's durability is immediate
        self.may_crash(Step::BeforeAnswer);
        self.changes.fetch_add(count, Ordering::Relaxed);
        self.commits.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// kill -9: no destructor runs, nothing is flushed, and no client is told. The first commit makes the tables.
    fn may_crash(&self, step: Step) {
        let commit = self.commits.load(Ordering::Relaxed);
        if self.crash == Some(Crash { step, commit }) {
            let _ = kill(getpid(), Signal::SIGKILL);
            std::process::abort(); // not reached
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As an error of the store.
pub fn shared(error: impl Into<redb::Error>) -> StoreError {
    Arc::new(error.into())
}

impl FromStr for Crash {
    type Err = String;

    fn from_str(text: &str) -> Result<Crash, String> {
        let (step, commit) = text.split_once(':').unwrap_or((text, "1"));
        let step = match step {
            "before-commit" => Step::BeforeCommit,
            "before-answer" => Step::BeforeAnswer,
            other => {
                let words = "is no place to crash at; write before-commit:2 or before-answer:2";
                return Err(format!("`{other}` {words}"));
            }
        };
        Ok(Crash { step, commit: within(1..=1_000_000u64)(commit)? })
    }
}
