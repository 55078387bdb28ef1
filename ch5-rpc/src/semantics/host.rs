//! A server with its store, sans-I/O: what a process runs, and what virtual time runs. Calls may take their time, and the server may
//! end at a chosen moment.
//!
//! ```text
//! datagram ──▶ Server ──▶ execution ── (its work takes a while) ──▶ Store ──▶ Server ──▶ answer
//!                                                                  │      │
//!                                                        Failpoint: Mutated, Recorded
//! ```

use std::net::SocketAddr;
use std::time::Duration;

use super::publish::Method;
use super::server::{Execution, Seen, Server, ServerConfig, WAITING};
use super::store::{Completion, Step, Store, StoreError};

/// What the server remembers of calls, and how well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, clap::ValueEnum)]
pub enum Remembers {
    /// A table in memory, lost at a restart, and no check that finds this: neither incarnations nor leases
    Naive,
    /// A table in memory; calls of the time before a restart are refused
    Volatile,
    /// A table in the store: the change and its record are one transaction
    Durable,
}

/// Where a server ends: at this step of this publish, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failpoint {
    /// The step.
    pub step: Step,
    /// The publish that is run. A server that is started again counts anew.
    pub execution: u64,
}

/// How long the procedure takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Work {
    /// The time.
    pub time: Duration,
    /// Only every execution of this number takes it: 4 is the fourth, the eighth and so on; 0 is none of them.
    pub every: u64,
}

/// What a server is told.
#[derive(Debug, Clone, Copy)]
pub struct HostConfig {
    /// Its memory of calls.
    pub remembers: Remembers,
    /// The bounds of that.
    pub server: ServerConfig,
    /// How slow it is.
    pub work: Work,
    /// Where it ends.
    pub failpoint: Option<Failpoint>,
}

impl HostConfig {
    /// One that is fast and does not end.
    #[must_use]
    pub fn new(remembers: Remembers) -> HostConfig {
        let server =
            ServerConfig { checks_binding: remembers != Remembers::Naive, ..ServerConfig::default() };
        HostConfig { remembers, server, work: Work::default(), failpoint: None }
    }
}

/// What the world sees of an execution besides the board: a letter that is sent, a line that is printed. And the end of the server.
pub trait Surroundings {
    /// The effect of a call outside the store.
    fn effect(&mut self, text: &[u8]);
    /// The server ends here. If this returns, what it has not committed is lost all the same.
    fn crash(&mut self);
}

/// The server and what it stands on.
#[derive(Debug)]
pub struct Host<S> {
    config: HostConfig,
    server: Server,
    store: S,
    /// Calls that are at work, and when they are done.
    working: Vec<(Duration, Execution)>,
    begun: u64,
    /// Publishes that were run: what a failpoint counts.
    publishes: u64,
}

impl<S: Store> Host<S> {
    /// A server over this store. `incarnation` names its memory: a new one for a memory that begins empty.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn new(
        config: HostConfig,
        now: Duration,
        store: S,
        incarnation: u64,
        secret: [u8; 16],
    ) -> Result<Host<S>, StoreError> {
        let memory = if config.remembers == Remembers::Durable { store.records()? } else { Vec::new() };
        let server = Server::new(config.server, now, incarnation, secret, memory);
        Ok(Host { config, server, store, working: Vec::new(), begun: 0, publishes: 0 })
    }

    /// Takes in a datagram, and runs what can be run at once.
    ///
    /// # Errors
    /// [`StoreError`]: the server ends.
    pub fn handle_datagram(
        &mut self,
        now: Duration,
        from: SocketAddr,
        datagram: &[u8],
        around: &mut impl Surroundings,
    ) -> Result<(), StoreError> {
        self.server.handle_datagram(now, from, datagram);
        self.proceed(now, around)
    }

    /// The next datagram to send, and where to. Call until there is none.
    pub fn poll_transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.server.poll_transmit()
    }

    /// When a call is done, or a lease over.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.working.iter().map(|(done, _)| *done).chain(self.server.deadline()).min()
    }

    /// The time has come, or some other time: then nothing happens.
    ///
    /// # Errors
    /// [`StoreError`]: the server ends.
    pub fn handle_timeout(
        &mut self,
        now: Duration,
        around: &mut impl Surroundings,
    ) -> Result<(), StoreError> {
        self.server.handle_timeout(now);
        self.proceed(now, around)
    }

    /// What it has seen.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.server.seen()
    }

    /// Clients in the table, and calls of all of them that have a record.
    #[must_use]
    pub fn held(&self) -> (usize, usize) {
        self.server.held()
    }

    /// What it stands on.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.store
    }

    /// What is left of it when it has ended.
    #[must_use]
    pub fn into_store(self) -> S {
        self.store
    }

    fn proceed(&mut self, now: Duration, around: &mut impl Surroundings) -> Result<(), StoreError> {
        let is_durable = self.config.remembers == Remembers::Durable;
        while let Some(client) = self.server.poll_forgotten() {
            if is_durable {
                self.store.forget(client)?;
            }
        }
        while self.take_up(now, is_durable)? && self.finish(now, around)? {}
        Ok(())
    }

    /// Begins the calls that wait, as many as may be at work. Whether there are any at work.
    fn take_up(&mut self, now: Duration, is_durable: bool) -> Result<bool, StoreError> {
        // What finds no place here waits in the server, which knows its bound.
        while self.working.len() < WAITING
            && let Some(execution) = self.server.poll_execution()
        {
            if is_durable && execution.is_new_client {
                self.store.admit(execution.id.client)?;
            }
            self.begun += 1;
            let Work { time, every } = self.config.work;
            let takes = if every > 0 && self.begun.is_multiple_of(every) { time } else { Duration::ZERO };
            self.working.push((now + takes, execution));
        }
        Ok(!self.working.is_empty())
    }

    /// Runs the calls whose work is done. Whether there were any.
    fn finish(&mut self, now: Duration, around: &mut impl Surroundings) -> Result<bool, StoreError> {
        let (mut index, before) = (0, self.working.len());
        while let Some((done, _)) = self.working.get(index) {
            if *done <= now {
                let (_, execution) = self.working.remove(index);
                self.run(&execution, around)?;
            } else {
                index += 1;
            }
        }
        Ok(self.working.len() < before)
    }

    fn run(&mut self, execution: &Execution, around: &mut impl Surroundings) -> Result<(), StoreError> {
        let Some(method) = Method::decode(&execution.body) else {
            self.server.refuse(execution);
            return Ok(());
        };
        let text = match &method {
            Method::Publish { text } | Method::PublishIf { text, .. } => Some(text),
            Method::Length | Method::Count { .. } => None,
        };
        self.publishes += u64::from(text.is_some());
        let here = |step| Some(Failpoint { step, execution: self.publishes });
        let ends_at = |step| text.is_some() && self.config.failpoint == here(step);
        let completion = execution
            .remembered
            .filter(|_| self.config.remembers == Remembers::Durable)
            .map(|first_incomplete| Completion { id: execution.id, first_incomplete });
        let mut mutated = || {
            if let Some(text) = text {
                around.effect(text);
            }
            let ends = ends_at(Step::Mutated);
            if ends {
                around.crash();
            }
            ends
        };
        let reply = self.store.run(&method, completion, &mut mutated)?;
        self.server.complete(execution, reply.encode());
        if ends_at(Step::Recorded) {
            around.crash();
            return Err(StoreError::Crashed);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
