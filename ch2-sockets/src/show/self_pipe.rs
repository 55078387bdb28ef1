#![expect(unsafe_code, reason = "sigaction(2) takes a handler only in an unsafe call")]
//! The race between a signal and `select`, and three ways to wait for both.
//!
//! csdesign, "Self-pipe trick": a technique to avoid race conditions with `select`.
//!
//! ```text
//!   naive                        self-pipe                          ppoll, pselect
//!   while !flag {                handler: flag = true;              block the signal
//!                ◄── signal               write(pipe, "x")          while !flag {
//!     select(…)   sleeps on      select(…, pipe, …)                      ppoll(…, mask)   unblocks and sleeps in ONE
//!   }                            the byte is there, whenever             ◄── signal       step, so EINTR
//!                                it was written                     }
//! ```
//!
//! A signal that comes while `select` sleeps ends it with EINTR. One that comes after the check and before the sleep has
//! had its handler run already: the flag is set, and `select` sleeps with nobody left to wake it. The gap is a few
//! instructions wide, so a server loses its SIGTERM once in a million, in production. Here the signal is raised in the
//! gap, by the program itself, each time.
//!
//! The pipe must not block: a handler that waits for room in it waits for the very program it has interrupted. A full
//! pipe is no loss, because a byte that is already there says the same.
//!
//! signalfd(2) is the self-pipe made by the kernel. Our servers have the trick itself, with an eventfd(2) for a pipe: see
//! `common::core::stop`.

use std::fs;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use common::support::cli::within;
use common::support::count::count;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll, ppoll};
use nix::sys::select::{FdSet, select};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, kill, raise, sigaction};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::time::{TimeSpec, TimeVal, TimeValLike};
use nix::unistd::{Pid, getpid, gettid, pipe2, read, write};

/// A signal between the check and select: lost, and three ways not to lose it
///
/// Look at the right column: whoever slept until the timeout has not noticed a signal that had already come.
///
/// The question: a handler sets a flag, and the loop looks at the flag before it sleeps. What is wrong with that?
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cargo ch2 show self-pipe")]
pub struct SelfPipeArgs {
    /// How long each sleeps if nothing wakes it
    #[arg(long, default_value = "300ms", value_name = "TIME", value_parser = common::support::cli::duration)]
    timeout: Duration,
    /// Signals in a row that fill the pipe
    #[arg(long, default_value_t = 100_000, value_name = "COUNT", value_parser = within(0..=1_000_000_000u32))]
    flood: u32,
}

#[derive(Debug, Clone, Copy)]
enum WaitMethod {
    Naive,
    SelfPipe,
    Ppoll,
    SignalFd,
}

/// When the signal comes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Moment {
    WhileAsleep,
    BetweenCheckAndSleep,
}

const SIGNAL: Signal = Signal::SIGUSR1;

/// Runs the demonstration.
pub fn run(args: &SelfPipeArgs) -> anyhow::Result<()> {
    install()?;
    let mut out = common::support::cli::stdout();
    writeln!(out, "{:<22} {:<38} between the check and the sleep", "", "the signal comes while it sleeps")?;
    for (method, title) in [
        (WaitMethod::Naive, "flag and select"),
        (WaitMethod::SelfPipe, "self-pipe and select"),
        (WaitMethod::Ppoll, "ppoll with a mask"),
        (WaitMethod::SignalFd, "signalfd and poll"),
    ] {
        let asleep = attempt(method, Moment::WhileAsleep, args.timeout)?;
        let between = attempt(method, Moment::BetweenCheckAndSleep, args.timeout)?;
        writeln!(out, "{title:<22} {asleep:<38} {between}")?;
    }
    flood(args.flood)
}

