//! A game that is right, and for each rule the same game with that rule broken once.

use crate::guessword::wire::Response;

use super::*;

/// Hears what a server says to each player, in the order in which these hear it.
#[derive(Default)]
struct Match {
    referee: Referee,
    places: Vec<Place>,
}

impl Match {
    /// Players who have joined, and have all heard of it.
    fn of(players: usize) -> Match {
        let mut played = Match::default();
        for number in 0..players {
            let seat = played.referee.comes();
            let notice = format!("{seat} joined");
            if number == 0 {
                played.places.push(played.referee.beginning());
            }
            played.all(&notice).expect("it may join");
            let (joined, place) = played.referee.joined().expect("it has joined");
            assert_eq!((joined, place.heard), (seat, number as u64));
            if number > 0 {
                played.places.push(place);
                played.hear(number, &notice).expect("the others have heard it");
            }
            played.referee.joins(seat, played.places.get_mut(number)).expect("it has heard it");
        }
        played
    }

    /// With a word, of which all have heard and its proposer was answered.
    fn with(players: usize, word: &str) -> Match {
        let mut played = Match::of(players);
        played.propose(0, word).expect("there is none");
        played
    }

    /// One of them hears this next.
    fn hear(&mut self, seat: usize, notice: &str) -> Result<(), Violation> {
        let (frame, place) = (frame(notice), &mut self.places[seat]);
        match self.referee.follows(Seat(seat), place, &frame) {
            0 => self.referee.hears(Seat(seat), place, &frame, &Notice::parse(notice)),
            length => {
                assert_eq!(length, frame.len());
                Ok(())
            }
        }
    }

    /// All of them hear this next.
    fn all(&mut self, notice: &str) -> Result<(), Violation> {
        (0..self.places.len()).try_for_each(|seat| self.hear(seat, notice))
    }

    fn state(&self, seat: usize) -> State {
        self.referee.state(self.places[seat])
    }

    fn answer(&mut self, seat: usize, asked: Asked, yes: bool) -> Result<(), Violation> {
        self.referee.answers(Seat(seat), &mut self.places[seat], asked, yes)
    }

    fn propose(&mut self, seat: usize, word: &str) -> Result<(), Violation> {
        let asked = Asked::Word(self.state(seat));
        self.referee.proposes(Seat(seat), word);
        self.all(&format!("p{seat} proposed a word of {} characters", word.len()))?;
        self.answer(seat, asked, true)
    }

    /// A letter that scores, in the words in which all are told.
    fn score(&mut self, seat: usize, letter: char, what: &str) -> Result<(), Violation> {
        let asked = Asked::Guess(letter, self.state(seat));
        self.all(&format!("p{seat} {what}"))?;
        self.answer(seat, asked, true)
    }

    /// A letter that does not.
    fn miss(&mut self, seat: usize, letter: char) -> Result<(), Violation> {
        let asked = Asked::Guess(letter, self.state(seat));
        self.answer(seat, asked, false)
    }
}

fn frame(notice: &str) -> Vec<u8> {
    Response::Notice(Notice::parse(notice)).encode()
}

fn won(word: &str) -> String {
    format!("won, propose a new word: it was {word}")
}

fn scores(lines: &[(&str, u64)]) -> Vec<Score> {
    lines.iter().map(|&(name, points)| Score { name: name.into(), points }).collect()
}

#[test]
fn a_right_game_is_right() {
    let mut played = Match::with(3, "tea");
    played.score(1, 'e', "guessed e").unwrap();
    played.miss(0, 'e').unwrap(); // too late
    played.miss(0, 'x').unwrap(); // not in the word
    played.score(2, 't', "guessed t").unwrap();
    played.score(1, 'a', &won("tea")).unwrap();
    played.miss(0, 'a').unwrap(); // there is no word
    played.propose(2, "net").unwrap();
    played.score(2, 't', "guessed t").unwrap();
    assert_eq!((played.referee.rounds(), played.referee.written()), (2, 9));
    played.referee.counts(&scores(&[("p1", 2), ("p2", 2), ("p0", 0)])).unwrap();
}

