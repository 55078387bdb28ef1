//! How not to guess: check, then act, with the lock let go in between. Notes, chapter 4: *shared state*.
//!
//! ```text
//!   Alice   lock ─ e is open ─ unlock ··················· lock ─ a point for e ─ unlock      b:1;
//!   Bob              lock ─ e is open ─ unlock ······················ lock ─ a point for e   b:1;
//! ```
//!
//! Every access holds the lock, no data race is left, and the compiler is content: what is broken is not memory but the rule, which
//! spans both accesses. The lock must be held from the check to the act, and that is all the difference to the right server.

use std::thread;

use crate::guessword::wire::Response;
use common::core::service::Peer;

use super::GuessService;

impl GuessService {
    /// A guess under two locks, with a pause between them.
    pub(super) fn guess_racing(&self, peer: &Peer, letter: char) {
        let mut shared = self.lock();
        let Some(id) = shared.player(peer) else { return };
        if !shared.game.has(id) {
            return shared.answer(peer, &Response::NotJoined);
        }
        let judged = shared.game.judge(letter);
        drop(shared);

        match self.race {
            Some(pause) if !pause.is_zero() => thread::sleep(pause),
            _ => thread::yield_now(),
        }

        let mut shared = self.lock();
        let done = judged.and_then(|hit| shared.game.score(id, hit));
        let scored = shared.happened(peer, done);
        shared.answer(peer, &Response::Guess(scored));
    }
}
