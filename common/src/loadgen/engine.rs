//! The event loop: lets the clients set out, wakes whoever has something to do, and counts them as they leave.
//!
//! One loop per thread; the loops share nothing but the moment when the clock of `echo` starts and the count of those
//! that still have real clients. The six steps are those of the module's head.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use nix::sys::epoll::EpollEvent;

use super::caller::Caller;
use super::decisions::{Arrival, Arrivals};
use super::desk::{Client, Desk, Shared};
use super::exchange::{CHUNK, Script};
use super::faulty::FaultyKind;
use super::misbehave::FaultyClient;
use super::poll::{NEVER, Poll, TIMER};
use super::run::Run;
use super::sockets::Connector;
use super::stream::Stream;
use super::visit::Visit;
use super::{Plan, Scenario, SimError, Watch};
use crate::core::trace::monotonic_ns;

/// Clients that set out per turn: with more, the first would wait for their answers until the last is on its way.
const SET_OUT_PER_TURN: usize = 32;
/// The loop looks at the flags at least this often.
const TICK: Duration = Duration::from_millis(100);
/// The same while the loops wait for one another to start the clock.
const SHORT_TICK: Duration = Duration::from_millis(2);
const EVENTS: usize = 512;

/// Runs the plan in `threads` loops, this thread's being one of them.
pub(super) fn run(
    plan: &Plan,
    threads: usize,
    watch: &dyn Watch,
    interrupted: &AtomicBool,
) -> Result<Run, SimError> {
    let script = match &plan.exchange {
        Some(exchange) => Script::fixed(exchange),
        None => Script::echo(plan.seed, plan.bytes.max(1)),
    };
    let shared = Shared {
        watch,
        interrupted,
        failed: AtomicBool::new(false),
        ready: AtomicUsize::new(0),
        started_ns: AtomicU64::new(0),
        busy: AtomicUsize::new(threads),
        done: AtomicU64::new(0),
        threads,
    };
    let part = |index| {
        let result = Engine::new(plan, &script, &shared, index).and_then(Engine::run);
        if result.is_err() {
            shared.failed.store(true, SeqCst);
        }
        result.map_err(|error| SimError::System("run the event loop of the simulator", error))
    };
    let parts: Vec<Result<Run, SimError>> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|index| scope.spawn(move || part(index))).collect();
        let first = part(0);
        let join =
            |handle: thread::ScopedJoinHandle<'_, _>| handle.join().expect("an event loop never panics");
        std::iter::once(first).chain(others.into_iter().map(join)).collect()
    });
    let mut run = Run::new();
    for part in parts {
        let part = part?;
        run.elapsed = run.elapsed.max(part.elapsed);
        run.merge(part);
    }
    run.lives.sort_by_key(|life| life.client);
    Ok(run)
}

struct Engine<'a> {
    desk: Desk<'a>,
    /// The real clients, then the faulty ones; the index is the token.
    clients: Vec<Box<dyn Client>>,
    real: usize,
    set_out: usize,
    arrivals: Option<Arrivals>,
    /// The next arrival, its time on the clock.
    next: Option<Arrival>,
    /// Clients with arrivals that are not sent yet.
    unsent: Vec<usize>,
    index: usize,
}

