//! A scenario as the workload of event loops: lets the clients set out, makes the requests of the open loop when they are
//! due, and counts the clients as they leave.
//!
//! One loop per thread; the loops share nothing but the moment when the clock of `echo` starts and the count of those
//! that still have real clients.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use super::client::{Client, ClientBase, Coordinator, LoopState};
use super::context::LoopContext;
use super::decisions::{Arrival, Arrivals};
use super::engine::{TICK, drive};
use super::error::SimError;
use super::exchange::{CHUNK, Script};
use super::faulty::FaultyKind;
use super::misbehaving::FaultyClient;
use super::observer::Observer;
use super::one_shot::OneShotClient;
use super::persistent::PersistentClient;
use super::plan::{Plan, Scenario};
use super::poll::NEVER;
use super::reconnecting::ReconnectingClient;
use super::run::Run;
use super::workload::{Input, Workload};
use crate::core::trace::monotonic_ns;

/// Clients that set out per turn: with more, the first would wait for their answers until the last is on its way.
const SET_OUT_PER_TURN: usize = 32;
/// A turn while the loops wait for one another.
const SHORT_TICK_NS: u64 = 2_000_000;

/// Runs the plan in `threads` loops, this thread's being one of them.
pub(super) fn run(
    plan: &Plan,
    threads: usize,
    observer: &dyn Observer,
    interrupted: &AtomicBool,
) -> Result<Run, SimError> {
    let script = match &plan.exchange {
        Some(exchange) => Script::fixed(exchange),
        None => Script::echo(plan.seed, plan.bytes.max(1)),
    };
    let coordinator = Coordinator {
        observer,
        interrupted,
        failed: AtomicBool::new(false),
        ready: AtomicUsize::new(0),
        started_ns: AtomicU64::new(0),
        busy: AtomicUsize::new(threads),
        done: AtomicU64::new(0),
        threads,
    };
    let part = |index| {
        let mut simulation = Simulation::new(plan, &script, &coordinator, index);
        let connections = plan.clients.saturating_mul(plan.connections);
        let driven = LoopContext::new(plan.target, simulation.clients.len(), connections)
            .and_then(|context| drive(&mut simulation, context, CHUNK));
        if driven.is_err() {
            coordinator.failed.store(true, SeqCst);
        }
        driven
            .map(|()| simulation.state.run)
            .map_err(|error| SimError::System("run the event loop of the simulator", error))
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
    run.timelines.sort_by_key(|timeline| timeline.client);
    Ok(run)
}

/// One loop's part of it.
struct Simulation<'a> {
    state: LoopState<'a>,
    /// The real clients, then the faulty ones.
    clients: Vec<Box<dyn Client>>,
    real: usize,
    set_out: usize,
    arrivals: Option<Arrivals>,
    /// The next arrival, its time on the clock.
    next: Option<Arrival>,
    index: usize,
    shown_ns: u64,
    /// The others know that the clients of this loop are connected.
    has_announced: bool,
    /// The real clients are gone.
    has_ended: bool,
}

