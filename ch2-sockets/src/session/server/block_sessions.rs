//! The server of the original block protocol: one session per message, upload only. Notes, chapter 2, part 2.
//!
//! ```text
//!          a?0            first b                  c, all blocks here
//! (none) ───────▶ empty ──────────▶ reassembling ─────────────────────▶ closed: 0?1, and the request is delivered
//!                   │                    │ c, not all
//!                   │                    └─────────────────────────▶ closed: 0?0
//!                   └ makes way when there is no room             any: gone after 30 s without a datagram
//! ```
//!
//! A closed session remembers its verdict for a while: the client, whose copy of it may be lost, asks again and gets the same, and
//! the request is not delivered twice. The original knows no limits; here they are, and who passes one gets `z`.
//!
//! `a?0` comes from an address that may be forged. So an empty session makes way for the next one when all places are taken; one
//! with a block has shown that its owner reads what is sent to him.

use std::collections::VecDeque;
use std::hash::Hasher;
use std::net::SocketAddr;
use std::time::Duration;

use siphasher::sip::SipHasher24;

use super::super::budget::{Account, Budget, NoRoom};
use super::super::deadlines::Deadlines;
use super::super::limits::Limits;
use super::super::pdu::{RequestPdu, ResponsePdu};
use super::reassembly::Reassembly;
use super::slot_table::SlotTable;

/// Numbers of sessions are below this: then `0?<session>` is at most 18 bytes, what the smallest Ethernet frame carries.
const NUMBERS: u64 = 10_000_000_000_000_000;

/// All sessions of the original protocol.
#[derive(Debug)]
pub struct BlockSessions {
    sessions: SlotTable<(SocketAddr, u64), BlockSession>,
    expiries: Deadlines,
    /// Sessions that were empty when they were made, oldest first, with their numbers.
    empty: VecDeque<(u32, u64)>,
    secret: [u8; 16],
    made: u64,
}

#[derive(Debug)]
struct BlockSession {
    number: u64,
    account: Account,
    last_heard: Duration,
    state: BlockSessionState,
}

#[derive(Debug)]
enum BlockSessionState {
    Empty,
    Reassembling(Reassembly),
    Closed { delivered: bool },
}

/// A message that is complete, with the bytes reserved for it.
pub struct Complete {
    /// The message.
    pub message: Vec<u8>,
    /// Whose bytes.
    pub account: Account,
    /// Bytes reserved for it, to be released.
    pub reserved: usize,
}

impl BlockSessions {
    /// None yet; the secret makes the numbers unguessable.
    pub fn new(secret: [u8; 16]) -> BlockSessions {
        let (sessions, expiries) = (SlotTable::default(), Deadlines::default());
        BlockSessions { sessions, expiries, empty: VecDeque::new(), secret, made: 0 }
    }

    /// Answers a datagram, and gives the message that it may have completed.
    pub fn handle_request(
        &mut self,
        now: Duration,
        from: SocketAddr,
        request: &RequestPdu<'_>,
        limits: &Limits,
        budget: &mut Budget,
    ) -> (ResponsePdu, Option<Complete>) {
        let answer = match *request {
            RequestPdu::Open => self.open(now, from, limits, budget).map(ResponsePdu::Done),
            RequestPdu::OpenExtension => None,
            RequestPdu::Block { session, index, count, length, data } => {
                if data.len() as u64 != length {
                    return (ResponsePdu::WrongLength, None);
                }
                self.store(now, (from, session), (index, count, data), limits, budget).map(ResponsePdu::Done)
            }
            RequestPdu::Close { session } => match self.close(now, (from, session), budget) {
                Some((delivered, complete)) => return (ResponsePdu::Done(delivered.into()), complete),
                None => None,
            },
        };
        (answer.unwrap_or(ResponsePdu::NotUnderstood), None)
    }

