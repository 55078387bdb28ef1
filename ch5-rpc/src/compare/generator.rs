//! The load generator: requests that were prepared, from one thread. A client of the wire itself would cost more than the server that is
//! to be measured.
//!
//! ```text
//!   a client of the wire ──► relay ──► its request, kept
//!                                          │ sent again and again
//!   arrivals (Poisson, so many a second) ──┴──► a caller that is free ──► its connection ──► server
//!                   └──► all are busy: it waits, and its time counts from when it was meant to be sent
//! ```
//!
//! Closed loop: each caller asks again when its answer is whole. Open loop: requests come when they come. A server that stalls for a
//! moment delays those that come meanwhile, and that is measured, too (without coordinated omission).

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, ensure};
use common::core::trace::monotonic_ns;
use common::loadgen::{Arrivals, Input, LoopContext, NEVER, Workload, drive};

use super::framing::{Answer, Framing};
use super::relay::Recorded;
use super::run::{Run, Setting, Used};
use super::wire::TIMEOUT;

/// Callers: in a closed loop all of them are in flight.
pub const CALLERS: usize = 64;

/// What one read takes at most, bytes.
const READ: usize = 64 * 1024;

/// With a connection for each call, more than one address has ports.
const CONNECTIONS: usize = 1_000_000;

/// Measures a server with this request; `rate`: so many a second, or a closed loop.
pub fn run(setting: &Setting<'_>, recorded: &Recorded, rate: Option<f64>, seed: u64) -> anyhow::Result<Run> {
    let framing = Framing::of(setting.contestant);
    let connections = if framing.is_kept() { CALLERS } else { CONNECTIONS };
    let context = LoopContext::new(setting.server, CALLERS, connections).context("no event loop")?;
    let mut generator = Generator {
        setting,
        recorded,
        framing,
        callers: (0..CALLERS).map(|_| Caller::new(framing)).collect(),
        free: VecDeque::with_capacity(CALLERS),
        due: VecDeque::new(),
        arrivals: rate.map(|rate| Arrivals::new(seed, 0, rate, 1)),
        next: None,
        times: None,
        in_flight: 0,
        progress_ns: monotonic_ns(),
        used: [None, None],
        finished: 0,
        run: Run::default(),
    };
    drive(&mut generator, context, READ)?;
    let Generator { mut run, used, times, finished, .. } = generator;
    let times = times.context("it has not begun")?;
    run.seconds = Duration::from_nanos(times.end - times.from).as_secs_f64();
    run.per_s = Some(finished as f64 / run.seconds.max(f64::MIN_POSITIVE));
    if let [Some(before), Some(after)] = used {
        run.used = after.minus(before);
    }
    Ok(run)
}

/// The measured time, CLOCK_MONOTONIC nanoseconds.
#[derive(Clone, Copy)]
struct Times {
    began: u64,
    from: u64,
    end: u64,
}

struct Generator<'a> {
    setting: &'a Setting<'a>,
    recorded: &'a Recorded,
    framing: Framing,
    callers: Vec<Caller>,
    /// Callers without a call.
    free: VecDeque<usize>,
    /// When the calls were meant to begin that no caller was free for.
    due: VecDeque<u64>,
    arrivals: Option<Arrivals>,
    /// When the next call is meant to begin.
    next: Option<u64>,
    /// `None` until all callers are ready.
    times: Option<Times>,
    in_flight: usize,
    /// When the last answer came.
    progress_ns: u64,
    /// The processor time at the beginning and at the end.
    used: [Option<Used>; 2],
    /// Answers that came in the measured time.
    finished: u64,
    run: Run,
}

struct Caller {
    state: State,
    /// How much of the message has been sent.
    sent: usize,
    answer: Answer,
    is_connected: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Its greeting is to be answered.
    Greeting,
    /// It has no call.
    Free,
    /// Its call was meant to begin then.
    Calling(u64),
}

impl Caller {
    fn new(framing: Framing) -> Caller {
        Caller { state: State::Free, sent: 0, answer: Answer::new(framing), is_connected: false }
    }
}

