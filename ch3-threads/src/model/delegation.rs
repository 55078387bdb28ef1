//! Four fixed threads, and workers on demand: the notes' other combination. Main accepts; a manager each for receiving,
//! handling and sending makes a thread for every task it is given.
//!
//! ```text
//!   main: accept ──► [ to receive ] ──► receiver-manager ──► thread: read until a request is whole
//!                          ▲                                                │
//!                          │           request-manager  ◄── [ to handle ] ◄─┘
//!                          │                 └──► thread: do the work
//!                          │                                │
//!                          │           sender-manager   ◄── [ to send ] ◄───┘
//!                          └─────────────────┴──► thread: write
//! ```
//!
//! - **Accepts:** the main thread. **Answers:** three threads, one after the other, made for this request alone.
//! - **Waits in:** managers in `pop`; a receiver's thread in `recv(2)`.
//! - **The price:** three threads made and ended per request.
//! - **Differs from `pipeline`:** an idle client holds a thread, but never one that another client needs.

use std::io;
use std::thread::{self, Scope};

use common::core::listener::Listener;
use common::core::queue::Queue;
use common::core::server::Server;

use super::helpers::keep_working;
use super::job::{self, Job};
use super::semaphore::Semaphore;

/// Runs the four threads until the stop.
pub fn run(server: &Server, listener: &Listener) -> io::Result<()> {
    let capacity = server.limits.connections;
    let permits = Semaphore::new(capacity);
    let to_receive: Queue<Job> = Queue::new(capacity);
    let to_handle: Queue<Job> = Queue::new(capacity);
    let to_send: Queue<Job> = Queue::new(capacity);
    thread::scope(|scope| {
        let (to_receive, to_handle, to_send) = (&to_receive, &to_handle, &to_send);
        let receiver = || {
            keep_working(scope, server, "receiver-manager".into(), move || {
                while let Some(job) = to_receive.pop() {
                    delegate(scope, server, "receiver", move || job::receive(server, job, to_handle));
                }
            })
        };
        let handler = || {
            keep_working(scope, server, "request-manager".into(), move || {
                while let Some(mut job) = to_handle.pop() {
                    delegate(scope, server, "handler", move || {
                        job.connection.handle();
                        job::pass_on(job, to_send);
                    });
                }
            })
        };
        let sender = || {
            keep_working(scope, server, "sender-manager".into(), move || {
                while let Some(job) = to_send.pop() {
                    delegate(scope, server, "sender", move || job::send(server, job, to_receive));
                }
            })
        };
        let spawned = receiver().and_then(|()| handler()).and_then(|()| sender());
        let accepted = spawned.and_then(|()| job::accept(server, listener, &permits, to_receive));
        server.stop.request();
        permits.wait_until_all_free();
        to_receive.close();
        to_handle.close();
        to_send.close();
        accepted
    })
}

/// Makes a thread for one task. Where there is none left the task is dropped, and its connection with it.
fn delegate<'scope>(
    scope: &'scope Scope<'scope, '_>,
    server: &Server,
    role: &str,
    task: impl FnOnce() + Send + 'scope,
) {
    if let Err(error) = thread::Builder::new().name(role.to_owned()).spawn_scoped(scope, task) {
        server.counters.refused.count();
        tracing::warn!("a client is disconnected: no thread for its {role}: {error}");
    }
}
