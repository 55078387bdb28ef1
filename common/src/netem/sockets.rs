//! What both carriers do alike with their sockets.

use std::io::{self, ErrorKind};
use std::time::Duration;

use nix::poll::{PollFd, ppoll};
use nix::sys::time::TimeSpec;

/// Waits until a descriptor is ready, a signal comes or the time is over. `None`: for ever.
pub(super) fn wait(descriptors: &mut [PollFd<'_>], timeout: Option<Duration>) -> io::Result<()> {
    match ppoll(descriptors, timeout.map(TimeSpec::from_duration), None) {
        Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether `error` only says that there is nothing to do now.
pub(super) fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
