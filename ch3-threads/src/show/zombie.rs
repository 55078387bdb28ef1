#![expect(unsafe_code, reason = "a signal handler is unsafe to install")]
//! Zombies: children that have ended and whose parent never asked how; and three parents.
//!
//! Lab text, "Signals", number 5: the reaper, and `ps x` after a client has closed its connection.
//!
//! ```text
//!  child   runs ── exit ──┐ zombie (Z): memory and files are gone, the row with its exit status stays
//!  kernel                 ├ SIGCHLD to the parent
//!  parent                 └────── handler: wait(WNOHANG) until there is nothing more ── the row is gone
//! ```
//!
//! What wait(WNOHANG) answers, and what the loop around it must do:
//!
//! ```text
//!   > 0   a zombie, now reaped          go on: one signal may stand for many children (it is not counted)
//!     0   children live, none has ended stop, and this is where the lab's `while (wait3(…) >= 0)` goes on
//!    -1   ECHILD: no children           stop
//! ```
//!
//! With two clients, one of whom leaves, the lab's server sits in its handler at 100 % CPU until the other leaves too,
//! and serves nobody. The condition must be `> 0`. A test with a single client never sees the bug.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use nix::errno::Errno;
use nix::libc;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, sigaction};
use nix::sys::wait::{Id, WaitPidFlag, waitid, waitpid};
use nix::unistd::{Pid, getpid};

use super::child::{self, Child};
use super::narrate::say;
use super::process_table::{HEAD, Row};

/// Zombies: a parent without a reaper, with the lab's, and with the right one
///
/// Look at the STAT column: `Z` is a child that has ended and is still in the table. Then at the number of calls of
/// wait: the lab's reaper calls it for as long as another child lives.
///
/// The question: why `> 0` and not `>= 0`, and why a loop at all?
#[derive(Args, Debug, Clone, Copy)]
#[command(after_help = "Example:\n  cargo ch3 show zombie --children 5")]
pub struct ZombieArgs {
    /// How many children (of clients that are being served) each parent has
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(2..=50))]
    children: u16,
}

/// Runs the demonstration.
pub fn run(args: ZombieArgs) -> anyhow::Result<()> {
    let mut out = common::support::cli::stdout();
    for reaper in [Reaper::None, Reaper::Lab, Reaper::Right] {
        writeln!(out, "{}", reaper.title())?;
        parent(reaper, args.children).with_context(|| reaper.title())?;
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Reaper {
    None,
    Lab,
    Right,
}

impl Reaper {
    fn title(self) -> &'static str {
        match self {
            Reaper::None => "== no reaper: SIGCHLD is ignored by default, nobody waits",
            Reaper::Lab => "== the lab's reaper: while (wait3(&status, WNOHANG, 0) >= 0)",
            Reaper::Right => "== the right reaper: while (wait3(&status, WNOHANG, 0) > 0)",
        }
    }

    fn action(self) -> SigAction {
        let handler = match self {
            Reaper::None => SigHandler::SigDfl,
            Reaper::Lab => SigHandler::Handler(lab_reaper),
            Reaper::Right => SigHandler::Handler(right_reaper),
        };
        SigAction::new(handler, SaFlags::SA_RESTART, SigSet::empty())
    }
}

/// A parent whose first client leaves, and then all the others at once.
fn parent(reaper: Reaper, count: u16) -> anyhow::Result<()> {
    [&RUNS, &CALLS, &REAPED].iter().for_each(|counter| counter.store(0, SeqCst));
    CUT_SHORT.store(false, SeqCst);
    // SAFETY: both reapers only call what signal-safety(7) allows, and keep errno.
    let before = unsafe { sigaction(Signal::SIGCHLD, &reaper.action()) }?;
    // Blocked except while we wait for it: so the handler runs where the demonstration says, and not anywhere.
    let mask = SigSet::from(Signal::SIGCHLD).thread_swap_mask(SigmaskHow::SIG_BLOCK)?;

    let mut clients =
        (1..=count).map(|number| serve(&format!("client {number}"))).collect::<io::Result<Vec<_>>>()?;
    let others = clients.split_off(1);
    leave(&clients, reaper, mask)?;
    print_table("the first client has left", clients.iter().chain(&others))?;
    if reaper == Reaper::Lab && CUT_SHORT.load(SeqCst) {
        println_result(&format!(
            "the handler called wait {} times in {CPU_LIMIT:?} of CPU time and was stopped by us: the lab's never returns",
            CALLS.load(SeqCst)
        ))?;
    }
    leave(&others, reaper, mask)?;
    print_table("all clients have left", clients.iter().chain(&others))?;
    let zombies = clients.iter().chain(&others).filter(|client| is_zombie(client.child.pid())).count();
    println_result(&format!(
        "children: {count}, zombies: {zombies}, reaped by the handler: {}, handler runs: {}, calls of wait: {}\n",
        REAPED.load(SeqCst),
        RUNS.load(SeqCst),
        CALLS.load(SeqCst)
    ))?;

    for client in clients.into_iter().chain(others) {
        // Without a reaper the rows go now; at the latest they go with the parent, when init waits for its orphans.
        if reaper == Reaper::None {
            client.child.wait()?;
        } else {
            client.child.was_reaped();
        }
    }
    mask.thread_set_mask()?;
    // SAFETY: puts back what was there.
    unsafe { sigaction(Signal::SIGCHLD, &before) }?;
    Ok(())
}

/// A child that serves one client until the client hangs up, and the client's end of the connection.
struct Client {
    child: Child,
    connection: UnixStream,
}

fn serve(name: &str) -> io::Result<Client> {
    let (connection, mut served) = UnixStream::pair()?;
    let child = child::spawn(name, || {
        // The client's one byte is its good-bye. An end of file would not do: later children hold copies of our end.
        served.read_exact(&mut [0])?;
        say!("its client has left, it ends");
        Ok(())
    })?;
    Ok(Client { child, connection })
}

/// Lets these clients leave, waits until each of their children has ended, then lets the handler run.
fn leave(clients: &[Client], reaper: Reaper, mask: SigSet) -> anyhow::Result<()> {
    for client in clients {
        (&client.connection).write_all(b"x")?;
        // WNOWAIT: only look. The child stays in the table.
        while let Err(error) =
            waitid(Id::Pid(client.child.pid()), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT)
        {
            anyhow::ensure!(error == Errno::EINTR, error);
        }
    }
    if reaper != Reaper::None {
        // Unblocks and sleeps in one step: a signal that came in between is not missed.
        mask.suspend()?;
    }
    Ok(())
}

fn print_table<'a>(title: &str, clients: impl Iterator<Item = &'a Client>) -> anyhow::Result<()> {
    let mut out = common::support::cli::stdout();
    writeln!(out, "{title}:\n{HEAD}")?;
    for pid in [getpid()].into_iter().chain(clients.map(|client| client.child.pid())) {
        match Row::of(pid) {
            Some(row) => writeln!(out, "{row}")?,
            None => writeln!(out, "{pid:>7}    gone")?,
        }
    }
    Ok(())
}

