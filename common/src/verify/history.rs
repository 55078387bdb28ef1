//! What clients did, and when: each call an interval.
//!
//! ```text
//!   client 0   ├── publish "a" ──┤ ok        ├── last 1 ──┤ 0
//!   client 1            ├─── publish "b" ───┤ ok
//!   client 2                 ├── get 1 ──────────── …             it never returned
//!              ───────────────────────────────────────► time
//! ```
//!
//! A call that ends before another begins comes before it in every order. Two that overlap may be put either way. One that never
//! returned (a time-out, a connection that broke) overlaps all later ones, and it may have taken effect or not: nobody knows.
//!
//! The times must come from one clock, read *before* the request is sent and *after* its answer is read. Intervals that are too
//! long only hide violations; intervals that are too short invent them.

use std::time::Duration;

/// One call of one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call<O, A> {
    /// Who called: the lane of the picture. One client has one call at a time.
    pub client: usize,
    /// What was asked.
    pub operation: O,
    /// When, since the beginning of the history.
    pub called: Duration,
    /// When the answer had come, and the answer; `None` for a call that never returned.
    pub returned: Option<(Duration, A)>,
}

/// Calls in the order of their beginnings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History<O, A> {
    calls: Vec<Call<O, A>>,
}

impl<O, A> Call<O, A> {
    /// The answer, if one came.
    pub fn answer(&self) -> Option<&A> {
        self.returned.as_ref().map(|(_, answer)| answer)
    }

    /// When it ended; a call that never returned ends after everything else.
    pub fn end(&self) -> Duration {
        self.returned.as_ref().map_or(Duration::MAX, |(at, _)| *at)
    }

    /// Whether this call and the other overlap, so that they may be put either way. Times that are equal overlap.
    pub fn overlaps(&self, other: &Call<O, A>) -> bool {
        self.called <= other.end() && other.called <= self.end()
    }
}

impl<O, A> History<O, A> {
    /// A history of these calls, which it sorts by their beginnings. Calls that begin at one time keep their order.
    ///
    /// # Panics
    /// When a call returned before it was made: the clock is not one clock.
    pub fn new(mut calls: Vec<Call<O, A>>) -> History<O, A> {
        assert!(calls.iter().all(|call| call.called <= call.end()), "a call returned before it was made");
        calls.sort_by_key(|call| call.called);
        History { calls }
    }

    /// The calls.
    pub fn calls(&self) -> &[Call<O, A>] {
        &self.calls
    }

    /// The number of lanes: one more than the highest client.
    pub fn clients(&self) -> usize {
        self.calls.iter().map(|call| call.client + 1).max().unwrap_or(0)
    }

    /// The most calls that were open at one moment.
    pub fn most_at_once(&self) -> usize {
        let mut events: Vec<(Duration, i32)> =
            self.calls.iter().flat_map(|call| [(call.called, 1), (call.end(), -1)]).collect();
        // At one moment, beginnings before ends: equal times overlap.
        events.sort_by_key(|&(at, change)| (at, -change));
        let open = events.iter().scan(0, |open, (_, change)| {
            *open += change;
            Some(*open)
        });
        open.max().unwrap_or(0).unsigned_abs() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(client: usize, called: u64, returned: Option<u64>) -> Call<(), ()> {
        let at = Duration::from_micros;
        Call { client, operation: (), called: at(called), returned: returned.map(|end| (at(end), ())) }
    }

    #[test]
    fn calls_overlap_or_one_comes_first() {
        let (a, b, c) = (call(0, 0, Some(5)), call(1, 5, Some(6)), call(2, 6, None));
        assert!(a.overlaps(&b) && b.overlaps(&a), "at one moment");
        assert!(!a.overlaps(&c) && !c.overlaps(&a));
        let history = History::new(vec![c, b, a]);
        assert_eq!(history.calls()[0].client, 0);
        assert_eq!((history.clients(), history.most_at_once()), (3, 2));
        assert_eq!(History::<(), ()>::new(Vec::new()).most_at_once(), 0);
    }
}