/// One sleep and one signal: what woke it, and after how long.
fn attempt(method: WaitMethod, moment: Moment, timeout: Duration) -> anyhow::Result<String> {
    FLAG.store(false, SeqCst);
    let waiter = Waiter::new(method)?;
    let begun = Instant::now();
    let woken = thread::scope(|scope| -> anyhow::Result<Woken> {
        // A raise comes at the moment it is made; for one that comes during the sleep, somebody else has to be awake.
        let main = gettid();
        let waker = (moment == Moment::WhileAsleep).then(|| scope.spawn(move || wake_when_asleep(main)));
        let checked = FLAG.load(SeqCst);
        assert!(!checked, "no signal has been sent yet");
        if moment == Moment::BetweenCheckAndSleep {
            raise(SIGNAL)?;
        }
        let woken = waiter.sleep(timeout);
        if let Some(waker) = waker {
            waker.join().expect("it has nothing to panic of")?;
        }
        Ok(woken?)
    })?;
    let after = begun.elapsed().as_millis();
    Ok(match woken {
        Woken::NotAtAll if FLAG.load(SeqCst) => format!("LOST: slept on for {after} ms, flag set"),
        Woken::NotAtAll => format!("LOST: slept on for {after} ms"),
        Woken::Interrupted => format!("woken by EINTR after {after} ms"),
        Woken::Readable => format!("woken, readable, after {after} ms"),
    })
}

enum Woken {
    NotAtAll,
    Interrupted,
    Readable,
}

/// What a method waits in. Dropped, it leaves the signal as it was: handled, not blocked.
enum Waiter {
    Naive,
    SelfPipe(SelfPipe),
    Ppoll(Blocked),
    SignalFd(SignalFd, Blocked),
}

impl Waiter {
    fn new(method: WaitMethod) -> nix::Result<Waiter> {
        Ok(match method {
            WaitMethod::Naive => Waiter::Naive,
            WaitMethod::SelfPipe => Waiter::SelfPipe(SelfPipe::new()?),
            WaitMethod::Ppoll => Waiter::Ppoll(Blocked::new()?),
            WaitMethod::SignalFd => {
                let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
                Waiter::SignalFd(SignalFd::with_flags(&SigSet::from(SIGNAL), flags)?, Blocked::new()?)
            }
        })
    }

    fn sleep(&self, timeout: Duration) -> nix::Result<Woken> {
        let milliseconds = i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX);
        let woken = match self {
            Waiter::Naive => select(0, None, None, None, &mut TimeVal::milliseconds(milliseconds)),
            Waiter::SelfPipe(pipe) => pipe.select(timeout),
            Waiter::Ppoll(_) => ppoll(&mut [], Some(TimeSpec::from_duration(timeout)), Some(SigSet::empty())),
            Waiter::SignalFd(fd, _) => {
                let timeout = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
                let woken = poll(&mut [PollFd::new(fd.as_fd(), PollFlags::POLLIN)], timeout);
                fd.read_signal()?; // takes it: else it would be delivered when it is unblocked
                woken
            }
        };
        match woken {
            Ok(0) => Ok(Woken::NotAtAll),
            Ok(_) => Ok(Woken::Readable),
            Err(Errno::EINTR) => Ok(Woken::Interrupted),
            Err(other) => Err(other),
        }
    }
}

/// While it lives, the signal is blocked: it waits until somebody unblocks it, or reads it from a signalfd.
struct Blocked;

impl Blocked {
    fn new() -> nix::Result<Blocked> {
        SigSet::from(SIGNAL).thread_block().map(|()| Blocked)
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        let _ = SigSet::from(SIGNAL).thread_unblock();
    }
}

/// The trick itself: while it lives, the handler writes into it.
struct SelfPipe {
    reading: OwnedFd,
    _writing: OwnedFd,
}

impl SelfPipe {
    fn new() -> nix::Result<SelfPipe> {
        let (reading, writing) = pipe2(OFlag::O_NONBLOCK | OFlag::O_CLOEXEC)?;
        PIPE.store(writing.as_raw_fd(), SeqCst);
        Ok(SelfPipe { reading, _writing: writing })
    }