impl<'a> Engine<'a> {
    fn new(
        plan: &'a Plan,
        script: &'a Script,
        shared: &'a Shared<'a>,
        index: usize,
    ) -> io::Result<Engine<'a>> {
        let mut clients: Vec<Box<dyn Client>> = Vec::new();
        for number in (index..plan.clients).step_by(shared.threads) {
            let token = clients.len() as u32;
            clients.push(match plan.scenario {
                Scenario::Patience | Scenario::Stay | Scenario::Heavy | Scenario::Crowd => {
                    Box::new(Visit::new(token, number, plan))
                }
                Scenario::Connect => Box::new(Caller::new(token, number)),
                Scenario::Echo => Box::new(Stream::new(token, number, script)),
            });
        }
        let real = clients.len();
        if index == 0 {
            for (number, kind) in FaultyKind::all_of(&plan.faulty).enumerate() {
                clients.push(Box::new(FaultyClient::new(clients.len() as u32, number as u64, kind)));
            }
        }
        let arrivals = plan.rate.filter(|_| plan.scenario == Scenario::Echo).map(|rate| {
            Arrivals::new(plan.seed, index as u64, rate * real as f64 / plan.clients as f64, real)
        });
        let mut run = Run::new();
        run.clients = real as u64;
        let desk = Desk {
            plan,
            script,
            poll: Poll::new(clients.len())?,
            connector: Connector::new(plan),
            buffer: vec![0; CHUNK].into_boxed_slice(),
            run,
            measured: NEVER..NEVER,
            connecting: if plan.scenario == Scenario::Echo { real } else { 0 },
            shared,
            live: real,
        };
        Ok(Engine { desk, clients, real, set_out: 0, arrivals, next: None, unsent: Vec::new(), index })
    }

    fn run(mut self) -> io::Result<Run> {
        let mut events = vec![EpollEvent::empty(); EVENTS];
        let began_ns = monotonic_ns();
        self.desk.run.began_ns = began_ns;
        let mut shown_ns = began_ns;
        let mut announced = false;
        loop {
            // 1. The clients set out. The faulty ones first: they are to be there when the others come.
            self.let_some_set_out();

            // 2. Wait.
            let started_ns = self.start_the_clock(&mut announced);
            let most = match (self.set_out < self.clients.len(), started_ns) {
                (true, _) => Duration::ZERO,
                (false, None) => SHORT_TICK,
                (false, Some(_)) => TICK,
            };
            let next_ns = self.next.map_or(NEVER, |arrival| arrival.at_ns);
            let ready = self.desk.poll.wait(&mut events, next_ns, most)?;

            // 3. Whoever is ready takes a step.
            for event in &events[..ready] {
                if event.data() != TIMER {
                    self.clients[event.data() as usize].ready(event.events(), &mut self.desk);
                }
            }

            // 4. Requests that are due. Before the deadlines: a loop that comes late must not stop a client whose last
            //    requests were meant for a moment before the end.
            let now_ns = monotonic_ns();
            self.send_arrivals(now_ns);

            // 5. Whoever's time is up gives up or goes on.
            while let Some(token) = self.desk.poll.pop_due(now_ns) {
                self.clients[token as usize].expired(&mut self.desk);
            }

            // 6. Until the last client is gone.
            if self.index == 0 && now_ns - shown_ns >= TICK.as_nanos() as u64 {
                shown_ns = now_ns;
                self.show(now_ns);
            }
            let shared = self.desk.shared;
            if shared.interrupted.load(SeqCst) || shared.failed.load(SeqCst) {
                self.desk.run.interrupted = true;
                break;
            }
            // A loop that lost all its clients of `echo` still has to say so, or the others wait for it.
            if self.desk.live == 0 && (announced || self.desk.plan.scenario != Scenario::Echo) {
                break;
            }
        }
        let end_ns = monotonic_ns();
        self.desk.run.elapsed = Duration::from_nanos(match self.desk.plan.scenario {
            Scenario::Echo => self.desk.measured.end.min(end_ns).saturating_sub(self.desk.measured.start),
            _ => end_ns - began_ns,
        });
        self.see_off(&mut events)
    }

    fn let_some_set_out(&mut self) {
        let until = (self.set_out + SET_OUT_PER_TURN).min(self.clients.len());
        for turn in self.set_out..until {
            // The faulty ones stand at the end of the list and go first.
            let client = (turn + self.real) % self.clients.len();
            self.clients[client].set_out(&mut self.desk);
        }
        self.set_out = until;
    }

    /// `echo`: when the clients of every loop are connected, all loops start at the same moment.
    fn start_the_clock(&mut self, announced: &mut bool) -> Option<u64> {
        if self.desk.plan.scenario != Scenario::Echo || self.desk.measured.start != NEVER {
            return Some(self.desk.measured.start);
        }
        let shared = self.desk.shared;
        if !*announced && self.desk.connecting == 0 {
            *announced = true;
            if shared.ready.fetch_add(1, SeqCst) + 1 == shared.threads {
                shared.started_ns.store(monotonic_ns(), SeqCst);
            }
        }
        let started_ns = shared.started_ns.load(SeqCst);
        if started_ns == 0 {
            return None;
        }
        let from_ns = started_ns + self.desk.plan.warm_up.as_nanos() as u64;
        self.desk.measured = from_ns..from_ns + self.desk.plan.duration.as_nanos() as u64;
        for client in &mut self.clients[..self.real] {
            client.begin(&mut self.desk);
        }
        self.next = self.draw();
        Some(started_ns)
    }

    /// The next arrival, if there is one before the end.
    fn draw(&mut self) -> Option<Arrival> {
        let started_ns = self.desk.shared.started_ns.load(SeqCst);
        let arrival = self.arrivals.as_mut()?.next()?;
        let arrival = Arrival { at_ns: started_ns + arrival.at_ns, ..arrival };
        (arrival.at_ns < self.desk.measured.end).then_some(arrival)
    }

    /// However late the loop is, every request is sent, and timed from when it was meant to be.
    fn send_arrivals(&mut self, now_ns: u64) {
        while let Some(arrival) = self.next.filter(|arrival| arrival.at_ns <= now_ns) {
            self.clients[arrival.client].request(arrival.at_ns, &mut self.desk);
            self.unsent.push(arrival.client);
            self.next = self.draw();
        }
        for client in self.unsent.drain(..) {
            self.clients[client].flush(&mut self.desk);
        }
    }

    fn show(&self, now_ns: u64) {
        let (plan, shared) = (self.desk.plan, self.desk.shared);
        let done = shared.done.load(SeqCst);
        match plan.scenario {
            Scenario::Echo => {
                let total = (plan.warm_up + plan.duration).as_millis() as u64;
                let since_ns = match shared.started_ns.load(SeqCst) {
                    0 => 0,
                    started_ns => now_ns.saturating_sub(started_ns),
                };
                shared.watch.progress((since_ns / 1_000_000).min(total), total);
            }
            Scenario::Connect => shared.watch.progress(done, (plan.clients * plan.connections) as u64),
            _ => shared.watch.progress(done, plan.clients as u64),
        }
    }

    /// The real clients of this loop are gone or must go. The faulty ones stay until those of every loop are.
    fn see_off(mut self, events: &mut [EpollEvent]) -> io::Result<Run> {
        let (real, faulty) = self.clients.split_at_mut(self.real);
        if self.desk.run.interrupted {
            real.iter_mut().for_each(|client| client.interrupt(&mut self.desk));
        }
        let shared = self.desk.shared;
        shared.busy.fetch_sub(1, SeqCst);
        let over =
            || shared.busy.load(SeqCst) == 0 || shared.failed.load(SeqCst) || shared.interrupted.load(SeqCst);
        while !faulty.is_empty() && !over() {
            let ready = self.desk.poll.wait(events, NEVER, SHORT_TICK)?;
            for event in &events[..ready] {
                if let Some(client) =
                    (event.data() as usize).checked_sub(self.real).and_then(|at| faulty.get_mut(at))
                {
                    client.ready(event.events(), &mut self.desk);
                }
            }
            let now_ns = monotonic_ns();
            while let Some(token) = self.desk.poll.pop_due(now_ns) {
                if let Some(client) =
                    (token as usize).checked_sub(self.real).and_then(|at| faulty.get_mut(at))
                {
                    client.expired(&mut self.desk);
                }
            }
        }
        faulty.iter_mut().for_each(|client| client.interrupt(&mut self.desk));
        Ok(self.desk.run)
    }
}
