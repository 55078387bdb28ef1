//! What an event loop waits in: epoll for the sockets, a heap for the deadlines, and one timer that stands for the
//! earliest of them.
//!
//! epoll itself counts in milliseconds and lets a thread sleep 50 µs longer than asked (timer slack). An open loop at
//! 100 000 requests/s has 10 µs between two requests, so the loop sleeps on a timerfd, which has neither flaw.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::net::TcpStream;
use std::time::Duration;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use crate::core::trace::monotonic_ns;

/// No deadline.
pub const NEVER: u64 = u64::MAX;
/// What epoll calls the timer; a client it calls by its number.
pub(super) const TIMER: u64 = u64::MAX;
/// Nearer deadlines are waited for awake: a timer costs more than that.
const AWAKE_NS: u64 = 3_000;

pub(super) struct Poll {
    epoll: Epoll,
    timer: TimerFd,
    /// For when the timer is set.
    armed_ns: u64,
    heap: BinaryHeap<Reverse<(u64, u32)>>,
    /// The deadline of each client. An entry of the heap that differs from it is out of date and skipped: that is
    /// cheaper than finding it in the heap to take it out.
    deadlines: Vec<u64>,
}

impl Poll {
    /// For the clients `0..clients`.
    pub(super) fn new(clients: usize) -> io::Result<Poll> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let timer =
            TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK)?;
        // Edge-triggered: setting the timer again clears it, so nobody needs to read it.
        epoll.add(&timer, EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLET, TIMER))?;
        Ok(Poll {
            epoll,
            timer,
            armed_ns: NEVER,
            heap: BinaryHeap::with_capacity(clients),
            deadlines: vec![NEVER; clients],
        })
    }

    /// Watches a new socket. Closing it ends that by itself, but not at once where another thread starts a process:
    /// between fork and exec that process holds copies of our sockets, and epoll(7) goes on reporting them. So a client
    /// may be called once it is gone.
    pub(super) fn watch(&self, stream: &TcpStream, client: usize, interest: EpollFlags) -> io::Result<()> {
        Ok(self.epoll.add(stream, EpollEvent::new(interest, client as u64))?)
    }

    /// Watches for something else from now on.
    pub(super) fn change(&self, stream: &TcpStream, client: usize, interest: EpollFlags) -> io::Result<()> {
        Ok(self.epoll.modify(stream, &mut EpollEvent::new(interest, client as u64))?)
    }

    /// The client wants to be called at `at_ns`, and not at the time it said before. [`NEVER`] takes it back.
    pub(super) fn set_deadline(&mut self, client: usize, at_ns: u64) {
        self.deadlines[client] = at_ns;
        if at_ns != NEVER {
            self.heap.push(Reverse((at_ns, client as u32)));
        }
    }

    /// The next client whose deadline has passed.
    pub(super) fn pop_due(&mut self, now_ns: u64) -> Option<usize> {
        if self.next_deadline() > now_ns {
            return None;
        }
        let Reverse((_, client)) = self.heap.pop()?;
        self.deadlines[client as usize] = NEVER;
        Some(client as usize)
    }

    /// Waits until a socket is ready, until the nearest of the deadlines and `also_ns`, or for `most`.
    /// Returns how many events there are.
    pub(super) fn wait(
        &mut self,
        events: &mut [EpollEvent],
        also_ns: u64,
        most: Duration,
    ) -> io::Result<usize> {
        let deadline_ns = self.next_deadline().min(also_ns);
        let mut most_ms = most.as_millis().min(1000) as u16;
        if deadline_ns != NEVER {
            let now_ns = monotonic_ns();
            if deadline_ns <= now_ns + AWAKE_NS {
                most_ms = 0;
            } else if deadline_ns < self.armed_ns || self.armed_ns <= now_ns {
                // A timer set for earlier is left alone: one wake-up for nothing is cheaper than setting it each turn.
                let at = TimeSpec::from_duration(Duration::from_nanos(deadline_ns));
                self.timer.set(Expiration::OneShot(at), TimerSetTimeFlags::TFD_TIMER_ABSTIME)?;
                self.armed_ns = deadline_ns;
            }
        }
        match self.epoll.wait(events, EpollTimeout::from(most_ms)) {
            Ok(ready) => Ok(ready),
            // A signal: the loop looks at the flag that its handler set.
            Err(nix::Error::EINTR) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    fn next_deadline(&mut self) -> u64 {
        while let Some(Reverse((at_ns, client))) = self.heap.peek() {
            if self.deadlines[*client as usize] == *at_ns {
                return *at_ns;
            }
            self.heap.pop();
        }
        NEVER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_come_in_order_and_replaced_ones_never() {
        let mut poll = Poll::new(3).unwrap();
        poll.set_deadline(0, 300);
        poll.set_deadline(1, 100);
        poll.set_deadline(2, 200);
        poll.set_deadline(1, 400);
        poll.set_deadline(2, NEVER);
        assert_eq!(poll.pop_due(299), None);
        assert_eq!(poll.pop_due(1000), Some(0));
        assert_eq!(poll.pop_due(1000), Some(1));
        assert_eq!(poll.pop_due(1000), None);
    }

    #[test]
    fn a_deadline_ends_the_wait_and_not_before_its_time() {
        let mut poll = Poll::new(1).unwrap();
        let at_ns = monotonic_ns() + 2_000_000;
        poll.set_deadline(0, at_ns);
        let mut events = [EpollEvent::empty(); 4];
        while poll.pop_due(monotonic_ns()).is_none() {
            poll.wait(&mut events, NEVER, Duration::from_millis(100)).unwrap();
        }
        assert!(monotonic_ns() >= at_ns);
    }
}
