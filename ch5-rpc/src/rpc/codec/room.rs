//! Memory for requests that have begun and are not whole, of all connections together. A client may send nearly all of a long request,
//! and wait: with many connections that would be all the memory there is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So much of a request needs no place: most are shorter.
pub const FREE: usize = 64 * 1024;

/// The bytes that are left. All clones are one.
#[derive(Debug, Clone)]
pub struct Room(Arc<AtomicUsize>);

/// Some of them. Dropped, it gives them back.
#[derive(Debug)]
pub(super) struct Place {
    room: Room,
    bytes: usize,
}

impl Room {
    /// Room for so many bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Room {
        Room(Arc::new(AtomicUsize::new(bytes)))
    }

    pub(super) fn take(&self, bytes: usize) -> Option<Place> {
        let order = Ordering::Relaxed;
        self.0.fetch_update(order, order, |left| left.checked_sub(bytes)).ok()?;
        Some(Place { room: self.clone(), bytes })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.0.fetch_add(self.bytes, Ordering::Relaxed);
    }
}