impl<'a> Simulation<'a> {
    fn new(
        plan: &'a Plan,
        script: &'a Script,
        coordinator: &'a Coordinator<'a>,
        index: usize,
    ) -> Simulation<'a> {
        let mut clients: Vec<Box<dyn Client>> = Vec::new();
        for number in (index..plan.clients).step_by(coordinator.threads) {
            let base = ClientBase::new(clients.len(), number);
            clients.push(match plan.scenario {
                Scenario::Connect => Box::new(ReconnectingClient::new(base, plan)),
                Scenario::Echo => Box::new(PersistentClient::new(base, script)),
                Scenario::Patience
                | Scenario::Stay
                | Scenario::Heavy
                | Scenario::Factor
                | Scenario::Crowd
                | Scenario::Random => Box::new(OneShotClient::new(base, plan)),
            });
        }
        let real = clients.len();
        if index == 0 {
            for (number, kind) in FaultyKind::all_of(&plan.faulty).enumerate() {
                clients.push(Box::new(FaultyClient::new(clients.len(), number as u64, kind)));
            }
        }
        let arrivals = plan.rate.filter(|_| plan.scenario == Scenario::Echo).map(|rate| {
            Arrivals::new(plan.seed, index as u64, rate * real as f64 / plan.clients as f64, real)
        });
        let now_ns = monotonic_ns();
        let state = LoopState {
            plan,
            script,
            run: Run { clients: real as u64, began_ns: now_ns, ..Run::new() },
            measured: NEVER..NEVER,
            connecting: real,
            coordinator,
            live: real,
        };
        Simulation {
            state,
            clients,
            real,
            set_out: 0,
            arrivals,
            next: None,
            index,
            shown_ns: now_ns,
            has_announced: false,
            has_ended: false,
        }
    }

    fn let_some_set_out(&mut self, context: &mut LoopContext) {
        let until = (self.set_out + SET_OUT_PER_TURN).min(self.clients.len());
        for turn in self.set_out..until {
            // The faulty ones stand at the end of the list and go first: they are to be there when the others come.
            let client = (turn + self.real) % self.clients.len();
            self.clients[client].set_out(&mut self.state, context);
        }
        self.set_out = until;
    }

    /// `echo`: when the clients of every loop are connected, all loops start at the same moment.
    fn start_the_clock(&mut self, context: &mut LoopContext) {
        if self.has_started() {
            return;
        }
        let coordinator = self.state.coordinator;
        if !self.has_announced && self.state.connecting == 0 {
            self.has_announced = true;
            if coordinator.ready.fetch_add(1, SeqCst) + 1 == coordinator.threads {
                coordinator.started_ns.store(monotonic_ns(), SeqCst);
            }
        }
        let started_ns = coordinator.started_ns.load(SeqCst);
        if started_ns == 0 {
            return;
        }
        let from_ns = started_ns + self.state.plan.warm_up.as_nanos() as u64;
        self.state.measured = from_ns..from_ns + self.state.plan.duration.as_nanos() as u64;
        for client in &mut self.clients[..self.real] {
            client.begin(&mut self.state, context);
        }
        self.next = self.draw();
    }

    fn has_started(&self) -> bool {
        self.state.plan.scenario != Scenario::Echo || self.state.measured.start != NEVER
    }

    /// The next arrival, if there is one before the end.
    fn draw(&mut self) -> Option<Arrival> {
        let started_ns = self.state.coordinator.started_ns.load(SeqCst);
        let arrival = self.arrivals.as_mut()?.next()?;
        let arrival = Arrival { at_ns: started_ns + arrival.at_ns, ..arrival };
        (arrival.at_ns < self.state.measured.end).then_some(arrival)
    }

    /// However late the loop is, every request is sent, and timed from when it was meant to be.
    fn send_arrivals(&mut self, context: &mut LoopContext) {
        while let Some(arrival) = self.next.filter(|arrival| arrival.at_ns <= context.now_ns()) {
            self.clients[arrival.client].handle_arrival(arrival.at_ns, &mut self.state);
            context.transmit(arrival.client);
            self.next = self.draw();
        }
    }

    fn show(&mut self, now_ns: u64) {
        if self.index > 0 || now_ns - self.shown_ns < TICK.as_nanos() as u64 {
            return;
        }
        self.shown_ns = now_ns;
        let LoopState { plan, coordinator, .. } = self.state;
        let done = coordinator.done.load(SeqCst);
        match plan.scenario {
            Scenario::Echo => {
                let total = (plan.warm_up + plan.duration).as_millis() as u64;
                let since_ns = match coordinator.started_ns.load(SeqCst) {
                    0 => 0,
                    started_ns => now_ns.saturating_sub(started_ns),
                };
                coordinator.observer.progress((since_ns / 1_000_000).min(total), total);
            }
            Scenario::Connect => {
                coordinator.observer.progress(done, (plan.clients * plan.connections) as u64);
            }
            _ => coordinator.observer.progress(done, plan.clients as u64),
        }
    }

    /// The real clients of this loop are gone.
    fn end(&mut self, now_ns: u64) {
        self.has_ended = true;
        // What is still due has nobody left to send it.
        while self.next.is_some() && !self.state.coordinator.must_end() {
            self.state.run.never_sent += 1;
            self.next = self.draw();
        }
        let LoopState { plan, run, measured, coordinator, .. } = &mut self.state;
        run.elapsed = Duration::from_nanos(match plan.scenario {
            // As long as was asked for: a server that died early has not answered faster for it.
            Scenario::Echo if run.interrupted => measured.end.min(now_ns).saturating_sub(measured.start),
            Scenario::Echo => measured.end - measured.start,
            _ => now_ns - run.began_ns,
        });
        coordinator.busy.fetch_sub(1, SeqCst);
    }
}

impl Workload for Simulation<'_> {
    type Error = io::Error;

    fn act(&mut self, context: &mut LoopContext) -> io::Result<()> {
        if self.state.coordinator.must_end() {
            self.state.run.interrupted = !self.has_ended;
            for client in &mut self.clients[..self.real] {
                client.interrupt(&mut self.state, context);
            }
            return Ok(());
        }
        self.let_some_set_out(context);
        self.start_the_clock(context);
        self.send_arrivals(context);
        self.show(context.now_ns());
        Ok(())
    }

    fn deadline(&mut self, now_ns: u64) -> Option<u64> {
        let coordinator = self.state.coordinator;
        // A loop that lost all its clients of `echo` still has to say so, or the others wait for it; and it has to know what was due.
        let is_counted = self.has_started() || self.state.run.interrupted;
        if !self.has_ended && self.state.live == 0 && is_counted {
            self.end(now_ns);
        }
        if self.has_ended {
            // The faulty clients stay until the real ones of every loop are gone.
            let is_over = self.clients.len() == self.real || coordinator.busy.load(SeqCst) == 0;
            return (!is_over && !coordinator.must_end()).then_some(now_ns + SHORT_TICK_NS);
        }
        if self.set_out < self.clients.len() {
            return Some(now_ns);
        }
        if !self.has_started() {
            return Some(now_ns + SHORT_TICK_NS);
        }
        Some(self.next.map_or(NEVER, |arrival| arrival.at_ns))
    }

    fn handle_input(&mut self, client: usize, input: Input<'_>, context: &mut LoopContext) -> io::Result<()> {
        self.clients[client].handle_input(input, &mut self.state, context);
        Ok(())
    }

    fn poll_transmit(&self, client: usize) -> &[u8] {
        self.clients[client].poll_transmit(&self.state)
    }

    fn handle_transmitted(&mut self, client: usize, bytes: usize, context: &mut LoopContext) {
        self.clients[client].handle_transmitted(bytes, &mut self.state, context);
    }
}
