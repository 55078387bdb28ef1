//! A cell in virtual time: the same seed is the same cell.

use std::ops::RangeInclusive;

use super::cell::{CallRecord, Cell};
use super::scenario::{Fault, Row, Severity};
use super::virtual_time::{Ended, Link, World};

/// Runs a cell.
#[must_use]
pub fn simulate(row: Row, fault: Fault, severity: &Severity, calls: u64, seed: u64) -> Cell {
    let link = Link::seeded(&fault.profile(severity), seed);
    let mut world = World::new(row.client(), fault.host(row), link).crashing_again();
    let publish = |number: u64| {
        let first = world.last_sequence() + 1;
        let ended = world.publish(text(number).as_bytes());
        (number, ended, first..=world.last_sequence())
    };
    let ended: Vec<(u64, Ended, RangeInclusive<u64>)> = (1..=calls).map(publish).collect();
    world.come_to_rest(fault.rest());
    let record = |(number, Ended { text, outcome }, sequences)| CallRecord {
        number,
        outcome,
        executions: world.executions(&text),
        sequences,
    };
    let calls = ended.into_iter().map(record).collect();
    let (datagrams, restarts) = (world.trace().len() as u64, world.starts() - 1);
    Cell { row, fault, calls, datagrams, restarts, events: world.take_events() }
}

/// The text of a call, which no other call has.
pub(super) fn text(number: u64) -> String {
    format!("call {number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEVERITY: Severity = Severity { loss: 0.2, duplicate: 0.3, reorder: 0.3 };

    #[test]
    fn no_promise_is_broken_and_each_fault_shows_what_it_should() {
        for row in Row::ALL {
            for fault in Fault::ALL {
                let cell = simulate(row, fault, &SEVERITY, 60, 7);
                assert_eq!(cell.broken(), [""; 0]);
                let figures = cell.figures();
                assert_eq!(figures.never + figures.once + figures.more, 60);
                assert_eq!(figures.restarts > 0, fault.crash().is_some(), "{row:?} {fault:?}");
                assert!(cell.interesting().is_some_and(|(_, events)| !events.is_empty()));
            }
        }
        let more = |row: usize, fault| simulate(Row::ALL[row], fault, &SEVERITY, 60, 7).figures().more;
        // What maybe does not survive is duplication; what at-least-once does not survive is everything but a clean network.
        assert_eq!(
            [Fault::Loss, Fault::Reordering, Fault::RestartBeforeAnswer].map(|fault| more(0, fault)),
            [0; 3]
        );
        assert!(more(0, Fault::Duplication) > 0);
        for fault in [
            Fault::Loss,
            Fault::Duplication,
            Fault::Reordering,
            Fault::SlowServer,
            Fault::RestartBeforeAnswer,
        ] {
            assert!(more(1, fault) > 0, "{fault:?}");
        }
        assert_eq!(more(1, Fault::Clean), 0);
        assert!(
            more(2, Fault::RestartBeforeRecord) > 0,
            "the hole of a table that does not notice a restart"
        );
    }

    #[test]
    fn the_same_seed_is_the_same_cell() {
        let figures = |seed| simulate(Row::ALL[3], Fault::Loss, &SEVERITY, 50, seed).figures();
        assert_eq!(figures(3), figures(3));
        assert_ne!(figures(3), figures(4));
    }
}
