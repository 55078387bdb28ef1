//! What several models need and none of them owns.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{self, Scope};
use std::time::Duration;

use common::core::server::Server;
use common::core::workers::{cannot_start, thread_count};
use nix::poll::PollTimeout;

/// What a loop reads at once. One buffer serves all its connections.
pub const READ_AT_ONCE: usize = 64 * 1024;

/// Rounded up: a wait that ends a little too early would be made again and again.
pub fn poll_timeout(timeout: Duration) -> PollTimeout {
    PollTimeout::try_from(timeout + Duration::from_micros(999)).expect("a tick fits into poll's milliseconds")
}

/// Starts a named thread that works until `work` returns. If it dies instead, of a panic, that is said, and it begins
/// again: what it had in hand is lost, the thread is not.
///
/// When no thread can be made the server stops: whoever was made before must not be waited for in vain.
pub fn keep_working<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    server: &'env Server,
    name: String,
    work: impl Fn() + Send + 'scope,
) -> io::Result<()> {
    let worker = thread::Builder::new().name(name.clone());
    let name_of = name.clone();
    worker
        .spawn_scoped(scope, move || {
            while catch_unwind(AssertUnwindSafe(&work)).is_err() {
                server.counters.replaced.count();
                tracing::error!("{name} died; it is replaced");
            }
        })
        .map(drop)
        .map_err(|error| {
            server.stop.request();
            cannot_start(&name_of, &format!("this process has {} threads", thread_count()), &error)
        })
}
