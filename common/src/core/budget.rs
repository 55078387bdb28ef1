//! A server-wide budget of bytes: what unfinished requests and unsent answers of all connections may hold together.
//!
//! ```text
//!   Budget, in shared memory      limit 256 MiB   used ███████░░░
//!     account 0  the first process     ███
//!     account 1  a forked child        ████      ◄── it dies: the reaper releases what it held
//!     …
//! ```
//!
//! Without it each connection may be within its own limit and all of them together beyond the memory: ten clients that upload
//! 150 MiB each and never finish. Bytes are reserved **before** they are held, by the capacity of the buffer and not by its
//! length. A request that finds no room is refused at once. It never waits: those that hold the memory may be waiting too.
//!
//! Every process counts in one sum, and beside it in an account of its own. When a child dies, what it has reserved would stay
//! reserved for ever; so the process that reaps it closes its account.

#![expect(unsafe_code, reason = "Shareable is an unsafe trait, and mallopt(3) a call of C")]

use std::io;
use std::sync::atomic::{AtomicI32, AtomicU64, AtomicUsize, Ordering};

use nix::unistd::Pid;

use crate::core::input::GENTLE;
use crate::core::shared_memory::{Shareable, shared};

/// Most processes with an account of their own. Further ones share the first.
const ACCOUNTS: usize = 1024;
/// Reservations grow by multiples of this, so that a long upload asks a few thousand times and not a million times.
const STEP: usize = 64 * 1024;

/// The account of this process.
static OWN: AtomicUsize = AtomicUsize::new(0);

