//! A value that stays shared across `fork`: an anonymous mapping that parent and children see alike.
//!
//! After `fork` every variable is a copy; counting in it is how the csd distribution demo loses counts. Only atomics
//! may stand here, because several processes write at once and no lock of one process holds back another.

#![expect(unsafe_code, reason = "mmap(2) gives raw memory")]

use std::io;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicI32, AtomicU8, AtomicU16, AtomicU32, AtomicU64};

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};

/// What may live in shared memory.
///
/// # Safety
/// All zero bytes are a valid value, every access through `&self` is atomic, and nothing in it points to memory.
pub unsafe trait Shareable: Sync {}

// SAFETY: zero is a value of each, and each is accessed atomically.
unsafe impl Shareable for AtomicU8 {}
// SAFETY: as above.
unsafe impl Shareable for AtomicU16 {}
// SAFETY: as above.
unsafe impl Shareable for AtomicU32 {}
// SAFETY: as above.
unsafe impl Shareable for AtomicI32 {}
// SAFETY: as above.
unsafe impl Shareable for AtomicU64 {}
// SAFETY: an array of such values is such a value.
unsafe impl<T: Shareable, const N: usize> Shareable for [T; N] {}

/// Maps a zeroed `T` that every process forked from now on shares with this one. It stays mapped until they end.
///
/// # Errors
/// `ENOMEM` when there is no room.
pub fn shared<T: Shareable + 'static>() -> io::Result<&'static T> {
    let length = NonZeroUsize::new(size_of::<T>()).expect("a shared value has a size");
    let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    // SAFETY: a fresh anonymous mapping overlaps nothing. It is zeroed, page-aligned (more than any T here asks for),
    // as long as a T, never unmapped, and `Shareable` says that zeroes are a T which may be shared.
    unsafe {
        let memory = mmap_anonymous(None, length, protection, MapFlags::MAP_SHARED)?;
        Ok(memory.cast::<T>().as_ref())
    }
}