fn println_result(line: &str) -> io::Result<()> {
    writeln!(common::support::cli::stdout(), "{line}")
}

fn is_zombie(pid: Pid) -> bool {
    Row::of(pid).is_some_and(|row| row.state == 'Z')
}

/// How long the lab's reaper may spin before we stop it.
const CPU_LIMIT: Duration = Duration::from_millis(100);

// A handler may use atomics and little else.
static RUNS: AtomicU64 = AtomicU64::new(0);
static CALLS: AtomicU64 = AtomicU64::new(0);
static REAPED: AtomicU64 = AtomicU64::new(0);
static CUT_SHORT: AtomicBool = AtomicBool::new(false);

extern "C" fn right_reaper(_signal: libc::c_int) {
    // A handler interrupts any line of the program, between a failed call and its look at errno too.
    let errno = Errno::last_raw();
    RUNS.fetch_add(1, SeqCst);
    while wait_without_blocking() > 0 {}
    Errno::set_raw(errno);
}

extern "C" fn lab_reaper(_signal: libc::c_int) {
    let errno = Errno::last_raw();
    RUNS.fetch_add(1, SeqCst);
    let end = cpu_time().saturating_add(CPU_LIMIT);
    while wait_without_blocking() >= 0 {
        if cpu_time() >= end {
            CUT_SHORT.store(true, SeqCst);
            break;
        }
    }
    Errno::set_raw(errno);
}

/// `wait3(&status, WNOHANG, 0)` as in C: the pid of the child that was reaped, 0 when all still live, -1 when there is none.
fn wait_without_blocking() -> libc::pid_t {
    CALLS.fetch_add(1, SeqCst);
    match waitpid(None, Some(WaitPidFlag::WNOHANG)).map(|status| status.pid()) {
        Ok(Some(pid)) => {
            REAPED.fetch_add(1, SeqCst);
            pid.as_raw()
        }
        Ok(None) => 0,
        Err(_) => -1,
    }
}

/// What this process has used of the CPU. On Linux getrusage is a plain system call, so a handler may make it.
fn cpu_time() -> Duration {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else { return Duration::MAX };
    [usage.user_time(), usage.system_time()]
        .iter()
        .map(|t| Duration::from_micros((t.tv_sec() * 1_000_000 + t.tv_usec()).unsigned_abs()))
        .sum()
}
