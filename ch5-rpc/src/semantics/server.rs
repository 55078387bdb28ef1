//! The server's half of a call, sans-I/O: what is run, what is answered from memory, and what is refused.
//!
//! ```text
//!                 ┌── Plain ────────────────────────────────────────────────▶ run
//!  Call ── read ──┤                                     ┌ new ──────────────▶ run, remember
//!                 └── Once ── right memory? ── table ───┼ in progress ──────▶ InProgress
//!                              │ no                     ├ completed ────────▶ Done, again
//!                              ▼                        └ stale, no room ───▶ Refused
//!                            Refused: Restarted
//! ```
//!
//! What a call means is not known here: its body leaves with [`Server::poll_execution`], and the answer's body comes back with
//! [`Server::complete`]. In between the call is in progress, as long as it takes.
//!
//! A client's id is a [token](common::protocol::token): the server keeps nothing for a `Bind`, so that a forged address takes no room.
//! The table holds a client from its first call on. An id that is in no table and is no valid token was forgotten, or never
//! given; it is refused, never taken for a new client: its calls may have been run.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use common::protocol::token::Tokens;

use super::datagram::{Answer, CallId, Handling, Message, Question, Refusal, decode};
use super::table::{ClientRecord, Known, Table, TableLimits};

/// Calls that wait to be run; what comes beyond them is lost, as a datagram may be.
pub const WAITING: usize = 4096;

/// How a server treats calls that are to be run once.
#[derive(Debug, Clone, Copy)]
pub struct ServerConfig {
    /// The bounds of its table.
    pub limits: TableLimits,
    /// Whether it looks at incarnations and ids at all. A server that does not is what many a reply cache is: it takes every call
    /// that it does not know for a new one, also after a restart.
    pub checks_binding: bool,
}

impl Default for ServerConfig {
    fn default() -> ServerConfig {
        ServerConfig { limits: TableLimits::default(), checks_binding: true }
    }
}

/// A call to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// Which.
    pub id: CallId,
    /// The address that the answer goes to.
    pub from: SocketAddr,
    /// The transmission that is answered.
    pub transmission: u32,
    /// The server remembers it: the first call that the client has no answer of. `None`: it does not.
    pub remembered: Option<u64>,
    /// The client was not in the table before. A table that is written down has to have it before the call is run.
    pub is_new_client: bool,
    /// The method and its argument.
    pub body: Vec<u8>,
}

/// What a server has seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Calls that were run.
    pub executed: u64,
    /// Calls that were answered from memory, or told to be in progress.
    pub remembered: u64,
    /// Late copies of calls whose answers the client has.
    pub stale: u64,
    /// Other refusals.
    pub refused: u64,
    /// Datagrams that are no questions.
    pub dropped: u64,
}

/// The server.
#[derive(Debug)]
pub struct Server {
    config: ServerConfig,
    incarnation: u64,
    tokens: Tokens,
    table: Table,
    executions: VecDeque<Execution>,
    answers: VecDeque<(SocketAddr, Vec<u8>)>,
    forgotten: VecDeque<u64>,
    seen: Seen,
}

impl Server {
    /// A server whose memory has this name, and what is in it. Without any it must have a name that no other has had.
    #[must_use]
    pub fn new(
        config: ServerConfig,
        now: Duration,
        incarnation: u64,
        secret: [u8; 16],
        memory: Vec<ClientRecord>,
    ) -> Server {
        // A token is valid for two periods at most: less than the lease, so that a forgotten id is no valid one.
        let tokens = Tokens::new(secret, config.limits.lease / 3);
        let table = Table::restored(config.limits, now, memory);
        let (executions, answers, forgotten) = (VecDeque::new(), VecDeque::new(), VecDeque::new());
        Server { config, incarnation, tokens, table, executions, answers, forgotten, seen: Seen::default() }
    }

    /// Takes in a datagram. What is no question is dropped, without an answer.
    pub fn handle_datagram(&mut self, now: Duration, from: SocketAddr, datagram: &[u8]) {
        let Ok(Message::Question(question)) = decode(datagram) else {
            self.seen.dropped += 1;
            return;
        };
        match question {
            Question::Bind { nonce } => self.bind(now, from, nonce),
            Question::Call { id, transmission, handling: Handling::Plain, body } => {
                self.execute(Execution {
                    id,
                    from,
                    transmission,
                    remembered: None,
                    is_new_client: false,
                    body,
                });
            }
            Question::Call {
                id,
                transmission,
                handling: Handling::Once { incarnation, first_incomplete },
                body,
            } => {
                let remembered = Some(first_incomplete);
                let execution = Execution { id, from, transmission, remembered, is_new_client: false, body };
                self.run_once(now, incarnation, first_incomplete, execution);
            }
            Question::Probe { id, transmission, incarnation } => {
                let known = self.table.look_up(id);
                let is_ours = self.is_ours(incarnation);
                self.answer_known(
                    from,
                    id,
                    transmission,
                    if is_ours { Ok(known) } else { Err(Refusal::Restarted) },
                );
            }
        }
    }

