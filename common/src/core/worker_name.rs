//! The name of a worker, thread or process: in the log, and in the trace.

use std::cell::RefCell;

thread_local! {
    static NAME: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Gives this thread a name that is not its own: in a process just forked, say.
pub fn name_worker(name: &str) {
    NAME.set(Some(name.to_owned()));
}

/// Gives this thread another name for the length of `speak`: for one who speaks for many, as the simulator for its clients.
pub fn speak_as(name: &str, speak: impl FnOnce()) {
    let before = NAME.replace(Some(name.to_owned()));
    speak();
    NAME.set(before);
}

/// The name of this thread.
#[must_use]
pub fn worker_name() -> String {
    NAME.with_borrow(Clone::clone)
        .unwrap_or_else(|| std::thread::current().name().unwrap_or("unnamed").to_owned())
}
