//! The rules one by one, and what holds whatever the players do.

use proptest::prelude::*;

use super::*;

const ALICE: PlayerId = PlayerId(1);
const BOB: PlayerId = PlayerId(2);

/// Alice and Bob, and the word if it is not empty.
fn game(word: &str) -> Game {
    let mut game = Game::default();
    game.join(ALICE, "Alice").unwrap();
    game.join(BOB, "Bob").unwrap();
    if !word.is_empty() {
        game.propose(ALICE, word).unwrap();
    }
    game
}

fn points(game: &Game) -> Vec<(String, u64)> {
    game.scores().into_iter().map(|score| (score.name, score.points)).collect()
}

fn said(done: Result<Notice, Refused>) -> String {
    done.unwrap().to_string()
}

#[test]
fn a_round_from_the_proposal_to_the_win() {
    let mut game = game("");
    assert_eq!(game.progress(), "");
    assert_eq!(game.guess(ALICE, 'e'), Err(Refused::NoWord));
    assert_eq!(said(game.propose(ALICE, "Eel")), "Alice proposed a word of 3 characters");
    assert_eq!(game.progress(), "___");
    assert_eq!(said(game.guess(BOB, 'E')), "Bob guessed e");
    assert_eq!(game.progress(), "Ee_");
    assert_eq!(game.guess(ALICE, 'e'), Err(Refused::TriedAlready));
    assert_eq!(game.guess(ALICE, 'x'), Err(Refused::NotInWord));
    assert_eq!(game.guess(BOB, 'X'), Err(Refused::TriedAlready));
    assert_eq!(game.guess(ALICE, '1'), Err(Refused::NotALetter));
    assert_eq!(said(game.guess(BOB, 'l')), "Bob won, propose a new word: it was Eel");
    assert_eq!(game.progress(), "");
    assert_eq!(points(&game), [("Bob".into(), 2), ("Alice".into(), 0)]);
    assert!(game.propose(BOB, "next").is_ok());
    assert!(game.guess(BOB, 'x').is_ok(), "the tried letters of the last round are forgotten");
}

#[test]
fn the_first_proposal_wins() {
    let mut game = game("one");
    assert_eq!(game.propose(BOB, "two"), Err(Refused::WordThere));
    assert_eq!(game.progress(), "___");
}

#[test]
fn a_word_that_is_none_leaves_the_place_free() {
    let mut game = game("");
    assert!(matches!(game.propose(ALICE, "12"), Err(Refused::BadWord(_))));
    assert!(game.propose(BOB, "two").is_ok());
}

#[test]
fn players_come_and_go_in_the_middle_of_a_word() {
    let mut game = game("eel");
    game.guess(ALICE, 'e').unwrap();
    let carol = PlayerId(3);
    assert_eq!(said(game.join(carol, "Carol")), "Carol joined");
    assert_eq!(game.leave(ALICE).unwrap().to_string(), "Alice left");
    assert_eq!((game.leave(ALICE), game.guess(ALICE, 'l')), (None, Err(Refused::NotJoined)));
    assert_eq!(game.progress(), "ee_");
    game.guess(carol, 'l').unwrap();
    // The name is free, and the points are gone.
    game.join(PlayerId(4), "Alice").unwrap();
    assert_eq!(points(&game), [("Carol".into(), 1), ("Alice".into(), 0), ("Bob".into(), 0)]);
    assert!(!game.has(ALICE) && game.has(PlayerId(4)));
}

#[test]
fn names_are_one_each() {
    let mut game = game("");
    let carol = PlayerId(3);
    assert_eq!(game.join(carol, "Bob"), Err(Refused::NameInUse));
    assert_eq!(game.join(BOB, "Carol"), Err(Refused::JoinedAlready));
    for bad in ["", " ", "a b", "a\nb", "\u{7f}", "An\u{200b}n", "\u{202e}nnA", &"x".repeat(33)] {
        assert_eq!(game.join(carol, bad), Err(Refused::BadName), "{bad:?}");
    }
    assert!(game.join(carol, &"õ".repeat(16)).is_ok());
}

#[test]
fn check_then_act_scores_one_letter_twice_when_another_comes_between() {
    let mut game = game("eel");
    let (first, second) = (game.judge('e').unwrap(), game.judge('e').unwrap());
    game.score(ALICE, first).unwrap();
    game.score(BOB, second).unwrap();
    assert_eq!(points(&game), [("Alice".into(), 1), ("Bob".into(), 1)]);
    // Also when the round was won in between.
    let (first, second) = (game.judge('l').unwrap(), game.judge('l').unwrap());
    assert!(matches!(game.score(ALICE, first).unwrap().event, Event::Won { .. }));
    assert_eq!(game.score(BOB, second).unwrap().event, Event::Guessed('l'));
    assert_eq!(points(&game), [("Alice".into(), 2), ("Bob".into(), 2)]);
}

#[derive(Debug, Clone)]
enum Step {
    Join(u64, u8),
    Leave(u64),
    Propose(u64, &'static str),
    Guess(u64, char),
}

fn any_step() -> impl Strategy<Value = Step> {
    let who = || 0u64..5;
    prop_oneof![
        2 => (who(), 0u8..5).prop_map(|(id, name)| Step::Join(id, name)),
        1 => who().prop_map(Step::Leave),
        1 => (who(), prop::sample::select(vec!["Eel", "õun", "ice-cream", "1"])).prop_map(|(id, word)| Step::Propose(id, word)),
        6 => (who(), prop::sample::select("eElLõÕunicramxZ1-".chars().collect::<Vec<_>>()))
            .prop_map(|(id, letter)| Step::Guess(id, letter)),
    ]
}

proptest! {
    #[test]
    fn every_right_letter_is_one_point_and_no_name_is_had_twice(
        steps in prop::collection::vec(any_step(), 0..200),
    ) {
        let mut game = Game::default();
        let (mut right, mut gone) = (0, 0);
        for step in steps {
            let (progress, before) = (game.progress(), points(&game));
            let done = match step {
                Step::Join(id, name) => game.join(PlayerId(id), &format!("player-{name}")).map(|_| ()),
                Step::Propose(id, word) => game.propose(PlayerId(id), word).map(|_| ()),
                Step::Leave(id) => {
                    let known = points(&game);
                    let left = game.leave(PlayerId(id));
                    let name = left.clone().map(|notice| notice.name);
                    gone += known.iter().find(|score| Some(&score.0) == name.as_ref()).map_or(0, |score| score.1);
                    left.map(|_| ()).ok_or(Refused::NotJoined)
                }
                Step::Guess(id, letter) => game.guess(PlayerId(id), letter).map(|notice| {
                    right += 1;
                    let hidden = |text: &str| text.matches('_').count();
                    match notice.event {
                        Event::Won { word } => {
                            assert!(hidden(&progress) > 0 && word.chars().count() == progress.chars().count());
                            assert_eq!(game.progress(), "");
                        }
                        _ => assert!(hidden(&game.progress()) < hidden(&progress), "it must show"),
                    }
                }),
            };
            if done.is_err() {
                prop_assert_eq!((game.progress(), points(&game)), (progress, before), "refused, so nothing happened");
            }
            let scores = points(&game);
            prop_assert_eq!(scores.iter().map(|score| score.1).sum::<u64>() + gone, right);
            let names: BTreeSet<&String> = scores.iter().map(|score| &score.0).collect();
            prop_assert_eq!(names.len(), game.players().count());
        }
    }
}
