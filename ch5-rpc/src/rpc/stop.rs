//! The stop of the process, SIGTERM or Ctrl-C, for a runtime.

use std::fs::File;
use std::io;

use common::core::stop::Stop;
use tokio::net::unix::pipe;

/// Waits for the stop. Call it inside the runtime.
///
/// The stop's descriptor is an eventfd, and the runtime waits for it as for a pipe: both are readable, or not.
///
/// # Errors
/// No descriptor is left.
pub fn requested(stop: Stop) -> io::Result<impl Future<Output = ()> + Send> {
    let file = File::from(stop.fd().try_clone_to_owned()?);
    let readable = pipe::Receiver::from_file_unchecked(file)?;
    Ok(async move {
        while !stop.requested() {
            // An error would be one of epoll itself; there is nothing better to wait for.
            if readable.readable().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    })
}
