//! Memory for requests that are not whole and for answers that are not sent, of all connections together. A client may send nearly all
//! of a long request and wait, or ask for a long answer and not read it: with many connections that would be all the memory there is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So much of a request, and so much of answers, needs no place: most are shorter.
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

    /// A place for nothing yet.
    pub(super) fn place(&self) -> Place {
        Place { room: self.clone(), bytes: 0 }
    }
}

impl Place {
    /// Takes what is missing of so many bytes. Without room it stays as it was.
    pub fn grow(&mut self, bytes: usize) -> bool {
        let (order, more) = (Ordering::Relaxed, bytes.saturating_sub(self.bytes));
        let has_room = self.room.0.fetch_update(order, order, |left| left.checked_sub(more)).is_ok();
        if has_room {
            self.bytes += more;
        }
        has_room
    }

    /// Gives all back.
    pub fn clear(&mut self) {
        self.room.0.fetch_add(std::mem::take(&mut self.bytes), Ordering::Relaxed);
    }

    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.clear();
    }
}
