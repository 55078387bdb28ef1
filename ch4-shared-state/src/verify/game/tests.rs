//! The model against the structure that the server has: the same random requests, the same answers.

use crate::guessword::wire::Score;
use proptest::prelude::*;

use super::*;
use crate::guessword::game::{Game, PlayerId};

fn what() -> impl Strategy<Value = What> {
    let word = prop_oneof![Just("tea"), Just("neat"), Just("tent")];
    prop_oneof![
        prop_oneof![Just("Ann"), Just("Bob")].prop_map(|name| What::Join(name.into())),
        word.prop_map(|word| What::Propose(word.into())),
        prop_oneof![Just('a'), Just('e'), Just('n'), Just('t'), Just('z')].prop_map(What::Guess),
        Just(What::State),
        Just(What::Scores),
        Just(What::Leave),
    ]
}

fn ask(game: &mut Game, operation: &Operation) -> Answer {
    let id = PlayerId(operation.seat.into());
    match &operation.what {
        What::Join(name) => Answer::Done(game.join(id, name).is_ok()),
        What::Leave => {
            game.leave(id);
            Answer::Left
        }
        _ if !game.has(id) => Answer::NotJoined,
        What::Propose(word) => Answer::Done(game.propose(id, word).is_ok()),
        What::Guess(letter) => Answer::Done(game.guess(id, *letter).is_ok()),
        What::State => Answer::Progress(game.progress().into()),
        What::Scores => {
            let score = |Score { name, points }: Score| (name.into(), points);
            Answer::Scores(game.scores().into_iter().map(score).collect())
        }
    }
}

proptest! {
    #[test]
    fn the_model_answers_as_the_game_does(requests in prop::collection::vec((0..3u32, what()), 0..60)) {
        let rules = Rules::default();
        let (mut game, mut table) = (Game::default(), rules.initial());
        for (seat, what) in requests {
            let operation = Operation { seat, what };
            let given = ask(&mut game, &operation);
            let (right, after) = rules.step(&table, &operation);
            prop_assert_eq!(&right, &given, "{:?}", operation);
            prop_assert!(after.is_none() || !rules.is_read(&operation, &given), "a read that changes something");
            table = after.unwrap_or(table);
        }
    }
}
