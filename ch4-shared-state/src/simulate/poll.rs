//! What every crowd needs of the system: descriptors, connections, `epoll(7)`, and a timer that it can wait for.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

use anyhow::{Context, bail};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

/// How long a server may take to answer who comes.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// The key of the timer; those of connections are the crowd's to choose.
const TIMER: u64 = u64::MAX;

/// The connections that are listened to, and a timer.
pub struct Poll {
    epoll: Epoll,
    timer: TimerFd,
}

impl Poll {
    /// Listens to nothing yet.
    ///
    /// # Errors
    /// What `epoll_create1(2)` and `timerfd_create(2)` say.
    pub fn new() -> anyhow::Result<Poll> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        epoll.add(&timer, EpollEvent::new(EpollFlags::EPOLLIN, TIMER))?;
        Ok(Poll { epoll, timer })
    }

    /// Listens to a connection, for as long as it is open.
    ///
    /// # Errors
    /// What `epoll_ctl(2)` says.
    pub fn listen(&self, stream: impl AsFd, key: u64) -> io::Result<()> {
        Ok(self.epoll.add(stream, EpollEvent::new(EpollFlags::EPOLLIN, key))?)
    }

    /// Says when there is room, too, or no longer.
    ///
    /// # Errors
    /// What `epoll_ctl(2)` says.
    pub fn await_room(&self, stream: impl AsFd, key: u64, wanted: bool) -> io::Result<()> {
        let mut flags = EpollFlags::EPOLLIN;
        flags.set(EpollFlags::EPOLLOUT, wanted);
        Ok(self.epoll.modify(stream, &mut EpollEvent::new(flags, key))?)
    }

    /// Ends a wait in so long at the latest.
    ///
    /// # Errors
    /// What `timerfd_settime(2)` says.
    pub fn wake_in(&self, wait: Duration) -> io::Result<()> {
        let wait = TimeSpec::from_duration(wait.max(Duration::from_nanos(1)));
        Ok(self.timer.set(Expiration::OneShot(wait), TimerSetTimeFlags::empty())?)
    }

    /// Waits until something happens, or so many milliseconds: what has happened is at the front of `events`.
    ///
    /// # Errors
    /// What `epoll_wait(2)` says.
    pub fn wait<'a>(&self, events: &'a mut [EpollEvent], milliseconds: u8) -> io::Result<&'a [EpollEvent]> {
        let count = match self.epoll.wait(events, EpollTimeout::from(milliseconds)) {
            Ok(count) => count,
            Err(Errno::EINTR) => 0,
            Err(error) => return Err(error.into()),
        };
        let happened = &events[..count];
        if happened.iter().any(|event| event.data() == TIMER) {
            self.timer.unset()?; // silent until it is set again
        }
        Ok(happened)
    }
}

/// Whether this is the timer, which has done its work by ending the wait.
#[must_use]
pub fn is_timer(event: &EpollEvent) -> bool {
    event.data() == TIMER
}

/// Connects and waits for it: on one machine a server whose queue has room answers at once.
///
/// # Errors
/// Nobody listens there.
pub fn connect(target: SocketAddr) -> anyhow::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&target, PATIENCE)
        .with_context(|| format!("nobody listens at {target}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Lets this process have so many descriptors.
///
/// # Errors
/// It may not have them.
pub fn allow_descriptors(count: usize) -> anyhow::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < count as u64 {
        if hard < count as u64 {
            bail!("{count} descriptors are needed, and this process may have {hard} (ulimit -Hn)");
        }
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(())
}
