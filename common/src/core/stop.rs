//! One way to stop, for every model: SIGTERM or Ctrl-C.
//!
//! ```text
//!   signal ──► handler:  1. the flag is set
//!                        2. shutdown(2) on each listening socket   wakes every accept, in every thread and process
//!                        3. the eventfd becomes readable           wakes every loop that waits for readiness
//!                        4. shutdown(SHUT_RD) on each connection   wakes every read that waits for an idle client
//!                           in service
//! ```
//!
//! What is in service is then finished: a request that has come whole is handled and its answer sent; a slow one (see
//! [`RequestCost`](crate::core::service::RequestCost)) only when it has begun. A client that stalls its server in `write` is hung up on after
//! [`STALL_AT_STOP`], and one that takes its answer by drips after [`LAST_WORDS`].
//!
//! All four steps are async-signal-safe (signal-safety(7)), so they are done in the handler itself: no thread waits for
//! signals, and a server that forks stays single-threaded. That is also why the connections in service are a bitmap
//! of atomics and not a locked list: a handler must not take a lock that the code it interrupted may hold.

#![cfg_attr(not(loom), expect(unsafe_code, reason = "sigaction(2) takes a handler only in an unsafe call"))]

use std::os::fd::RawFd;
use std::time::Duration;

#[cfg(loom)]
use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};

/// How long a client may take none of its answer once the server is stopping.
pub const STALL_AT_STOP: Duration = Duration::from_secs(1);

/// How long a stop may take that is held up by clients who take their answers, but slowly.
pub const LAST_WORDS: Duration = Duration::from_secs(3);

/// The flag, and which descriptors are in service: a bit each.
///
/// The order matters, and is what the loom test checks. Who comes writes its bit, then reads the flag; who stops
/// writes the flag, then reads the bits. With sequentially consistent atomics at least one of them sees the other, so
/// that no connection slips through and waits for ever. (The fences between say it once more, for loom: it models the
/// one order of all fences, but takes sequentially consistent accesses for acquire and release.)
pub struct Registry<const WORDS: usize> {
    stopping: AtomicBool,
    live: [AtomicU64; WORDS],
    /// So many words, from the first, may have had a bit. Only for [`forget`](Registry::forget).
    used: AtomicUsize,
}

impl<const WORDS: usize> Registry<WORDS> {
    /// Nothing in service, not stopping.
    #[cfg(not(loom))]
    #[must_use]
    pub const fn new() -> Registry<WORDS> {
        Registry {
            stopping: AtomicBool::new(false),
            live: [const { AtomicU64::new(0) }; WORDS],
            used: AtomicUsize::new(0),
        }
    }

    /// Nothing in service, not stopping.
    #[cfg(loom)]
    #[must_use]
    pub fn new() -> Registry<WORDS> {
        Registry {
            stopping: AtomicBool::new(false),
            live: std::array::from_fn(|_| AtomicU64::new(0)),
            used: AtomicUsize::new(0),
        }
    }

    /// Puts a descriptor in service; `false` when the stop has come and it must be closed instead (or when its number
    /// is beyond the table: then nobody could wake it).
    pub fn enter(&self, fd: RawFd) -> bool {
        let Some((word, bit)) = self.place(fd) else { return false };
        self.used.fetch_max(fd as usize / 64 + 1, Ordering::Relaxed);
        word.fetch_or(bit, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if self.stopping.load(Ordering::SeqCst) {
            word.fetch_and(!bit, Ordering::SeqCst);
            return false;
        }
        true
    }

    /// Takes a descriptor out of service, before it is closed.
    pub fn leave(&self, fd: RawFd) {
        if let Some((word, bit)) = self.place(fd) {
            word.fetch_and(!bit, Ordering::SeqCst);
        }
    }

    /// Sets the flag and hands every descriptor in service to `wake`.
    pub fn stop(&self, mut wake: impl FnMut(RawFd)) {
        self.stopping.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        for (index, word) in self.live.iter().enumerate() {
            let mut bits = word.load(Ordering::SeqCst);
            while bits != 0 {
                wake((index * 64) as RawFd + bits.trailing_zeros() as RawFd);
                bits &= bits - 1;
            }
        }
    }

    /// Whether the stop has come.
    pub fn stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Forgets what is in service: after `fork`, the parent's connections are not the child's to hang up on.
    ///
    /// Only what was used is touched: to write all of the table would copy its 32 pages into every child, which costs
    /// about as much as the fork itself.
    pub fn forget(&self) {
        for word in &self.live[..self.used.load(Ordering::Relaxed)] {
            word.store(0, Ordering::SeqCst);
        }
    }

    fn place(&self, fd: RawFd) -> Option<(&AtomicU64, u64)> {
        let fd = usize::try_from(fd).ok()?;
        Some((self.live.get(fd / 64)?, 1 << (fd % 64)))
    }
}

impl<const WORDS: usize> Default for Registry<WORDS> {
    fn default() -> Self {
        Registry::new()
    }
}

#[cfg(not(loom))]
pub use process::{InService, Stop};

/// The signals, and the one registry of the process: signals belong to a process, so these are statics.
#[cfg(not(loom))]
mod process {
    use std::io;
    use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};
    use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
    use std::time::Duration;

    use nix::errno::Errno;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use nix::sys::eventfd::{EfdFlags, EventFd};
    use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
    use nix::sys::socket::{Shutdown as Half, shutdown};

    use super::{LAST_WORDS, Registry};
    use crate::core::trace::monotonic_ns;

