//! The server of the original block protocol: one session per message, upload only. Notes, chapter 2, part 2.
//!
//! ```text
//!          a?0            first b                  c, all blocks here
//! (none) ───────▶ empty ──────────▶ reassembling ─────────────────────▶ closed: 0?1, and the request is delivered
//!                   │                    │ c, not all
//!                   │                    └─────────────────────────▶ closed: 0?0
//!                   └ makes way for later openings                any: gone after 30 s without a datagram
//! ```
//!
//! A closed session remembers its verdict for a while: the client, whose copy of it may be lost, asks again and gets the same, and
//! the request is not delivered twice. The original knows no limits; here they are, and who passes one gets `z`.
//!
//! `a?0` comes from an address that may be forged. So an empty session counts for no limit, neither of its client nor of all: whatever
//! the number of openings, they take no place from a session of either protocol. The last [`UNPROVED`] of them are kept. A first
//! block shows that its sender reads what is sent to that address, and only then the session takes a place.

use std::collections::VecDeque;
use std::hash::Hasher;
use std::net::SocketAddr;
use std::time::Duration;

use siphasher::sip::SipHasher24;

use super::super::budget::{Account, Budget, Reserved};
use super::super::deadlines::Deadlines;
use super::super::pdu::{RequestPdu, ResponsePdu};
use super::reassembly::Reassembly;
use super::slot_table::SlotTable;

/// Numbers of sessions are below this: then `0?<session>` is at most 18 bytes, what the smallest Ethernet frame carries.
const NUMBERS: u64 = 10_000_000_000_000_000;

/// Empty sessions at most, about 2 MiB in all: the oldest makes way for one more. A client needs its own for a round trip, from the
/// opening to the first block. To take it away in 100 ms, an attacker must send 160 000 openings a second.
pub const UNPROVED: usize = 16_384;

/// All sessions of the original protocol.
#[derive(Debug)]
pub struct BlockSessions {
    sessions: SlotTable<(SocketAddr, u64), BlockSession>,
    expiries: Deadlines,
    /// The last openings, the oldest first. Their sessions may have a block by now, or be gone.
    opened: VecDeque<Opened>,
    /// The message that the last PDU has completed.
    complete: Option<Reserved>,
    secret: [u8; 16],
    made: u64,
}

/// A session as it was opened. Its slot may be another session's by now.
#[derive(Debug, Clone, Copy)]
struct Opened {
    slot: u32,
    number: u64,
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

impl BlockSessions {
    /// None yet; the secret makes the numbers unguessable.
    pub fn new(secret: [u8; 16]) -> BlockSessions {
        BlockSessions {
            sessions: SlotTable::default(),
            expiries: Deadlines::default(),
            opened: VecDeque::new(),
            complete: None,
            secret,
            made: 0,
        }
    }

    /// Answers a PDU. Then ask [`BlockSessions::poll_request`] whether it has completed a message.
    pub fn handle_pdu(
        &mut self,
        now: Duration,
        from: SocketAddr,
        pdu: &RequestPdu<'_>,
        budget: &mut Budget,
    ) -> ResponsePdu {
        let done = match *pdu {
            RequestPdu::Open => Some(self.open(now, from, budget)),
            RequestPdu::OpenExtension => None,
            RequestPdu::Block { length, data, .. } if data.len() as u64 != length => {
                return ResponsePdu::WrongLength;
            }
            RequestPdu::Block { session, index, count, data, .. } => self
                .find(now, from, session)
                .and_then(|slot| self.sessions.at(slot)?.store(index, count, data, budget)),
            RequestPdu::Close { session } => {
                self.find(now, from, session).and_then(|slot| self.close(slot, budget)).map(u64::from)
            }
        };
        done.map_or(ResponsePdu::NotUnderstood, ResponsePdu::Done)
    }

    /// The message that the last PDU has completed, once.
    pub fn poll_request(&mut self) -> Option<Reserved> {
        self.complete.take()
    }

    /// When [`BlockSessions::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Option<Duration> {
        self.expiries.deadline()
    }

    /// Forgets sessions that have been silent for too long.
    pub fn handle_timeout(&mut self, now: Duration, budget: &mut Budget) {
        while let Some(slot) = self.expiries.due(now) {
            let Some(session) = self.sessions.at(slot) else { continue };
            let end = session.last_heard + budget.limits().idle_timeout;
            if now < end {
                self.expiries.set(slot, end);
            } else {
                self.remove(slot, budget);
            }
        }
    }

    /// The slot of a session, which was heard of now.
    fn find(&mut self, now: Duration, from: SocketAddr, number: u64) -> Option<u32> {
        let slot = self.sessions.find(&(from, number))?;
        self.sessions.at(slot)?.last_heard = now;
        Some(slot)
    }

    fn open(&mut self, now: Duration, from: SocketAddr, budget: &mut Budget) -> u64 {
        if self.opened.len() >= UNPROVED
            && let Some(oldest) = self.opened.pop_front()
            && self.is_still_empty(oldest)
        {
            self.remove(oldest.slot, budget);
        }
        let number = self.new_number(from);
        let account = Account::of(from.ip());
        let session = BlockSession { number, account, last_heard: now, state: BlockSessionState::Empty };
        let slot = self.sessions.insert((from, number), session);
        self.expiries.set(slot, now + budget.limits().idle_timeout);
        self.opened.push_back(Opened { slot, number });
        number
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

    fn is_still_empty(&self, opened: Opened) -> bool {
        let session = self.sessions.get(opened.slot);
        session.is_some_and(|session| session.number == opened.number && session.is_empty())
    }

    /// Whether the session was delivered, now or before.
    fn close(&mut self, slot: u32, budget: &mut Budget) -> Option<bool> {
        let session = self.sessions.at(slot)?;
        if let BlockSessionState::Closed { delivered } = session.state {
            return Some(delivered);
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
        if delivered {
            self.complete = Some(reassembly.into_message());
        } else {
            reassembly.abandon(budget);
        }
        if !keep {
            self.remove(slot, budget);
        }
        Some(delivered)
    }

    fn remove(&mut self, slot: u32, budget: &mut Budget) {
        let Some(session) = self.sessions.remove(slot) else { return };
        match session.state {
            BlockSessionState::Closed { .. } => budget.remove_idle(session.account),
            BlockSessionState::Empty => {}
            BlockSessionState::Reassembling(reassembly) => {
                reassembly.abandon(budget);
                budget.remove_active(session.account);
            }
        }
    }
}

impl BlockSession {
    fn is_empty(&self) -> bool {
        matches!(self.state, BlockSessionState::Empty)
    }

    /// Stores a block; how many distinct ones there are now. `None` if it is not taken.
    fn store(&mut self, index: u64, count: u64, data: &[u8], budget: &mut Budget) -> Option<u64> {
        if index >= count || count > budget.limits().request as u64 {
            return None;
        }
        if self.is_empty() {
            budget.add_active(self.account).ok()?;
            self.state = BlockSessionState::Reassembling(Reassembly::new(self.account, count));
        }
        match &mut self.state {
            BlockSessionState::Reassembling(reassembly) if reassembly.count() == count => {
                reassembly.store(index, data, budget).ok()
            }
            _ => None,
        }
    }
}