    /// When [`BlockSessions::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Option<Duration> {
        self.expiries.deadline()
    }

    /// Forgets who has been silent for too long.
    pub fn handle_timeout(&mut self, now: Duration, limits: &Limits, budget: &mut Budget) {
        while let Some(slot) = self.expiries.due(now) {
            let Some(session) = self.sessions.at(slot) else { continue };
            let end = session.last_heard + limits.idle_timeout;
            if now < end {
                self.expiries.set(slot, end);
            } else {
                self.remove(slot, budget);
            }
        }
    }

    fn open(&mut self, now: Duration, from: SocketAddr, limits: &Limits, budget: &mut Budget) -> Option<u64> {
        let account = Account::of(from.ip());
        self.forget_started();
        while budget.add_active(account).is_err() {
            self.make_way(account, budget).ok()?;
        }
        let number = self.new_number(from);
        let session = BlockSession { number, account, last_heard: now, state: BlockSessionState::Empty };
        let slot = self.sessions.insert((from, number), session);
        self.expiries.set(slot, now + limits.idle_timeout);
        self.empty.push_back((slot, number));
        Some(number)
    }

    /// Unguessable, and not in use.
    fn new_number(&mut self, from: SocketAddr) -> u64 {
        loop {
            let mut hasher = SipHasher24::new_with_key(&self.secret);
            hasher.write_u64(self.made);
            self.made += 1;
            let number = hasher.finish() % NUMBERS;
            if self.sessions.find(&(from, number)).is_none() {
                return number;
            }
        }
    }

    /// Removes the oldest session that is empty: of this client, or of anybody if the client has none.
    fn make_way(&mut self, account: Account, budget: &mut Budget) -> Result<(), NoRoom> {
        let of_client =
            |entry: &(u32, u64)| self.empty_at(entry).is_some_and(|session| session.account == account);
        let place = self.empty.iter().position(of_client).unwrap_or(0);
        let (slot, _) = self.empty.remove(place).ok_or(NoRoom)?;
        self.remove(slot, budget);
        self.forget_started();
        Ok(())
    }

    /// Drops entries of sessions that are not empty any more, up to the oldest that is.
    fn forget_started(&mut self) {
        while self.empty.front().is_some_and(|entry| self.empty_at(entry).is_none()) {
            self.empty.pop_front();
        }
    }

    fn empty_at(&self, &(slot, number): &(u32, u64)) -> Option<&BlockSession> {
        self.sessions.get(slot).filter(|session| session.number == number && session.is_empty())
    }

    fn store(
        &mut self,
        now: Duration,
        key: (SocketAddr, u64),
        (index, count, data): (u64, u64, &[u8]),
        limits: &Limits,
        budget: &mut Budget,
    ) -> Option<u64> {
        let slot = self.sessions.find(&key)?;
        let session = self.sessions.at(slot)?;
        session.last_heard = now;
        if index >= count || count > limits.request as u64 {
            return None;
        }
        if session.is_empty() {
            session.state = BlockSessionState::Reassembling(Reassembly::new(count));
        }
        match &mut session.state {
            BlockSessionState::Reassembling(reassembly) if reassembly.count() == count => {
                reassembly.store(index, data, limits.request, session.account, budget).ok()
            }
            _ => None,
        }
    }

    /// Whether the session was delivered, now or before, and the message if now.
    fn close(
        &mut self,
        now: Duration,
        key: (SocketAddr, u64),
        budget: &mut Budget,
    ) -> Option<(bool, Option<Complete>)> {
        let slot = self.sessions.find(&key)?;
        let session = self.sessions.at(slot)?;
        session.last_heard = now;
        if let BlockSessionState::Closed { delivered } = session.state {
            return Some((delivered, None));
        }
        let account = session.account;
        let BlockSessionState::Reassembling(reassembly) =
            std::mem::replace(&mut session.state, BlockSessionState::Empty)
        else {
            return None; // nothing to close: the original dies of it
        };
        let delivered = reassembly.is_complete();
        session.state = BlockSessionState::Closed { delivered };
        let keep = budget.room_for_idle(account).is_ok() || delivered;
        budget.remove_active(account);
        budget.add_idle(account);
        let complete = if delivered {
            let (message, reserved) = reassembly.into_message();
            Some(Complete { message, account, reserved })
        } else {
            budget.release(account, reassembly.reserved());
            None
        };
        if !keep {
            self.remove(slot, budget);
        }
        Some((delivered, complete))
    }

    fn remove(&mut self, slot: u32, budget: &mut Budget) {
        let Some(session) = self.sessions.remove(slot) else { return };
        match session.state {
            BlockSessionState::Closed { .. } => budget.remove_idle(session.account),
            BlockSessionState::Empty => budget.remove_active(session.account),
            BlockSessionState::Reassembling(reassembly) => {
                budget.release(session.account, reassembly.reserved());
                budget.remove_active(session.account);
            }
        }
    }
}

impl BlockSession {
    fn is_empty(&self) -> bool {
        matches!(self.state, BlockSessionState::Empty)
    }
}
