//! A ring of buffers that all connections share: the kernel takes one when bytes come, and not before.
//!
//! ```text
//!   ours ──► [ 3 | 7 | 1 | … ] ──► the kernel takes 3, fills it, and says so in a completion: "12 bytes in buffer 3"
//!              ▲                                                                               │
//!              └────────────────────── give_back(3) ◄── read ◄─────────────────────────────────┘
//! ```
//!
//! Without it every connection would need a buffer of its own, because any may be read into at any time: ten thousand idle
//! connections would hold ten thousand buffers. See io_uring_register_buf_ring(3); Linux 5.19.

use std::alloc::{Layout, handle_alloc_error};
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::IoUring;
use io_uring::types::BufRingEntry;

/// Buffers in the ring: a power of two.
const COUNT: u16 = 256;
/// Bytes of each.
const LENGTH: usize = 8 * 1024;
/// The kernel wants the ring at the begin of a page.
const PAGE: usize = 4096;

/// The group that receives name.
pub const GROUP: u16 = 0;

/// The ring, registered with the kernel until both are dropped. Drop the `IoUring` first.
pub struct BufferRing {
    entries: NonNull<BufRingEntry>,
    buffers: Box<[u8]>,
    tail: u16,
}

impl BufferRing {
    /// Registers a ring of buffers, all of them free.
    ///
    /// # Errors
    /// `EINVAL` where the kernel has no such rings.
    pub fn register(ring: &IoUring) -> io::Result<BufferRing> {
        let layout = layout();
        // SAFETY: the layout is not empty.
        let Some(entries) = NonNull::new(unsafe { std::alloc::alloc_zeroed(layout) }) else {
            handle_alloc_error(layout)
        };
        let buffers = vec![0; usize::from(COUNT) * LENGTH].into_boxed_slice();
        let mut buffer_ring = BufferRing { entries: entries.cast(), buffers, tail: 0 };
        // SAFETY: the entries stay where they are until `drop`, which comes after the end of the IoUring.
        unsafe {
            ring.submitter().register_buf_ring_with_flags(entries.as_ptr() as u64, COUNT, GROUP, 0)?;
        }
        (0..COUNT).for_each(|number| buffer_ring.give_back(number));
        Ok(buffer_ring)
    }

    /// The first `length` bytes of a buffer that the kernel has filled and not been given back.
    pub fn bytes(&self, number: u16, length: usize) -> &[u8] {
        let start = usize::from(number) * LENGTH;
        &self.buffers[start..start + length.min(LENGTH)]
    }

    /// The kernel may fill this buffer again.
    pub fn give_back(&mut self, number: u16) {
        let place = usize::from(self.tail & (COUNT - 1));
        let address = self.buffers[usize::from(number) * LENGTH..].as_mut_ptr() as u64;
        // SAFETY: the place is inside the ring, and the kernel reads it only when the tail is behind it.
        unsafe {
            let entry = self.entries.as_ptr().add(place);
            (*entry).set_addr(address);
            (*entry).set_len(LENGTH as u32);
            (*entry).set_bid(number);
        }
        self.tail = self.tail.wrapping_add(1);
        // SAFETY: the tail is a field of the first entry, which both sides access atomically.
        unsafe {
            let tail = AtomicU16::from_ptr(BufRingEntry::tail(self.entries.as_ptr()).cast_mut());
            tail.store(self.tail, Ordering::Release);
        }
    }
}

impl Drop for BufferRing {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout in `register`.
        unsafe { std::alloc::dealloc(self.entries.as_ptr().cast(), layout()) }
    }
}

fn layout() -> Layout {
    Layout::from_size_align(usize::from(COUNT) * size_of::<BufRingEntry>(), PAGE)
        .expect("a page is a power of two")
}