/// A handle on the budget; all handles are one.
#[derive(Debug, Clone, Copy)]
pub struct Budget(Option<&'static Shared>);

#[derive(Debug)]
struct Shared {
    limit: AtomicU64,
    used: AtomicU64,
    accounts: [Account; ACCOUNTS],
}

/// What one process has reserved.
#[derive(Debug)]
struct Account {
    /// Its process: 0 while nobody has the account, -1 between its opening and the fork.
    owner: AtomicI32,
    bytes: AtomicU64,
}

// SAFETY: both are made of atomics.
unsafe impl Shareable for Account {}
// SAFETY: as above.
unsafe impl Shareable for Shared {}

/// There is no room for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no memory left in the server's budget")]
pub struct NoRoom;

impl Budget {
    /// A budget that always has room.
    #[must_use]
    pub const fn unlimited() -> Budget {
        Budget(None)
    }

    /// A budget of `limit` bytes, shared with every process forked from now on.
    ///
    /// # Errors
    /// `ENOMEM` when there is no room for the budget itself.
    pub fn shared(limit: u64) -> io::Result<Budget> {
        return_freed_memory();
        let budget = shared::<Shared>()?;
        budget.limit.store(limit, Ordering::Relaxed);
        budget.accounts[0].owner.store(-1, Ordering::Relaxed); // the first process's, for ever
        Ok(Budget(Some(budget)))
    }

    /// How many bytes are reserved, by all processes.
    #[must_use]
    pub fn used(self) -> u64 {
        self.0.map_or(0, |budget| budget.used.load(Ordering::Relaxed))
    }

    /// An empty reservation.
    #[must_use]
    pub fn reservation(self) -> Reservation {
        Reservation { budget: self, bytes: 0 }
    }

    /// Opens an account for a process that is about to be forked: its number.
    pub(crate) fn open_account(self) -> usize {
        let Some(budget) = self.0 else { return 0 };
        let free = |account: &Account| {
            account.owner.compare_exchange(0, -1, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        };
        budget.accounts.iter().position(free).unwrap_or(0)
    }

    /// The parent: account `number` is this child's, or nobody's when there is no child.
    pub(crate) fn assign_account(self, number: usize, child: Option<Pid>) {
        if let Some(budget) = self.0
            && number > 0
        {
            budget.accounts[number].owner.store(child.map_or(0, Pid::as_raw), Ordering::Relaxed);
        }
    }

    /// The child: from now on this process reserves in account `number`.
    pub(crate) fn use_account(self, number: usize) {
        OWN.store(number, Ordering::Relaxed);
    }

    /// The parent, when the child is dead: releases what it held.
    pub fn close_account(self, child: Pid) {
        let Some(budget) = self.0 else { return };
        let owned = |account: &&Account| account.owner.load(Ordering::Relaxed) == child.as_raw();
        if let Some(account) = budget.accounts.iter().find(owned) {
            budget.used.fetch_sub(account.bytes.swap(0, Ordering::Relaxed), Ordering::Relaxed);
            account.owner.store(0, Ordering::Relaxed);
        }
    }

    fn reserve(self, bytes: usize) -> Result<(), NoRoom> {
        let Some(budget) = self.0 else { return Ok(()) };
        let bytes = bytes as u64;
        // First the sum: a process killed between the two leaves a few bytes reserved, and never releases too many.
        let before = budget.used.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > budget.limit.load(Ordering::Relaxed) {
            budget.used.fetch_sub(bytes, Ordering::Relaxed);
            return Err(NoRoom);
        }
        budget.own().fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    fn release(self, bytes: usize) {
        if let Some(budget) = self.0 {
            budget.own().fetch_sub(bytes as u64, Ordering::Relaxed);
            budget.used.fetch_sub(bytes as u64, Ordering::Relaxed);
        }
    }
}

/// A budget counts what is held, and not what the allocator keeps of it. So buffers from a mebibyte on are to be mappings of their own,
/// which grow in place and go back to the system when they are freed.
///
/// glibc begins like that. But each time a larger one is freed it moves the limit up, to 32 MiB, and then keeps such buffers in the heaps
/// of its threads: with a budget of 256 MiB a server had 680 MiB, and 600 MiB after its clients were gone.
pub fn return_freed_memory() {
    #[cfg(target_env = "gnu")]
    {
        use nix::libc::{M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, mallopt};
        let limit = GENTLE as i32;
        // SAFETY: mallopt(3) changes two numbers of the allocator, under its lock.
        unsafe {
            mallopt(M_MMAP_THRESHOLD, limit);
            mallopt(M_TRIM_THRESHOLD, limit);
        }
    }
}

impl Shared {
    fn own(&self) -> &AtomicU64 {
        &self.accounts[OWN.load(Ordering::Relaxed)].bytes
    }
}

/// Bytes that are reserved until this is dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: Budget,
    bytes: usize,
}

impl Reservation {
    /// Reserves `bytes` in all, or a little more; releases what is more than that by much.
    ///
    /// # Errors
    /// [`NoRoom`], and it stays as it was.
    pub fn resize(&mut self, bytes: usize) -> Result<(), NoRoom> {
        let wanted = bytes.next_multiple_of(STEP);
        if wanted > self.bytes {
            self.budget.reserve(wanted - self.bytes)?;
            self.bytes = wanted;
        } else if self.bytes - wanted > STEP || wanted == 0 && self.bytes > 0 {
            self.budget.release(self.bytes - wanted);
            self.bytes = wanted;
        }
        Ok(())
    }

    /// The bytes that are reserved.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.budget.release(self.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    #[test]
    fn what_does_not_fit_is_refused_and_changes_nothing() {
        let budget = Budget::shared(MIB as u64).unwrap();
        let (mut one, mut other) = (budget.reservation(), budget.reservation());
        assert_eq!((one.resize(MIB / 2), other.resize(MIB / 2)), (Ok(()), Ok(())));
        assert_eq!((one.resize(MIB / 2 + 1), one.bytes()), (Err(NoRoom), MIB / 2));
        drop(other);
        assert_eq!((one.resize(MIB / 2 + 1), budget.used()), (Ok(()), (MIB / 2 + STEP) as u64));
        one.resize(0).unwrap();
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn the_account_of_a_dead_child_is_closed_and_used_again() {
        let budget = Budget::shared(MIB as u64).unwrap();
        let number = budget.open_account();
        let child = Pid::from_raw(4711);
        budget.assign_account(number, Some(child));
        budget.use_account(number);
        let mut held = budget.reservation();
        held.resize(MIB).unwrap();
        std::mem::forget(held); // it dies without a word
        budget.use_account(0);
        assert_eq!(budget.reservation().resize(1), Err(NoRoom));
        budget.close_account(Pid::from_raw(4712));
        assert_eq!(budget.used(), MIB as u64, "somebody else's");
        budget.close_account(child);
        assert_eq!((budget.used(), budget.open_account()), (0, number));
    }
}