    /// The next call to run. Call until there is none.
    pub fn poll_execution(&mut self) -> Option<Execution> {
        self.executions.pop_front()
    }

    /// A call has been run; this is its answer.
    pub fn complete(&mut self, execution: &Execution, body: Vec<u8>) {
        if execution.remembered.is_some() {
            self.table.complete(execution.id, body.clone());
        }
        let Execution { id, from, transmission, .. } = *execution;
        self.seen.executed += 1;
        self.answer(from, Answer::Done { id, transmission, again: false, body });
    }

    /// The call is none that can be run. It is refused now and will be refused again.
    pub fn refuse(&mut self, execution: &Execution) {
        self.table.abandon(execution.id);
        self.refuse_for(execution.from, execution.id, execution.transmission, Refusal::NotUnderstood);
    }

    /// The next datagram to send, and where to. Call until there is none.
    pub fn poll_transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.answers.pop_front()
    }

    /// A client that was forgotten: a table that is written down has to forget it, too.
    pub fn poll_forgotten(&mut self) -> Option<u64> {
        self.forgotten.pop_front()
    }

    /// When the next lease is over.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.table.deadline()
    }

    /// The time has come, or some other time: then nothing happens.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.forgotten.extend(self.table.expire(now));
    }

    /// What it has seen.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.seen
    }

    /// Clients in the table, and calls of all of them that have a record.
    #[must_use]
    pub fn held(&self) -> (usize, usize) {
        self.table.held()
    }

    fn bind(&mut self, now: Duration, from: SocketAddr, nonce: u64) {
        let client = self.tokens.issue(now, from);
        let TableLimits { lease, slots, .. } = self.config.limits;
        let lease = u32::try_from(lease.as_millis()).unwrap_or(u32::MAX);
        let slots = u32::try_from(slots).unwrap_or(u32::MAX);
        self.answer(from, Answer::Bound { nonce, incarnation: self.incarnation, client, lease, slots });
    }

    fn is_ours(&self, incarnation: u64) -> bool {
        incarnation == self.incarnation || !self.config.checks_binding
    }

    fn run_once(&mut self, now: Duration, incarnation: u64, first_incomplete: u64, mut execution: Execution) {
        let Execution { id, from, transmission, .. } = execution;
        if !self.is_ours(incarnation) {
            return self.answer_known(from, id, transmission, Err(Refusal::Restarted));
        }
        // A call that is its own acknowledgement makes no sense.
        if first_incomplete > id.sequence {
            return self.answer_known(from, id, transmission, Err(Refusal::NotUnderstood));
        }
        if self.executions.len() >= WAITING {
            return;
        }
        let mut known = self.table.begin(now, id, first_incomplete);
        if known == Known::NoClient {
            match self.admit(now, from, id.client) {
                Ok(()) => execution.is_new_client = true,
                Err(why) => return self.answer_known(from, id, transmission, Err(why)),
            }
            known = self.table.begin(now, id, first_incomplete);
        }
        match known {
            Known::New => self.execute(execution),
            known => self.answer_known(from, id, transmission, Ok(known)),
        }
    }

    fn admit(&mut self, now: Duration, from: SocketAddr, client: u64) -> Result<(), Refusal> {
        let valid_until = match self.tokens.valid_until(now, from, client) {
            None if self.config.checks_binding => return Err(Refusal::Expired),
            until => until.unwrap_or(now),
        };
        self.handle_timeout(now);
        if self.table.admit(now, client, from.ip().into(), valid_until) {
            Ok(())
        } else {
            Err(Refusal::TableFull)
        }
    }

    fn execute(&mut self, execution: Execution) {
        if self.executions.len() < WAITING {
            self.executions.push_back(execution);
        }
    }

    /// Answers without running anything.
    fn answer_known(
        &mut self,
        from: SocketAddr,
        id: CallId,
        transmission: u32,
        known: Result<Known, Refusal>,
    ) {
        let refused = match known {
            Ok(Known::New) => return self.answer(from, Answer::NotSeen { id, transmission }),
            Ok(Known::InProgress) => {
                self.seen.remembered += 1;
                return self.answer(from, Answer::InProgress { id, transmission });
            }
            Ok(Known::Completed(body)) => {
                self.seen.remembered += 1;
                return self.answer(from, Answer::Done { id, transmission, again: true, body });
            }
            Ok(Known::Stale) => Refusal::Stale,
            Ok(Known::Full) => Refusal::TableFull,
            Ok(Known::NoClient) => Refusal::Expired,
            Err(why) => why,
        };
        self.refuse_for(from, id, transmission, refused);
    }

    fn refuse_for(&mut self, from: SocketAddr, id: CallId, transmission: u32, why: Refusal) {
        match why {
            Refusal::Stale => self.seen.stale += 1,
            _ => self.seen.refused += 1,
        }
        self.answer(from, Answer::Refused { id, transmission, why });
    }

    fn answer(&mut self, to: SocketAddr, answer: Answer) {
        self.answers.push_back((to, answer.encode()));
    }
}

#[cfg(test)]
mod tests;
