//! A service's own clock: a thread that calls it when its deadline has come.
//!
//! ```text
//!   Service::start(timer) ──► timer.arm() ──► the thread sleeps until Service::deadline()
//!                                  ▲                         └──► Service::handle_timeout(now) ──┐
//!                                  └── whenever the deadline may have come nearer ◄──────────────┘
//! ```
//!
//! A model calls a service when a client speaks and at no other time. Leases, heartbeats and rounds of notifications need a clock
//! of their own. Most services have none: the thread begins with the first [`arm`](Timer::arm), after the forks.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Instant;

/// What has a deadline: every service.
pub trait Timed: Send + Sync {
    /// When [`handle_timeout`](Timed::handle_timeout) is to be called next.
    fn deadline(&self) -> Option<Instant>;

    /// The deadline has come.
    fn handle_timeout(&self, now: Instant);
}

/// Tells the thread that the deadline has changed. All clones are one.
#[derive(Clone, Default)]
pub struct Timer {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    service: Option<Weak<dyn Timed>>,
    is_running: bool,
    was_armed: bool,
    has_ended: bool,
}

impl Timer {
    /// A timer for this service.
    pub(crate) fn new(service: &Arc<dyn Timed>) -> Timer {
        let timer = Timer::default();
        timer.shared.state().service = Some(Arc::downgrade(service));
        timer
    }

    /// The service's deadline may have come nearer. Cheap, and may be called under the service's own lock.
    pub fn arm(&self) {
        let mut state = self.shared.state();
        state.was_armed = true;
        if !state.is_running && !state.has_ended {
            let Some(service) = state.service.clone() else { return };
            let shared = Arc::clone(&self.shared);
            let started = thread::Builder::new().name("timer".into()).spawn(move || shared.run(&service));
            state.is_running = started.is_ok();
            if let Err(error) = started {
                tracing::warn!("no thread for the service's timer: {error}");
            }
        }
        drop(state);
        self.shared.changed.notify_one();
    }

    /// The thread ends, soon.
    pub(crate) fn end(&self) {
        self.shared.state().has_ended = true;
        self.shared.changed.notify_one();
    }
}

impl Shared {
    fn run(&self, service: &Weak<dyn Timed>) {
        loop {
            let mut state = self.state();
            if state.has_ended {
                return;
            }
            state.was_armed = false;
            drop(state);
            let Some(service) = service.upgrade() else { return };
            // Asked without our lock: the service takes its own.
            let deadline = service.deadline();
            let now = Instant::now();
            if deadline.is_some_and(|deadline| deadline <= now) {
                service.handle_timeout(now);
                continue;
            }
            drop(service);
            let mut state = self.state();
            while !state.was_armed && !state.has_ended {
                let Some(deadline) = deadline else {
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                    continue;
                };
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