#[test]
fn a_letter_scores_once() {
    let twice = |round, letter, first, second| {
        Err(Violation::ScoredTwice { round, letter, first: Seat(first), second: Seat(second) })
    };
    let mut played = Match::with(3, "tea");
    played.score(1, 'e', "guessed e").unwrap();
    assert_eq!(played.score(2, 'e', "guessed e"), twice(1, 'e', 1, 2));

    // The last letter, by one who was too late for it.
    let mut played = Match::with(3, "aa");
    played.score(1, 'a', &won("aa")).unwrap();
    assert_eq!(played.score(2, 'a', "guessed a"), twice(1, 'a', 1, 2));
}

#[test]
fn only_letters_of_the_word_score() {
    let mut played = Match::with(2, "tea");
    let wrong = Violation::NotInWord { round: 1, letter: 'x', seat: Seat(1) };
    assert_eq!(played.score(1, 'x', "guessed x"), Err(wrong));
    let wrong = Violation::NotInWord { round: 1, letter: 'õ', seat: Seat(1) };
    assert_eq!(played.score(1, 'õ', "guessed õ"), Err(wrong));
    let wrong = Violation::NotInWord { round: 0, letter: 'a', seat: Seat(1) };
    assert_eq!(Match::of(2).score(1, 'a', "guessed a"), Err(wrong));
}

#[test]
fn an_open_letter_is_refused_to_nobody() {
    let mut played = Match::with(2, "tea");
    let refused = Violation::RefusedToTheFirst { round: 1, letter: 'e', seat: Seat(1) };
    assert_eq!(played.miss(1, 'e'), Err(refused));

    // Guessed in one round and answered in the next: it was refused between the two.
    let mut played = Match::with(2, "aa");
    let asked = Asked::Guess('e', played.state(1));
    played.score(0, 'a', &won("aa")).unwrap();
    played.propose(0, "tea").unwrap();
    played.answer(1, asked, false).unwrap();
}

#[test]
fn a_word_is_refused_only_when_there_is_one() {
    let mut played = Match::of(2);
    let asked = Asked::Word(played.state(1));
    assert_eq!(played.answer(1, asked, false), Err(Violation::WordRefused { round: 0, seat: Seat(1) }));
    played.propose(0, "aa").unwrap();
    played.answer(1, asked, false).unwrap(); // somebody was faster
    played.score(0, 'a', &won("aa")).unwrap();
    played.answer(1, asked, false).unwrap(); // somebody was faster, and it is guessed already
}

#[test]
fn the_first_word_wins_and_it_is_the_one_that_was_proposed() {
    let second = Violation::SecondWord { round: 1, seat: Seat(1) };
    assert_eq!(Match::with(2, "tea").propose(1, "net"), Err(second));

    let wrong = |result: Result<(), Violation>, what: &str| {
        assert!(
            matches!(&result, Err(Violation::WrongWord { what: found, .. }) if *found == what),
            "{result:?}"
        );
    };
    let mut played = Match::of(2);
    played.referee.proposes(Seat(1), "tea");
    wrong(played.all("p1 proposed a word of 4 characters"), "it has another length");
    wrong(Match::with(2, "aa").score(1, 'a', &won("oo")), "it was another one");
    wrong(Match::with(2, "tea").score(1, 'e', &won("tea")), "more than one letter was not guessed yet");
    wrong(Match::with(2, "aa").score(1, 'a', "guessed a"), "it is guessed, and the round goes on");
    wrong(Match::of(2).score(1, 'a', &won("aa")), "there was none to win");
}

#[test]
fn all_hear_the_same_in_the_same_order() {
    let other = |heard, seat| Err(Violation::OtherOrder { heard, seat: Seat(seat) });
    let heard = |notices: [&str; 2]| {
        let mut played = Match::with(3, "tea");
        played.hear(1, "p1 guessed e").unwrap();
        played.hear(1, "p2 guessed t").unwrap();
        notices.iter().try_for_each(|notice| played.hear(0, notice))
    };
    heard(["p1 guessed e", "p2 guessed t"]).unwrap();
    assert_eq!(heard(["p2 guessed t", "p1 guessed e"]), other(4, 0), "out of order");
    assert_eq!(heard(["p1 guessed e", "p1 guessed e"]), other(5, 0), "double");
    assert_eq!(heard(["p2 guessed t", "p0 guessed a"]), other(4, 0), "one is missing");
}

