#![expect(unsafe_code, reason = "an anonymous shared mapping is only to be had from mmap(2)")]
//! Counters that a fork does not copy: a page of memory that parent and children both map.
//!
//! ```text
//!    parent's memory          the same physical page          child's memory
//!   ┌──────────────┐         ┌──────────────────────┐        ┌──────────────┐
//!   │ heap, stack  │         │ counter 0, counter 1 │        │ heap, stack  │   (its own copies)
//!   │ mapping ─────┼────────►│ …                    │◄───────┼──── mapping  │
//!   └──────────────┘         └──────────────────────┘        └──────────────┘
//! ```
//!
//! They must be atomic. csdesign's `server03a.py` maps a page too, but a child reads all counters, adds one to its own
//! and writes all of them back, its neighbours' as they were a moment ago: its published table sums to 1482 of 1500.

use std::io;
use std::num::NonZeroUsize;
use std::ops::Deref;
use std::ptr::NonNull;
use std::slice;
use std::sync::atomic::AtomicU64;

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};

/// A slice of counters, zero at first, shared with every child that is forked while it lives.
#[derive(Debug)]
pub struct SharedCounters {
    first: NonNull<AtomicU64>,
    count: usize,
}

impl SharedCounters {
    /// Maps `count` counters, at least one.
    ///
    /// # Errors
    /// What mmap(2) refuses: usually no memory.
    pub fn new(count: usize) -> io::Result<SharedCounters> {
        let count = count.max(1);
        let length = NonZeroUsize::new(count * size_of::<AtomicU64>()).expect("at least one counter");
        let (access, flags) = (ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_SHARED);
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory that anyone has.
        let first = unsafe { mmap_anonymous(None, length, access, flags) }?.cast();
        Ok(SharedCounters { first, count })
    }
}

impl Deref for SharedCounters {
    type Target = [AtomicU64];

    fn deref(&self) -> &[AtomicU64] {
        // SAFETY: the mapping is page-aligned, `count` atomics long, zeroed by the kernel (a valid AtomicU64), lives as
        // long as `self`, and is only ever changed through atomics, in whichever process.
        unsafe { slice::from_raw_parts(self.first.as_ptr(), self.count) }
    }
}

impl Drop for SharedCounters {
    fn drop(&mut self) {
        // SAFETY: exactly the mapping made in `new`; no slice of it outlives `self`. Other processes keep theirs.
        let _ = unsafe { munmap(self.first.cast(), self.count * size_of::<AtomicU64>()) };
    }
}
