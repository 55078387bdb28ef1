//! The leases of a server, with its clock and its locks.
//!
//! Only objects that were made for one caller are under leases, and only callers in our wire have leases. Everything else has a local
//! root: the server, which keeps it until it is revoked.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use common::core::timer::Timer;

use super::leases::{Caller, Leases};

/// How long a lease is, unless it is said otherwise.
pub const LEASE: Duration = Duration::from_secs(60);

/// The leases of a server.
pub struct Collector {
    leases: Mutex<Leases>,
    timer: OnceLock<Timer>,
}

impl Default for Collector {
    fn default() -> Collector {
        Collector::new(LEASE)
    }
}

impl Collector {
    /// Leases of this length. The grace is a quarter of it: a renewal is sent at half the lease, so it may travel for so long and more.
    #[must_use]
    pub fn new(lease: Duration) -> Collector {
        Collector { leases: Mutex::new(Leases::new(lease, lease / 4)), timer: OnceLock::new() }
    }

    /// How long a lease is.
    #[must_use]
    pub fn lease(&self) -> Duration {
        self.leases().length()
    }

    /// An object is under leases from now on.
    pub(crate) fn add(&self, id: &str) {
        self.change(|leases, now| leases.add(id, now));
    }

    /// An object was taken out for another reason.
    pub(crate) fn remove(&self, id: &str) {
        self.leases().remove(id);
    }

    /// Something in this process needs the object.
    pub(crate) fn add_root(&self, id: &str) {
        self.leases().add_root(id);
    }

    /// It needs it no longer.
    pub(crate) fn remove_root(&self, id: &str) {
        self.change(|leases, _| leases.remove_root(id));
    }

    /// A reference is given to a client. Whether there is room for it.
    pub fn introduce(&self, caller: Caller, id: &str) -> bool {
        self.change(|leases, now| leases.introduce(caller, id, now))
    }

    /// Whether an object is under leases.
    pub fn is_leased(&self, id: &str) -> bool {
        self.leases().has(id)
    }

    /// A client refers to these objects: those that are not under leases any more, or never were.
    pub fn dirty(&self, caller: Caller, sequence: u64, is_new: bool, ids: &[String]) -> Vec<String> {
        self.change(|leases, now| match is_new {
            true => leases.begin(caller, sequence, ids, now),
            false => leases.dirty(caller.client, sequence, ids, now),
        })
    }

    /// A client refers to these objects no longer.
    pub fn clean(&self, caller: Caller, sequence: u64, ids: &[(String, u32)]) {
        self.change(|leases, now| leases.clean(caller, sequence, ids, now));
    }

    /// The server serves: this is its clock.
    pub fn start(&self, timer: &Timer) {
        let _ = self.timer.set(timer.clone());
    }

    /// When the next lease is over.
    pub fn deadline(&self) -> Option<Instant> {
        self.leases().deadline(Instant::now())
    }

    /// The objects that nobody needs any more.
    pub fn handle_timeout(&self, now: Instant) -> Vec<String> {
        self.leases().handle_timeout(now)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Leases, Instant) -> T) -> T {
        let result = change(&mut self.leases(), Instant::now());
        if let Some(timer) = self.timer.get() {
            timer.arm();
        }
        result
    }

    fn leases(&self) -> MutexGuard<'_, Leases> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