#[test]
fn an_answer_comes_behind_its_notice() {
    let mut played = Match::with(2, "tea");
    let asked = Asked::Guess('e', played.state(1));
    played.hear(0, "p1 guessed e").unwrap(); // another one was told, and that is not enough
    let first = Violation::AnswerFirst { seat: Seat(1), what: "to a letter" };
    assert_eq!(played.answer(1, asked, true), Err(first));

    let mut played = Match::with(2, "tea");
    played.all("p1 guessed t").unwrap();
    let first = Violation::AnswerFirst { seat: Seat(1), what: "to a letter" };
    assert_eq!(played.answer(1, asked, true), Err(first), "that was another letter");

    let referee = Referee::default();
    let first = Violation::AnswerFirst { seat: Seat(0), what: "to its name" };
    assert_eq!(referee.joins(Seat(0), Some(&mut referee.beginning())), Err(first));
}

#[test]
fn who_has_scored_is_not_told_no() {
    let mut played = Match::with(2, "tea");
    let asked = Asked::Guess('e', played.state(1));
    played.all("p1 guessed e").unwrap();
    let no = Violation::NoForYes { seat: Seat(1), what: "to a letter" };
    assert_eq!(played.answer(1, asked, false), Err(no));
}

#[test]
fn the_points_are_what_the_answers_add_up_to() {
    let mut played = Match::with(2, "tea");
    played.score(1, 'e', "guessed e").unwrap();
    let wrong = |name: &str, scored, answered| Err(Violation::Points { name: name.into(), scored, answered });
    let counts = |lines| played.referee.counts(&scores(lines));
    assert_eq!(counts(&[("p1", 1), ("p0", 0)]), Ok(()));
    assert_eq!(counts(&[("p0", 0), ("p1", 1)]), Ok(()), "in any order");
    assert_eq!(counts(&[("p1", 2), ("p0", 0)]), wrong("p1", Some(2), Some(1)));
    assert_eq!(counts(&[("p1", 1)]), wrong("p0", None, Some(0)));
    assert_eq!(counts(&[("p1", 1), ("p0", 0), ("p9", 0)]), wrong("p9", Some(0), None));
}

#[test]
fn nobody_plays_who_is_not_there() {
    let impossible = |played: &mut Match, notice: &str, reason: &str| {
        let result = played.all(notice);
        assert!(matches!(&result, Err(Violation::Impossible { why, .. }) if *why == reason), "{result:?}");
    };
    let mut played = Match::of(3);
    impossible(&mut played, "p1 joined", "it was there");
    impossible(&mut played, "p1 left", "it has not hung up, or everybody was told before");
    impossible(&mut played, "Ann joined", "nobody here has this name: does somebody else play?");
    impossible(&mut played, "p01 joined", "nobody here has this name: does somebody else play?");
    impossible(&mut played, "p1 yawned", "it is none of the game's");
    played.referee.comes();
    impossible(&mut played, "p3 guessed e", "nobody was told that it had joined");

    played.referee.leaves(Seat(2));
    played.places.pop();
    assert_eq!(played.referee.leaving(), 1);
    played.all("p2 left").unwrap();
    assert_eq!(played.referee.leaving(), 0);
    impossible(&mut played, "p2 guessed e", "it had left");
}

#[test]
fn what_all_have_heard_is_forgotten_and_what_the_game_is_is_not() {
    let mut played = Match::with(3, "tea");
    played.score(1, 'e', "guessed e").unwrap();
    let before = played.state(0);
    played.referee.forget(played.places[0].heard);
    assert_eq!((played.referee.entries.len(), played.state(0)), (1, before));
    played.score(2, 't', "guessed t").unwrap();
    assert_eq!(played.referee.written(), 6);
    played.miss(0, 't').unwrap();
}
