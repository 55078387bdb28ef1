//! What came from one client: counted by its decoder, read by the service, without a lock.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Shared by a connection's decoder and the service. Counts only grow.
#[derive(Debug, Default)]
pub struct Traffic {
    bytes: AtomicU64,
    frames: AtomicU64,
    is_closing: AtomicBool,
}

impl Traffic {
    /// So many bytes have come since the beginning, those of a frame under way counted.
    pub fn saw_bytes(&self, bytes: u64) {
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    /// So many more frames have come whole.
    pub fn saw_frames(&self, frames: u64) {
        self.frames.fetch_add(frames, Ordering::Relaxed);
    }

    /// Bytes that came: when they grow, the client lives.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Frames that came.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    /// We have closed the connection: of what the client still sends only its own end counts.
    pub fn close(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
    }

    /// Whether we have closed the connection.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Relaxed)
    }
}
