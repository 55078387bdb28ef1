//! A lock for each part: message `id` lies in part `id mod 16`, and those who want different messages do not meet.
//!
//! ```text
//!   next      takes an id ──► its part is locked and written ──► waits until all before it are complete
//!   complete  ─────────────────────────────────────────────────► counts on: now it is on the board
//! ```
//!
//! What is easy with one lock is hard with many: an order, and a look at the whole. Without the second counter, a reader could find
//! message 6 and not yet 5, and `last` would see a board that never was. So publications queue up at `complete`, and the parts help the
//! readers only. The price is there, in the locks of `last` (one for each message), and in this much to think about.
//!
//! `search` goes through the parts one by one, each under its own lock, while others publish. All the same it counts the board of one
//! moment: that of its look at `complete`. A message below that number does not change any more, wherever the search has got to, and
//! those above are not counted. Only one that was overwritten meanwhile is missing; then the board is looked at again.

use std::hint;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use super::recent::KEPT;
use super::shared_board::{SharedBoard, Text};

const PARTS: u64 = 16;
/// Places in all parts: twice as many as are kept, so that a message is overwritten only long after it is none of them, as long as
/// fewer than [`KEPT`] threads publish at once.
const PLACES: u64 = 2 * KEPT as u64;
/// Looks at a counter that is about to change, before the core is left to others: the one waited for may need it.
const SPINS: u32 = 100;

/// Where a message lies, with its id: an older one may still lie there.
type Place = Option<(u64, Text)>;

type Part = Mutex<Vec<Place>>;

/// A board in parts.
#[derive(Debug)]
pub struct Sharded {
    next: AtomicU64,
    /// All ids below are on the board. Sequentially consistent: after a mere release, who has published could return before another
    /// core sees it (the store waits in a buffer), and a reader who comes later would miss it.
    complete: AtomicU64,
    parts: Vec<Part>,
}

impl Default for Sharded {
    fn default() -> Sharded {
        let part = || Mutex::new(vec![None; (PLACES / PARTS) as usize]);
        let parts = (0..PARTS).map(|_| part()).collect();
        Sharded { next: AtomicU64::new(0), complete: AtomicU64::new(0), parts }
    }
}

impl Sharded {
    fn at<R>(&self, id: u64, act: impl FnOnce(&mut Place) -> R) -> R {
        let mut places = lock(&self.parts[(id % PARTS) as usize]);
        act(&mut places[(id % PLACES / PARTS) as usize])
    }

    /// The text with an id that is on the board; `None` when it has been overwritten meanwhile.
    fn read(&self, id: u64) -> Option<Text> {
        self.at(id, |place| {
            place.as_ref().filter(|(there, _)| *there == id).map(|(_, text)| Text::clone(text))
        })
    }

    /// How many of these, which are on the board, contain the needle; `None` when one of them has been overwritten meanwhile.
    fn count(&self, ids: &Range<u64>, needle: &str) -> Option<usize> {
        let (mut seen, mut found) = (0, 0);
        for part in &self.parts {
            for (_, text) in lock(part).iter().flatten().filter(|(id, _)| ids.contains(id)) {
                seen += 1;
                found += usize::from(text.contains(needle));
            }
        }
        (seen == ids.end - ids.start).then_some(found)
    }
}

fn lock(part: &Part) -> MutexGuard<'_, Vec<Place>> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SharedBoard for Sharded {
    fn publish(&self, text: Text) -> u64 {
        let id = self.next.fetch_add(1, SeqCst);
        let overwritten = self.at(id, |place| place.replace((id, text)));
        let mut looks = 0;
        while self.complete.load(SeqCst) != id {
            looks += 1;
            if looks < SPINS { hint::spin_loop() } else { thread::yield_now() }
        }
        self.complete.store(id + 1, SeqCst);
        drop(overwritten); // freed while nobody waits for it
        id
    }

    fn message(&self, id: u64) -> Option<Text> {
        let end = self.complete.load(SeqCst);
        let is_kept = id < end && end - id <= KEPT as u64;
        if is_kept { self.read(id) } else { None }
    }

    fn last(&self, count: usize) -> Vec<Text> {
        loop {
            let end = self.complete.load(SeqCst);
            let begin = end.saturating_sub(count.min(KEPT) as u64);
            let texts: Option<Vec<Text>> = (begin..end).map(|id| self.read(id)).collect();
            // Overwritten: more than a thousand were published during this look. The board is another one.
            if let Some(texts) = texts {
                return texts;
            }
        }
    }

    fn search(&self, needle: &str) -> usize {
        loop {
            let end = self.complete.load(SeqCst);
            let kept = end.saturating_sub(KEPT as u64)..end;
            if let Some(count) = self.count(&kept, needle) {
                return count;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_knows_when_it_was_overtaken() {
        let board = Sharded::default();
        let fill = |text: &str| (0..KEPT).for_each(|_| assert!(board.publish(text.into()) < u64::MAX));
        let ids = 0..KEPT as u64;
        fill("a");
        fill("b");
        assert_eq!(board.count(&ids, "a"), Some(KEPT), "they are no more kept, but still there");
        board.publish("c".into());
        assert_eq!(board.count(&ids, "a"), None);
        assert_eq!((board.search("a"), board.search("b"), board.search("c")), (0, KEPT - 1, 1));
    }
}