    fn select(&self, timeout: Duration) -> nix::Result<libc::c_int> {
        let until = Instant::now() + timeout;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let mut readable = FdSet::new();
            readable.insert(self.reading.as_fd());
            let milliseconds = i64::try_from(left.as_millis()).unwrap_or(i64::MAX);
            match select(None, &mut readable, None, None, &mut TimeVal::milliseconds(milliseconds)) {
                // Interrupted, as select always is; but the byte is in the pipe, and the next call finds it.
                Err(Errno::EINTR) => {}
                done => {
                    self.drain()?;
                    return done;
                }
            }
        }
    }

    /// All of it: a byte that stays would wake the next select for nothing.
    fn drain(&self) -> nix::Result<usize> {
        let mut buffer = [0; 4096];
        let mut sum = 0;
        loop {
            match read(&self.reading, &mut buffer) {
                Ok(0) | Err(Errno::EAGAIN) => return Ok(sum),
                Ok(bytes) => sum += bytes,
                Err(Errno::EINTR) => {}
                Err(other) => return Err(other),
            }
        }
    }
}

impl Drop for SelfPipe {
    fn drop(&mut self) {
        // Before the descriptor is closed: its number may be another file's next.
        PIPE.store(-1, SeqCst);
    }
}

/// More signals than the pipe holds, and nobody reads: the handler must come back from each.
fn flood(signals: u32) -> anyhow::Result<()> {
    let pipe = SelfPipe::new()?;
    WRITTEN.store(0, SeqCst);
    REFUSED.store(0, SeqCst);
    for _ in 0..signals {
        raise(SIGNAL)?;
    }
    let (written, refused) = (WRITTEN.load(SeqCst), REFUSED.load(SeqCst));
    let read = pipe.drain()?;
    writeln!(
        common::support::cli::stdout(),
        "\na flood of {} into the pipe: {} written, {refused} refused (EAGAIN), {read} read; nobody waited",
        count(signals, "signal"),
        count(written, "byte")
    )?;
    Ok(())
}

/// Sends the signal once the thread `main` sleeps: seen twice, so that it is no short wait for something else.
fn wake_when_asleep(main: Pid) -> io::Result<()> {
    // A signal to a process goes to any thread that takes it. This one does not.
    SigSet::from(SIGNAL).thread_block()?;
    let mut seen = 0;
    while seen < 2 {
        thread::sleep(Duration::from_millis(2));
        let stat = fs::read_to_string(format!("/proc/self/task/{main}/stat"))?;
        // `pid (name) S …`; the name may have a parenthesis in it.
        let asleep = stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('S'));
        seen = if asleep { seen + 1 } else { 0 };
    }
    Ok(kill(getpid(), SIGNAL)?)
}

static FLAG: AtomicBool = AtomicBool::new(false);
static PIPE: AtomicI32 = AtomicI32::new(-1);
static WRITTEN: AtomicU32 = AtomicU32::new(0);
static REFUSED: AtomicU32 = AtomicU32::new(0);

fn install() -> nix::Result<()> {
    let action = SigAction::new(SigHandler::Handler(on_signal), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler does only what signal-safety(7) allows: atomics and write(2).
    unsafe { sigaction(SIGNAL, &action) }?;
    Ok(())
}

extern "C" fn on_signal(_signal: libc::c_int) {
    let errno = Errno::last_raw(); // the code we interrupt may be about to read it
    FLAG.store(true, SeqCst);
    let pipe = PIPE.load(SeqCst);
    if pipe >= 0 {
        // SAFETY: the pipe is taken out of PIPE before it is closed.
        match write(unsafe { BorrowedFd::borrow_raw(pipe) }, b"x") {
            Ok(_) => WRITTEN.fetch_add(1, SeqCst),
            Err(_) => REFUSED.fetch_add(1, SeqCst),
        };
    }
    Errno::set_raw(errno);
}