    /// A million descriptors, the kernel's own default ceiling (`fs.nr_open`), in 128 KiB that cost nothing until used.
    static REGISTRY: Registry<{ (1 << 20) / 64 }> = Registry::new();
    /// The listening sockets; `prefork-reuseport` has one per child.
    static LISTENERS: [AtomicI32; 256] = [const { AtomicI32::new(-1) }; 256];
    static WAKE: AtomicI32 = AtomicI32::new(-1);
    /// When the stop came, `CLOCK_MONOTONIC` nanoseconds; 0 before.
    static SINCE: AtomicU64 = AtomicU64::new(0);

    /// The handle on the stop of this process. All handles are one.
    #[derive(Debug, Clone, Copy)]
    pub struct Stop(());

    impl Stop {
        /// Installs the handlers for SIGTERM and SIGINT.
        ///
        /// # Errors
        /// When the process has no descriptor left for the eventfd.
        pub fn install() -> io::Result<Stop> {
            renew_eventfd()?;
            // Whoever started us may have had them blocked, and that is inherited.
            SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]).thread_unblock()?;
            for signal in [Signal::SIGTERM, Signal::SIGINT] {
                // No SA_RESTART: a call that waits returns EINTR, and whoever made it looks at the flag.
                let action =
                    SigAction::new(SigHandler::Handler(on_signal), SaFlags::empty(), SigSet::empty());
                // SAFETY: the handler does only what signal-safety(7) allows.
                unsafe { sigaction(signal, &action)? };
            }
            Ok(Stop(()))
        }

        /// Whether the stop has come.
        #[must_use]
        pub fn requested(self) -> bool {
            REGISTRY.stopping()
        }

        /// Whether the stop came so long ago that nobody who is still being answered is waited for.
        #[must_use]
        pub fn is_overdue(self) -> bool {
            let since = SINCE.load(Ordering::SeqCst);
            since != 0 && monotonic_ns() - since >= LAST_WORDS.as_nanos() as u64
        }

        /// Stops from within, as a signal would.
        pub fn request(self) {
            stop();
        }

        /// A descriptor that is readable once the stop has come, for loops that wait in `poll` and its kin.
        #[must_use]
        pub fn fd(self) -> BorrowedFd<'static> {
            // SAFETY: the eventfd of `install` is never closed, except by `become_worker`, which replaces it.
            unsafe { BorrowedFd::borrow_raw(WAKE.load(Ordering::SeqCst)) }
        }

        /// Waits for so long, or until the stop comes.
        pub fn rest(self, time: Duration) {
            let timeout = PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX);
            // EINTR is the stop itself, or nothing of ours: in both cases the caller looks again.
            let _ = poll(&mut [PollFd::new(self.fd(), PollFlags::POLLIN)], timeout);
        }

        /// The stop shall close this listening socket.
        ///
        /// # Errors
        /// When there are too many of them.
        pub(crate) fn watch_listener(self, fd: RawFd) -> io::Result<()> {
            let free = LISTENERS.iter().any(|listener| {
                listener.compare_exchange(-1, fd, Ordering::SeqCst, Ordering::SeqCst).is_ok()
            });
            if !free {
                return Err(io::Error::other(format!("at most {} listening sockets", LISTENERS.len())));
            }
            if self.requested() {
                let _ = shutdown(fd, Half::Both);
            }
            Ok(())
        }

        /// The stop shall wake whoever reads from `connection`, until the guard is dropped; `None` when it has come.
        #[must_use]
        pub fn enter(self, connection: &impl AsFd) -> Option<InService> {
            let fd = connection.as_fd().as_raw_fd();
            REGISTRY.enter(fd).then_some(InService(fd))
        }

        /// In a process just forked: its parent's listening sockets, connections and eventfd are not its own to stop.
        ///
        /// # Errors
        /// When the process has no descriptor left for an eventfd of its own.
        pub fn become_worker(self) -> io::Result<()> {
            for listener in &LISTENERS {
                listener.store(-1, Ordering::SeqCst);
            }
            REGISTRY.forget();
            renew_eventfd()
        }
    }

    /// While it lives, the stop wakes the connection it was made for. Drop it before the connection is closed.
    #[derive(Debug)]
    pub struct InService(RawFd);

    impl Drop for InService {
        fn drop(&mut self) {
            REGISTRY.leave(self.0);
        }
    }

    fn renew_eventfd() -> io::Result<()> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let eventfd = OwnedFd::from(EventFd::from_value_and_flags(0, flags)?);
        WAKE.store(eventfd.into_raw_fd(), Ordering::SeqCst);
        if REGISTRY.stopping() {
            stop();
        }
        Ok(())
    }

    extern "C" fn on_signal(signal: i32) {
        let errno = Errno::last_raw(); // the code we interrupt may be about to read it
        if REGISTRY.stopping() && signal == Signal::SIGINT as i32 {
            // A second Ctrl-C: whoever presses it does not want to wait. The children die with us (see `process`).
            // SAFETY: _exit(2) is async-signal-safe.
            unsafe { nix::libc::_exit(130) };
        }
        stop();
        Errno::set_raw(errno);
    }

    fn stop() {
        // clock_gettime(2) is async-signal-safe.
        let _ = SINCE.compare_exchange(0, monotonic_ns(), Ordering::SeqCst, Ordering::SeqCst);
        REGISTRY.stop(|connection| {
            let _ = shutdown(connection, Half::Read);
        });
        for listener in &LISTENERS {
            let fd = listener.load(Ordering::SeqCst);
            if fd >= 0 {
                let _ = shutdown(fd, Half::Both);
            }
        }
        let wake = WAKE.load(Ordering::SeqCst);
        if wake >= 0 {
            // SAFETY: the descriptor is our eventfd, which is never closed before it is replaced.
            let _ = nix::unistd::write(unsafe { BorrowedFd::borrow_raw(wake) }, &1u64.to_ne_bytes());
        }
    }
}
