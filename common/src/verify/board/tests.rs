//! The model against the board itself, and histories that no board would answer.

use std::time::Duration;

use super::*;
use crate::protocol::UnixTime;
use crate::verify::linearizability::{STEPS, Verdict, check};
use crate::verify::{Violation, explain};

fn text(text: &str) -> Text {
    text.into()
}

fn call(
    client: usize,
    called: u64,
    end: u64,
    operation: Operation,
    answer: Answer,
) -> Call<Operation, Answer> {
    let at = Duration::from_micros;
    Call { client, operation, called: at(called), returned: Some((at(end), answer)) }
}

fn publish(client: usize, called: u64, end: u64, what: &str) -> Call<Operation, Answer> {
    call(client, called, end, Operation::Publish(text(what)), Answer::Published(None))
}

#[test]
fn the_model_answers_as_the_board_does() {
    let model = Board { initial: vec![text("old")] };
    let from = ([127, 0, 0, 1], 9).into();
    let mut board = crate::board::Board::default();
    board.publish(*b"old", from, UnixTime::default()).unwrap();
    let mut state = model.initial();
    for what in ["a", "b", "c"] {
        let id = board.publish(what.as_bytes(), from, UnixTime::default()).unwrap().0;
        let (answer, after) = model.step(&state, &Operation::Publish(text(what)));
        assert_eq!(answer, Answer::Published(Some(id)));
        state = after.unwrap();
        for count in [0, 1, 2, 99, u64::MAX] {
            let ids = board.last(count).map(|id| id.0).collect();
            assert_eq!(model.step(&state, &Operation::Last(count)).0, Answer::Ids(ids));
            let texts =
                board.last_messages(count).iter().map(|message| str::from_utf8(&message.text).unwrap());
            let texts = Answer::Texts(texts.map(text).collect());
            assert_eq!(model.step(&state, &Operation::LastTexts(count)).0, texts);
        }
        for id in [0, 1, 3, 4, u64::MAX] {
            let message = board.message(crate::board::Id(id));
            let message = message.map(|message| text(str::from_utf8(&message.text).unwrap()));
            assert_eq!(model.step(&state, &Operation::Get(id)).0, Answer::Message(message));
        }
        for (needle, count) in [("", 1 + state.published.len()), ("o", 1), (what, 1), ("none", 0)] {
            assert_eq!(model.step(&state, &Operation::Search(text(needle))).0, Answer::Found(count as u64));
        }
    }
}

#[test]
fn news_are_each_message_once() {
    let model = Board { initial: vec![text("old")] };
    let (answer, after) = model.step(&model.initial(), &Operation::News(1));
    assert_eq!(answer, Answer::Texts(vec![text("old")]));
    let state = after.unwrap();
    let (answer, after) = model.step(&state, &Operation::News(1));
    assert!(answer == Answer::Texts(Vec::new()) && after.is_none());
    assert_eq!(model.step(&state, &Operation::News(2)).0, Answer::Texts(vec![text("old")]));
}

#[test]
fn ids_are_learnt_from_whoever_read_them() {
    let model = Board::default();
    let history = History::new(vec![
        publish(0, 0, 10, "a"),
        publish(1, 0, 10, "b"),
        publish(2, 0, 10, "never read"),
        call(0, 11, 12, Operation::Get(0), Answer::Message(Some(text("b")))),
        call(0, 13, 14, Operation::LastTexts(0), Answer::Texts(vec![text("b"), text("a")])),
    ]);
    let learnt = model.learn_ids(&history);
    let ids: Vec<_> = learnt.calls()[..3].iter().filter_map(Call::answer).collect();
    assert_eq!(ids, [Some(1), Some(0), None].map(Answer::Published).each_ref());
}

#[test]
fn a_lost_message_is_found_and_what_it_takes_to_see_it() {
    let model = Board::default();
    let history = History::new(vec![
        publish(0, 0, 10, "a"),
        publish(1, 5, 12, "b"),
        call(2, 6, 7, Operation::Last(0), Answer::Ids(vec![])),
        call(2, 20, 21, Operation::Last(0), Answer::Ids(vec![0])),
        call(0, 30, 31, Operation::Get(0), Answer::Message(Some(text("b")))),
    ]);
    let Verdict::Violation(violation) = check(&model, &history, STEPS).verdict else { panic!("a is lost") };
    assert_eq!(violation, Violation { culprit: 3, order: vec![2, 0, 1] });
    let explanation = explain(&model, &history, &violation, STEPS);
    assert_eq!(explanation.right, ["0 1"]);
    assert_eq!(explanation.needed, [0, 1, 3]);
    assert!(explanation.rivals.is_empty());
}

#[test]
fn with_ids_learnt_a_hundred_overlapping_publications_are_no_guesswork() {
    let model = Board::default();
    let name = |index: u64| format!("text {index}");
    let mut calls: Vec<_> = (0..100).map(|index| publish(index, 0, 10, &name(index as u64))).collect();
    let texts = (0..100).rev().map(|index| text(&name(index))).collect();
    calls.push(call(0, 11, 12, Operation::LastTexts(0), Answer::Texts(texts)));
    let history = History::new(calls);
    let outcome = check(&model, &model.learn_ids(&history), STEPS);
    assert!(matches!(outcome.verdict, Verdict::Linearizable(_)), "{outcome:?}");
    assert!(outcome.steps < 10_000, "{}", outcome.steps);
    assert_eq!(check(&model, &history, 10_000).verdict, Verdict::Unknown);
}
