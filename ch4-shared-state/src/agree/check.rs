//! Whether the agreement was kept, by what happened and the one real clock. The nodes themselves cannot know it.

use std::time::Duration;

use super::agreement::Stamp;
use super::node::{Event, Node};

/// One turn with the pen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    pub stamp: Stamp,
    pub wanted: Duration,
    pub from: Duration,
    /// `None`: it died with the pen.
    pub to: Option<Duration>,
}

/// What the run was.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// All turns, in the order in which they began.
    pub turns: Vec<Turn>,
    /// Turns that began before the one before had ended, by their places. A dead node draws no more.
    pub at_once: Vec<usize>,
    /// Turns with a smaller stamp than one before.
    pub out_of_order: Vec<usize>,
    /// Nodes that wait to the end, and for whom.
    pub blocked: Vec<(usize, Vec<usize>)>,
}

impl Verdict {
    /// Whether no two had the pen at once, and all had it in the order of their stamps.
    pub fn is_safe(&self) -> bool {
        self.at_once.is_empty() && self.out_of_order.is_empty()
    }
}

/// Looks at all nodes when they have ended.
pub fn check(nodes: &[Node]) -> Verdict {
    let mut turns: Vec<Turn> = nodes.iter().flat_map(|node| turns(&node.events)).collect();
    turns.sort_by_key(|turn| (turn.from, turn.stamp));
    let blocked = nodes.iter().enumerate().filter_map(|(id, node)| Some((id, node.waits_for()?))).collect();
    let mut verdict = Verdict { blocked, ..judge(&turns) };
    verdict.turns = turns;
    verdict
}

fn turns(events: &[(Duration, Event)]) -> Vec<Turn> {
    let (mut turns, mut asked): (Vec<Turn>, _) = (Vec::new(), Duration::ZERO);
    for &(at, event) in events {
        match event {
            Event::Wants(_) => asked = at,
            Event::Enters(stamp) => turns.push(Turn { stamp, wanted: asked, from: at, to: None }),
            Event::Leaves => {
                if let Some(turn) = turns.last_mut() {
                    turn.to = Some(at);
                }
            }
            _ => {}
        }
    }
    turns
}

fn judge(turns: &[Turn]) -> Verdict {
    let mut verdict = Verdict::default();
    let (mut free, mut greatest) = (Duration::ZERO, None);
    for (place, turn) in turns.iter().enumerate() {
        if turn.from < free {
            verdict.at_once.push(place);
        }
        if greatest.is_some_and(|greatest| turn.stamp < greatest) {
            verdict.out_of_order.push(place);
        }
        free = free.max(turn.to.unwrap_or(turn.from));
        greatest = greatest.max(Some(turn.stamp));
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(time: u64, node: usize, from: u64, to: Option<u64>) -> Turn {
        let ms = Duration::from_millis;
        Turn { stamp: Stamp { time, node }, wanted: ms(0), from: ms(from), to: to.map(ms) }
    }

    #[test]
    fn two_at_once_and_a_wrong_order_are_found() {
        let right = [turn(1, 0, 0, Some(10)), turn(1, 1, 10, None), turn(3, 0, 11, Some(20))];
        assert!(judge(&right).is_safe());
        let at_once = judge(&[turn(1, 0, 0, Some(10)), turn(1, 1, 9, Some(12)), turn(2, 0, 12, Some(13))]);
        assert_eq!((at_once.at_once, at_once.out_of_order), (vec![1], vec![]));
        let inside = judge(&[turn(1, 0, 0, Some(100)), turn(1, 1, 9, Some(12)), turn(2, 2, 20, Some(30))]);
        assert_eq!(inside.at_once, [1, 2]);
        let order = judge(&[turn(2, 0, 0, Some(10)), turn(1, 1, 11, Some(12)), turn(2, 1, 13, None)]);
        assert_eq!((order.at_once, order.out_of_order), (vec![], vec![1]));
    }
}