impl Generator<'_> {
    /// All that must be before the clock starts: greetings are no calls.
    fn greet(&mut self, context: &mut LoopContext) {
        if self.free.is_empty() && self.callers.iter().all(|caller| caller.state == State::Free) {
            for (client, caller) in self.callers.iter_mut().enumerate() {
                if self.recorded.greeting.is_empty() {
                    self.free.push_back(client);
                } else {
                    (caller.state, caller.is_connected) = (State::Greeting, true);
                    context.connect(client, None);
                }
            }
        }
        if self.free.len() == CALLERS {
            self.start(context);
        }
    }

    fn start(&mut self, context: &mut LoopContext) {
        let began = context.now_ns();
        let from = began + self.setting.warm_up.as_nanos() as u64;
        self.times = Some(Times { began, from, end: from + self.setting.time.as_nanos() as u64 });
        self.next = self.draw();
        if self.arrivals.is_none() {
            while let Some(client) = self.free.pop_front() {
                self.call(client, began, context);
            }
        }
    }

    /// The next arrival, if it is before the end.
    fn draw(&mut self) -> Option<u64> {
        let Times { began, end, .. } = self.times?;
        let at_ns = began + self.arrivals.as_mut()?.next()?.at_ns;
        (at_ns < end).then_some(at_ns)
    }

    fn call(&mut self, client: usize, at_ns: u64, context: &mut LoopContext) {
        self.in_flight += 1;
        let caller = &mut self.callers[client];
        caller.state = State::Calling(at_ns);
        if !std::mem::replace(&mut caller.is_connected, true) {
            context.connect(client, None);
        }
        context.transmit(client);
    }

    /// What a caller has to send, as a whole.
    fn message(&self, client: usize) -> &[u8] {
        match self.callers[client].state {
            State::Greeting => &self.recorded.greeting,
            State::Calling(_) => &self.recorded.request,
            State::Free => &[],
        }
    }

    /// The answer of a caller is whole.
    fn answered(&mut self, client: usize, context: &mut LoopContext) {
        let now_ns = context.now_ns();
        self.progress_ns = now_ns;
        let caller = &mut self.callers[client];
        let state = std::mem::replace(&mut caller.state, State::Free);
        caller.sent = 0;
        if !caller.answer.next() {
            caller.is_connected = false;
            context.disconnect(client);
        }
        let (State::Calling(at_ns), Some(Times { from, end, .. })) = (state, self.times) else {
            return self.free.push_back(client);
        };
        self.in_flight -= 1;
        if at_ns >= from {
            self.run.tally.add(Duration::from_nanos(now_ns.saturating_sub(at_ns)));
        } else {
            self.run.warm += 1;
        }
        self.finished += u64::from((from..end).contains(&now_ns));
        let next = match self.arrivals {
            None => (now_ns < end || self.run.tally.count() == 0).then_some(now_ns), // one at least
            Some(_) => self.due.pop_front(),
        };
        match next {
            Some(at_ns) => self.call(client, at_ns, context),
            None => self.free.push_back(client),
        }
    }

    /// Calls whose time has come begin, or wait for a caller.
    fn begin_due(&mut self, context: &mut LoopContext) {
        while let Some(at_ns) = self.next.filter(|&at_ns| at_ns <= context.now_ns()) {
            match self.free.pop_front() {
                Some(client) => self.call(client, at_ns, context),
                None => self.due.push_back(at_ns),
            }
            self.next = self.draw();
        }
    }

    /// The processor time is read when the measured time begins and ends. At the end nothing new begins; what is due has waited in vain,
    /// and a report without it would show a slow server as a fast one.
    fn look_at_the_clock(&mut self, now_ns: u64) {
        let Some(times) = &mut self.times else { return };
        if self.setting.interrupted.load(Ordering::Relaxed) {
            times.end = times.end.min(now_ns.max(times.from));
        }
        let Times { from, end, .. } = *times;
        for (used, at_ns) in self.used.iter_mut().zip([from, end]) {
            if used.is_none() && now_ns >= at_ns {
                *used = Some(Used::now(self.setting.id));
            }
        }
        if now_ns >= end {
            self.next = None;
            for at_ns in self.due.drain(..).filter(|&at_ns| at_ns >= from) {
                self.run.waiting.add(Duration::from_nanos(end.saturating_sub(at_ns)));
            }
        }
    }
}

impl Workload for Generator<'_> {
    type Error = anyhow::Error;

    fn act(&mut self, context: &mut LoopContext) -> anyhow::Result<()> {
        let now_ns = context.now_ns();
        if self.times.is_none() {
            self.greet(context);
        }
        self.begin_due(context);
        self.look_at_the_clock(now_ns);
        let is_silent = now_ns.saturating_sub(self.progress_ns) > TIMEOUT.as_nanos() as u64;
        ensure!(self.in_flight == 0 || !is_silent, "no answer for {TIMEOUT:?}");
        Ok(())
    }

    fn deadline(&mut self, now_ns: u64) -> Option<u64> {
        let Some(Times { from, end, .. }) = self.times else { return Some(NEVER) };
        if now_ns >= end && self.used[1].is_some() && self.in_flight == 0 {
            return None;
        }
        let border = [from, end].into_iter().find(|&at_ns| at_ns > now_ns).unwrap_or(NEVER);
        Some(self.next.unwrap_or(NEVER).min(border))
    }

    fn handle_input(
        &mut self,
        client: usize,
        input: Input<'_>,
        context: &mut LoopContext,
    ) -> anyhow::Result<()> {
        let caller = &mut self.callers[client];
        match input {
            Input::Connected | Input::Timeout => Ok(()),
            Input::Received(_) if caller.state == State::Free => {
                anyhow::bail!("an answer to no request")
            }
            Input::Received(bytes) => {
                if caller.answer.receive(bytes)? {
                    self.answered(client, context);
                }
                Ok(())
            }
            Input::Broken(_) if caller.state == State::Free => {
                caller.is_connected = false;
                Ok(())
            }
            Input::Broken(_) if caller.answer.ends_here() => {
                self.answered(client, context);
                Ok(())
            }
            Input::Refused(error) | Input::Broken(error) => Err(error.into()),
        }
    }

    fn poll_transmit(&self, client: usize) -> &[u8] {
        &self.message(client)[self.callers[client].sent..]
    }

    fn handle_transmitted(&mut self, client: usize, bytes: usize, context: &mut LoopContext) {
        self.callers[client].sent += bytes;
        if self.framing == Framing::UntilEnd && self.poll_transmit(client).is_empty() {
            context.finish_sending(client);
        }
    }
}

#[cfg(test)]
mod tests;
