//! All kinds answer alike, alone and at once.

use std::convert::Infallible;
use std::sync::Barrier;
use std::thread;

use common::verify::board::{Answer, Board, Operation};
use common::verify::linearizability::STEPS;
use common::verify::{Verdict, check};
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::verify::recorder::{Clock, Lane, history};

fn ask(board: &dyn SharedBoard, operation: &Operation) -> Answer {
    match operation {
        Operation::Publish(text) => Answer::Published(Some(board.publish(Text::clone(text)))),
        Operation::Get(id) => Answer::Message(board.message(*id)),
        Operation::LastTexts(0) => Answer::Texts(board.last(KEPT)),
        Operation::LastTexts(count) => Answer::Texts(board.last(*count as usize)),
        Operation::Search(needle) => Answer::Found(board.search(needle) as u64),
        Operation::Last(_) | Operation::News(_) | Operation::Notification(_) => {
            unreachable!("not asked here")
        }
    }
}

#[test]
fn the_newest_are_kept_and_older_ones_are_not() {
    for sharing in Sharing::ALL {
        let board = sharing.build();
        let count = 3 * KEPT as u64 + 7;
        for id in 0..count {
            assert_eq!(board.publish(id.to_string().into()), id);
        }
        let oldest = count - KEPT as u64;
        assert_eq!(board.message(oldest - 1), None, "{sharing:?}");
        assert_eq!(board.message(oldest).as_deref(), Some(oldest.to_string().as_str()), "{sharing:?}");
        assert_eq!((board.message(count), board.message(u64::MAX)), (None, None), "{sharing:?}");
        let last = board.last(usize::MAX);
        assert_eq!((last.len(), &*last[0]), (KEPT, oldest.to_string().as_str()), "{sharing:?}");
        assert_eq!(board.last(2).len(), 2);
        assert_eq!((board.search(""), board.search("no number")), (KEPT, 0), "{sharing:?}");
        assert_eq!(board.search(&(oldest - 1).to_string()), 0, "{sharing:?}: it is kept no more");
        assert_eq!(board.search(&oldest.to_string()), 1, "{sharing:?}");
    }
}

#[test]
fn at_once_they_are_linearizable() {
    const THREADS: usize = 4;
    const CALLS: usize = 150;
    for (seed, sharing) in (0..6).flat_map(|seed| Sharing::ALL.map(|sharing| (seed, sharing))) {
        let board = sharing.build();
        let (clock, begin) = (Clock::start(), Barrier::new(THREADS));
        let lanes: Vec<_> = thread::scope(|scope| {
            let client = |client| {
                let (board, begin) = (&board, &begin);
                scope.spawn(move || {
                    let mut rng = StdRng::seed_from_u64(seed * 100 + client as u64);
                    let mut lane = Lane::new(client, clock);
                    begin.wait();
                    for number in 0..CALLS {
                        let operation = match rng.random_range(0..12) {
                            0..5 => Operation::Publish(format!("{client}.{number}").into()),
                            5..8 => Operation::LastTexts(rng.random_range(1..5)),
                            8 => Operation::Search(".".into()), // all
                            9 => Operation::Search(format!("{}.", rng.random_range(0..THREADS)).into()),
                            _ => Operation::Get(rng.random_range(0..(THREADS * number + 1) as u64)),
                        };
                        let done =
                            lane.call(operation, |operation| Ok::<_, Infallible>(ask(&**board, operation)));
                        assert!(done.is_ok());
                    }
                    lane
                })
            };
            let threads: Vec<_> = (0..THREADS).map(client).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let history = history(lanes);
        let outcome = check(&Board::default(), &history, STEPS);
        assert!(matches!(outcome.verdict, Verdict::Linearizable(_)), "{sharing:?}, seed {seed}: {outcome:?}");
    }
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        "[a-c]{0,3}".prop_map(|text| Operation::Publish(text.into())),
        (0..40u64).prop_map(Operation::Get),
        (0..40u64).prop_map(Operation::LastTexts),
        "[a-c]{0,2}".prop_map(|needle| Operation::Search(needle.into())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn alone_they_answer_as_the_model(operations in prop::collection::vec(operation(), 0..80)) {
        use common::verify::Specification as _;
        for sharing in Sharing::ALL {
            let (board, model) = (sharing.build(), Board::default());
            let mut state = model.initial();
            for operation in &operations {
                let (right, after) = model.step(&state, operation);
                prop_assert_eq!(ask(&*board, operation), right, "{:?}: {}", sharing, operation);
                state = after.unwrap_or(state);
            }
        }
    }
}
