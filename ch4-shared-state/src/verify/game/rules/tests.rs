//! The model against the structure that the server has: the same random requests, the same answers.

use crate::guessword::wire::Score;
use proptest::prelude::*;

use super::*;
use crate::guessword::game::{Game, PlayerId};

fn action() -> impl Strategy<Value = Action> {
    let word = prop_oneof![Just("tea"), Just("neat"), Just("tent")];
    prop_oneof![
        prop_oneof![Just("Ann"), Just("Bob")].prop_map(|name| Action::Join(name.into())),
        word.prop_map(|word| Action::Propose(word.into())),
        prop_oneof![Just('a'), Just('e'), Just('n'), Just('t'), Just('z')].prop_map(Action::Guess),
        Just(Action::State),
        Just(Action::Scores),
        Just(Action::Leave),
    ]
}

fn ask(game: &mut Game, operation: &Operation) -> Answer {
    let id = PlayerId(operation.player.into());
    match &operation.action {
        Action::Join(name) => Answer::Done(game.join(id, name).is_ok()),
        Action::Leave => {
            game.leave(id);
            Answer::Left
        }
        _ if !game.has(id) => Answer::NotJoined,
        Action::Propose(word) => Answer::Done(game.propose(id, word).is_ok()),
        Action::Guess(letter) => Answer::Done(game.guess(id, *letter).is_ok()),
        Action::State => Answer::Progress(game.progress().into()),
        Action::Scores => {
            let score = |Score { name, points }: Score| (name.into(), points);
            Answer::Scores(game.scores().into_iter().map(score).collect())
        }
    }
}

proptest! {
    #[test]
    fn the_model_answers_as_the_game_does(requests in prop::collection::vec((0..3u32, action()), 0..60)) {
        let rules = Rules::default();
        let (mut game, mut state) = (Game::default(), rules.initial());
        for (player, action) in requests {
            let operation = Operation { player, action };
            let given = ask(&mut game, &operation);
            let (right, after) = rules.step(&state, &operation);
            prop_assert_eq!(&right, &given, "{:?}", operation);
            prop_assert!(after.is_none() || !rules.is_read(&operation, &given), "a read that changes something");
            state = after.unwrap_or(state);
        }
    }
}

#[test]
fn scores_may_come_in_any_order_and_with_no_other_points() {
    let score = |name: &str, points| (Arc::from(name), points);
    let right = Answer::Scores(vec![score("Ann", 2), score("Bob", 1), score("Cid", 1)]);
    let other_order = Answer::Scores(vec![score("Cid", 1), score("Ann", 2), score("Bob", 1)]);
    let other_points = Answer::Scores(vec![score("Cid", 1), score("Ann", 1), score("Bob", 2)]);
    let one_is_missing = Answer::Scores(vec![score("Ann", 2), score("Bob", 1)]);
    let agrees = |given| Rules::default().agrees(&right, &given);
    assert!(agrees(other_order) && !agrees(other_points) && !agrees(one_is_missing));
}
