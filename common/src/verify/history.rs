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

    /// What was known when so many calls had returned: calls that were open then have no answer. If no order explains that, none
    /// explains the whole.
    #[must_use]
    pub fn prefix(&self, returns: usize) -> History<O, A>
    where
        O: Clone,
        A: Clone,
    {
        let mut ends: Vec<Duration> =
            self.calls.iter().filter_map(|call| Some(call.returned.as_ref()?.0)).collect();
        ends.sort_unstable();
        let Some(until) = returns.checked_sub(1).and_then(|last| ends.get(last)).copied() else {
            return History { calls: if returns == 0 { Vec::new() } else { self.calls.clone() } };
        };
        let known = self.calls.iter().filter(|call| call.called <= until).cloned().map(|call| {
            let returned = call.returned.filter(|(at, _)| *at <= until);
            Call { returned, ..call }
        });
        History { calls: known.collect() }
    }

    /// How many calls have returned.
    pub fn returns(&self) -> usize {
        self.calls.iter().filter(|call| call.returned.is_some()).count()
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
    fn a_prefix_knows_what_had_come_by_then() {
        let history = History::new(vec![
            call(0, 0, Some(5)),
            call(1, 1, Some(9)),
            call(2, 6, Some(7)),
            call(3, 8, None),
        ]);
        let ends = |history: &History<(), ()>| -> Vec<Option<u64>> {
            let end = |call: &Call<(), ()>| Some(call.returned.as_ref()?.0.as_micros() as u64);
            history.calls().iter().map(end).collect()
        };
        assert_eq!(ends(&history.prefix(0)), []);
        assert_eq!(ends(&history.prefix(1)), [Some(5), None]);
        assert_eq!(ends(&history.prefix(2)), [Some(5), None, Some(7)]);
        assert_eq!((history.prefix(3), history.prefix(9)), (history.clone(), history.clone()));
        assert_eq!((history.returns(), history.prefix(2).returns()), (3, 2));
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
