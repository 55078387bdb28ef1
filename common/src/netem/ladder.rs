//! The recording as a ladder in the terminal: a line for each datagram, at the time when it was sent.
//!
//! ```text
//! udp flow 0                  client            link            server
//!    0.000 ms        #0 2hello  │──────────────────────────────▶│             +20.000 ms
//!    1.204 ms         #1 world  │───────────────✕               │             lost
//!   21.310 ms                   │◀──────────────!───────────────│ #0 1ok      +20.000 ms, corrupted
//! ```

use std::collections::BTreeMap;
use std::fmt::Write;

use super::profile::Direction;
use super::recording::{Arrival, LinkEvent, Outcome, milliseconds};

/// Width of a label, characters.
const LABEL: usize = 22;
/// Width between the lanes; odd, so that there is a middle.
const LANES: usize = 31;

/// The first `lines` of what happened, flow by flow, and how many were left out.
#[must_use]
pub fn ladder(events: &[LinkEvent], lines: usize) -> String {
    let mut flows: BTreeMap<_, Vec<&LinkEvent>> = BTreeMap::new();
    let mut by_time: Vec<&LinkEvent> = events.iter().collect();
    by_time.sort_by_key(|event| event.at);
    for event in by_time.iter().take(lines) {
        flows.entry((event.carrier, event.flow)).or_default().push(event);
    }
    let mut text = String::new();
    for ((carrier, flow), events) in flows {
        let name = format!("{carrier} flow {flow}");
        let middle = LANES / 2 - 2;
        let _ =
            writeln!(text, "{name:13} {:>LABEL$}{:>middle$}{:>3$}", "client", "link", "server", middle + 3);
        for event in events {
            let _ = writeln!(text, "{}", line(event).trim_end());
        }
    }
    let left_out = events.len().saturating_sub(lines);
    if left_out > 0 {
        let _ = writeln!(text, "… and {left_out} more");
    }
    text
}

fn line(event: &LinkEvent) -> String {
    let label = format!("#{} {}", event.index, event.label);
    let label: String = label.chars().take(LABEL).collect();
    let (left, right) = match event.direction {
        Direction::Up => (label, String::new()),
        Direction::Down => (String::new(), label),
    };
    let shaft = shaft(event);
    let time = milliseconds(event.at);
    format!("{time:>13} {left:>LABEL$} │{shaft}│ {right:<LABEL$} {}", what(event))
}

fn shaft(event: &LinkEvent) -> String {
    let middle = LANES / 2;
    let corrupted = event.arrivals.iter().any(|arrival| arrival.corrupted);
    let mut shaft: Vec<char> = vec!['─'; LANES];
    let mark = match event.outcome {
        Outcome::Lost => Some('✕'),
        Outcome::Cut => Some('╳'),
        Outcome::QueueFull => Some('■'),
        Outcome::Reset => Some('↯'),
        Outcome::Passed | Outcome::Closed => None,
    };
    if let Some(mark) = mark {
        shaft[middle] = mark;
        shaft[middle + 1..].fill(' ');
    } else {
        shaft[LANES - 1] = '▶';
        if corrupted {
            shaft[middle] = '!';
        } else if event.arrivals.len() > 1 {
            shaft[middle] = '2';
        }
    }
    if event.direction == Direction::Down {
        shaft.reverse();
        shaft.iter_mut().filter(|c| **c == '▶').for_each(|c| *c = '◀');
    }
    shaft.into_iter().collect()
}

fn what(event: &LinkEvent) -> String {
    let arrival = |arrival: &Arrival| {
        let late = milliseconds(arrival.at.saturating_sub(event.at));
        let reordered = if arrival.reordered { ", held back" } else { "" };
        let corrupted = if arrival.corrupted { ", corrupted" } else { "" };
        format!("+{late}{reordered}{corrupted}")
    };
    match event.outcome {
        Outcome::Lost => "lost".into(),
        Outcome::Cut => "cut".into(),
        Outcome::QueueFull => "queue full".into(),
        Outcome::Reset => "reset".into(),
        Outcome::Closed => "end".into(),
        Outcome::Passed => event.arrivals.iter().map(arrival).collect::<Vec<_>>().join("  and  "),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Profile, Wire};
    use super::*;

    fn run(count: u8) -> Vec<LinkEvent> {
        let profile = Profile { loss: 0.2, duplicate: 0.2, corrupt: 0.2, reorder: 0.2, ..Profile::default() };
        let mut events = Vec::new();
        for direction in Direction::BOTH {
            let mut wire = Wire::new(profile.clone(), 1, 0, direction).recorded();
            for byte in 0..count {
                wire.send(Duration::from_millis(u64::from(byte)), vec![b'a' + byte % 26; 30]);
            }
            events.append(&mut wire.take_events());
        }
        events
    }

    #[test]
    fn a_line_for_each_datagram_and_a_cross_for_each_lost_one() {
        let events = run(100);
        let text = ladder(&events, usize::MAX);
        assert_eq!(text.lines().count(), 201);
        let lost = events.iter().filter(|event| event.outcome == Outcome::Lost).count();
        assert_eq!(text.matches('✕').count(), lost);
        assert_eq!(text.matches(['▶', '◀']).count(), 200 - lost);
        let twice = events.iter().filter(|event| event.arrivals.len() == 2).count();
        assert_eq!(text.matches("  and  ").count(), twice);
    }

    #[test]
    fn it_is_bounded_and_says_what_it_leaves_out() {
        let text = ladder(&run(100), 10);
        assert_eq!(text.lines().count(), 12);
        assert!(text.ends_with("… and 190 more\n"));
        assert_eq!(ladder(&[], 10), "");
    }

    #[test]
    fn the_lanes_are_straight() {
        let text = ladder(&run(50), usize::MAX);
        let places = |line: &str| {
            line.chars().enumerate().filter(|(_, c)| *c == '│').map(|(i, _)| i).collect::<Vec<_>>()
        };
        let first = places(text.lines().nth(1).unwrap());
        assert_eq!(first.len(), 2);
        assert!(text.lines().skip(1).all(|line| places(line) == first));
    }
}
