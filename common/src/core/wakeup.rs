//! A connection that was accepted, with what its blocking driver is woken by: an eventfd beside the socket.

use std::io;
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::core::outbox::Outbox;
use crate::core::service::Peer;
use crate::core::work::AnyService;

/// A connection that was accepted and is not served yet.
#[derive(Debug)]
pub struct Connected {
    /// Its socket.
    pub stream: TcpStream,
    /// Its other end.
    pub peer: Peer,
    /// What wakes its driver for pushed bytes.
    pub wakeup: Wakeup,
}

/// Wakes a blocking driver when bytes are pushed to its client. Empty for a service that never pushes: nobody else pays for the
/// descriptor and the extra call.
#[derive(Debug)]
pub struct Wakeup(Option<Arc<EventFd>>);

impl Wakeup {
    /// What a connection of this service needs.
    ///
    /// # Errors
    /// `EMFILE` when no descriptor is left.
    pub fn for_service(service: &dyn AnyService) -> io::Result<Wakeup> {
        if service.outbox().is_none() {
            return Ok(Wakeup(None));
        }
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        Ok(Wakeup(Some(Arc::new(EventFd::from_flags(flags)?))))
    }

    /// From now on it is woken by `outbox`.
    pub(crate) fn listen_to(&self, outbox: &Outbox) {
        if let Some(eventfd) = &self.0 {
            let eventfd = Arc::clone(eventfd);
            // It can fail only when the counter is at its maximum: then the reader is about to be woken anyway.
            outbox.wake_with(move || {
                let _ = eventfd.write(1);
            });
        }
    }

    /// The descriptor that becomes readable.
    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.0.as_ref().map(|eventfd| eventfd.as_fd())
    }

    /// Not readable until it is woken again.
    pub(crate) fn reset(&self) {
        if let Some(eventfd) = &self.0 {
            let _ = eventfd.read();
        }
    }
}
