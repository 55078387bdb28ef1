//! Frames are found however they are cut, and a player who joins waits until the others know where.

use crate::guessword::wire::Notice;

use super::super::referee::State;
use super::*;

fn notice(text: &str) -> Vec<u8> {
    Response::Notice(Notice::parse(text)).encode()
}

fn hear(player: &mut Player, referee: &mut Referee, bytes: &[u8]) -> (u64, Vec<Answered>) {
    let mut answered = Vec::new();
    let notices = player.handle_received(bytes, referee, &mut answered).unwrap();
    (notices, answered)
}

#[test]
fn frames_are_found_however_they_are_cut() {
    let frames = [
        b"x:;".to_vec(),
        notice("p1 joined"),
        b"d:1;".to_vec(),
        notice("p0 proposed a word of 2 characters"),
        notice("p1 won, propose a new word: it was aa"),
        b"b:1;".to_vec(),
    ]
    .concat();
    for cut in 1..frames.len() {
        let mut referee = Referee::default();
        let (first, second) = (referee.comes(), referee.comes());
        referee.proposes(first, "aa");
        // The first player has heard everything, so that the second one compares.
        let mut place = referee.beginning();
        for text in [
            "p0 joined",
            "p1 joined",
            "p0 proposed a word of 2 characters",
            "p1 won, propose a new word: it was aa",
        ] {
            referee.hears(first, &mut place, &notice(text), &Notice::parse(text)).unwrap();
        }
        let mut player = Player::new(second, Ideas::new(0, 1));
        player.place =
            std::iter::from_fn(|| referee.joined()).find(|(seat, _)| *seat == second).map(|at| at.1);
        let guess = Out::Play(Asked::Guess('a', State::default()), Duration::ZERO);
        player.out.extend([Out::Scores(false), Out::Join, guess]);
        let (before, mut answered) = hear(&mut player, &mut referee, &frames[..cut]);
        let (after, rest) = hear(&mut player, &mut referee, &frames[cut..]);
        answered.extend(rest);
        assert_eq!((before + after, answered.len()), (3, 3), "cut after {cut} bytes");
        assert!(player.received.is_empty() && player.out.is_empty());
    }
}

#[test]
fn who_joins_waits_until_the_others_know_where() {
    let mut referee = Referee::default();
    let (first, second) = (referee.comes(), referee.comes());
    let mut player = Player::new(second, Ideas::new(0, 1));
    player.out.extend([Out::Scores(false), Out::Join]);
    let frames = [b"x:;".to_vec(), notice("p1 joined"), b"d:1;".to_vec()].concat();
    let (notices, answered) = hear(&mut player, &mut referee, &frames);
    assert_eq!((notices, answered.len()), (0, 1), "it is told first, and of nothing before");

    let mut place = referee.beginning();
    for text in ["p0 joined", "p1 joined"] {
        referee.hears(first, &mut place, &notice(text), &Notice::parse(text)).unwrap();
    }
    player.place = referee.joined().map(|(_, place)| place);
    let mut answered = Vec::new();
    assert_eq!(player.go_on(&mut referee, &mut answered).unwrap(), 1);
    assert_eq!(answered.len(), 1);
}
