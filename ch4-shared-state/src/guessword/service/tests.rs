//! The service without a socket: what goes into which outbox, in which order, and what many threads at once get out of it.

use std::sync::Barrier;
use std::thread;

use super::*;

/// A player that reads its outbox now and then.
struct Sitter {
    client: Peer,
    outbox: Outbox,
}

fn sit(service: &GuessService, port: u16) -> Sitter {
    let client = Peer::new(([127, 0, 0, 1], port).into());
    let outbox = Outbox::new(service.outbox().unwrap());
    service.arrive(&client, &outbox);
    Sitter { client, outbox }
}

impl Sitter {
    fn ask(&self, service: &GuessService, request: &str) -> Vec<Response> {
        let (incoming, _) = Requests::default().decode(request.as_bytes()).unwrap().unwrap();
        assert!(service.handle(&self.client, incoming).body.into_bytes().is_empty());
        self.heard()
    }

    fn send(&self, service: &GuessService, request: &Request) -> Vec<Response> {
        let mut frame = Vec::new();
        request.encode(&mut frame);
        self.ask(service, str::from_utf8(&frame).unwrap())
    }

    fn join(&self, service: &GuessService, name: &str) -> Vec<Response> {
        self.send(service, &Request::Join(Some(name.into())))
    }

    fn propose(&self, service: &GuessService, word: &str) -> Vec<Response> {
        self.send(service, &Request::Propose(Some(word.into())))
    }

    /// All that waits, a message each.
    fn heard(&self) -> Vec<Response> {
        let pushed = std::iter::from_fn(|| self.outbox.pop());
        pushed
            .map(|push| crate::guessword::wire::Responses::default().decode(&push.bytes).unwrap().unwrap().0)
            .collect()
    }
}

fn notice(text: &str) -> Response {
    Response::Notice(Notice::parse(text))
}

#[test]
fn the_notification_comes_before_the_answer_and_to_the_joiner_too() {
    let service = GuessService::new(None);
    let (alice, bob, stranger) = (sit(&service, 1), sit(&service, 2), sit(&service, 3));
    assert_eq!(alice.join(&service, "Alice"), [notice("Alice joined"), Response::Join(true)]);
    assert_eq!(bob.join(&service, "Alice"), [Response::Join(false)]);
    assert_eq!(bob.join(&service, "Bob"), [notice("Bob joined"), Response::Join(true)]);
    assert_eq!(alice.heard(), [notice("Bob joined")]);
    bob.propose(&service, "eel");
    assert_eq!(alice.heard(), [notice("Bob proposed a word of 3 characters")]);
    assert_eq!(alice.ask(&service, "B:e;"), [notice("Alice guessed e"), Response::Guess(true)]);
    assert_eq!(bob.ask(&service, "B:e;"), [notice("Alice guessed e"), Response::Guess(false)]);
    assert_eq!(alice.ask(&service, "B:x;"), [Response::Guess(false)]);
    service.leave(&alice.client);
    assert_eq!(bob.heard(), [notice("Alice left")]);
    assert_eq!(stranger.heard(), [], "who has not joined is told nothing");
}

#[test]
fn whoever_has_not_joined_can_only_join_and_whoever_has_is_never_told_so() {
    let service = GuessService::new(None);
    let alice = sit(&service, 1);
    for request in ["A:;", "B:e;", "B:;", "C:ZWVs;", "C:*;", "S:;"] {
        assert_eq!(alice.ask(&service, request), [Response::NotJoined], "{request}");
    }
    assert_eq!(alice.ask(&service, "D:*;"), [Response::Join(false)]);
    assert_eq!(alice.ask(&service, "Z:;"), [Response::Unknown]);
    alice.join(&service, "Alice");
    for (request, response) in [
        ("A:;", Response::State(String::new())),
        ("B:;", Response::Guess(false)),
        ("B:e;", Response::Guess(false)),
        ("C:*;", Response::Propose(false)),
        ("C:;", Response::Propose(false)),
        ("D:Qm9i;", Response::Join(false)),
        ("Z:;", Response::Unknown),
    ] {
        assert_eq!(alice.ask(&service, request), [response], "{request}");
    }
    assert_eq!(alice.ask(&service, ";"), [], "an empty frame belongs to the guess before it");
}

#[test]
fn a_player_that_does_not_read_is_disconnected_and_no_other() {
    let service = GuessService::new(None);
    let (alice, deaf) = (sit(&service, 1), sit(&service, 2));
    alice.join(&service, "Alice");
    deaf.join(&service, "Deaf");
    for round in 0.. {
        alice.propose(&service, "eel");
        alice.ask(&service, "B:e;");
        assert!(alice.ask(&service, "B:l;").contains(&Response::Guess(true)), "the others play on");
        if deaf.outbox.is_full() {
            break;
        }
        assert!(round < OUTBOX_LIMIT, "it is bounded");
    }
    assert!(!alice.outbox.is_full());
}

/// The guessers of one letter who were told that they scored, when all of them guess it at once.
fn scorers(service: &GuessService, sitters: &[Sitter], letter: char) -> usize {
    let start = Barrier::new(sitters.len());
    let guess = |sitter: &Sitter| {
        start.wait();
        let heard = sitter.send(service, &Request::Guess(Some(letter)));
        heard.iter().filter(|&response| *response == Response::Guess(true)).count()
    };
    thread::scope(|scope| {
        let guesses: Vec<_> = sitters.iter().map(|sitter| scope.spawn(move || guess(sitter))).collect();
        guesses.into_iter().map(|guess| guess.join().unwrap()).sum()
    })
}

fn table_for(service: &GuessService, players: u16) -> Vec<Sitter> {
    let sitters: Vec<Sitter> = (1..=players).map(|port| sit(service, port)).collect();
    for (number, sitter) in sitters.iter().enumerate() {
        sitter.join(service, &format!("player-{number}"));
    }
    sitters
}

#[test]
fn of_many_who_guess_at_once_one_scores() {
    let service = GuessService::new(None);
    let sitters = table_for(&service, 4);
    for _ in 0..200 {
        sitters[0].propose(&service, "eel");
        assert_eq!(scorers(&service, &sitters, 'e'), 1);
        assert_eq!(scorers(&service, &sitters, 'l'), 1);
    }
    let points: u64 = service.lock().game.scores().iter().map(|score| score.points).sum();
    assert_eq!(points, 400);
}

#[test]
fn with_the_lock_let_go_in_between_more_than_one_scores() {
    let service = GuessService::new(Some(Duration::from_millis(20)));
    let sitters = table_for(&service, 2);
    let twice = (0..50).any(|_| {
        sitters[0].propose(&service, "eel");
        let scored = scorers(&service, &sitters, 'e');
        scorers(&service, &sitters, 'l');
        scored == 2
    });
    assert!(twice, "two threads that start together come less than 20 ms apart, once in 50 times at least");
}

#[test]
fn all_hear_what_happened_in_one_order() {
    let service = GuessService::new(None);
    let (players, listeners) = (table_for(&service, 4), [sit(&service, 11), sit(&service, 12)]);
    for (listener, name) in listeners.iter().zip(["left-ear", "right-ear"]) {
        listener.join(&service, name);
    }
    listeners.iter().for_each(|listener| drop(listener.heard()));
    thread::scope(|scope| {
        for player in &players {
            scope.spawn(|| {
                for _ in 0..50 {
                    player.propose(&service, "abcdefgh");
                    for letter in 'a'..='h' {
                        player.send(&service, &Request::Guess(Some(letter)));
                    }
                }
            });
        }
    });
    let [left, right] = listeners.map(|listener| listener.heard());
    assert!(left.len() >= 50 * 9, "every round is a proposal and eight letters");
    assert_eq!(left, right);
}

#[test]
fn who_comes_again_from_the_same_port_is_somebody_else() {
    let service = GuessService::new(None);
    let (witness, dead) = (sit(&service, 1), sit(&service, 2));
    witness.join(&service, "Alice");
    dead.join(&service, "Bob");
    let again = sit(&service, 2); // before the end of the old connection was seen
    witness.heard();
    assert_eq!(again.ask(&service, "A:;"), [Response::NotJoined]);
    assert_eq!(again.join(&service, "Bob"), [Response::Join(false)], "that one may be alive");
    dead.propose(&service, "eel"); // its last request comes late, and is its own
    assert_eq!(witness.heard(), [notice("Bob proposed a word of 3 characters")]);
    assert_eq!(again.heard(), []);
    service.leave(&dead.client); // now its end is seen
    assert_eq!(again.join(&service, "Bob"), [notice("Bob joined"), Response::Join(true)]);
    assert_eq!(again.ask(&service, "A:;"), [Response::State("___".into())]);
    service.leave(&again.client);
    assert_eq!(witness.heard(), ["Bob left", "Bob joined", "Bob left"].map(notice));
}

#[test]
fn a_request_that_is_handled_after_its_connection_has_left_seats_nobody() {
    let service = GuessService::new(None);
    let (dead, alive) = (sit(&service, 1), sit(&service, 2));
    service.leave(&dead.client);
    assert_eq!(dead.join(&service, "Alice"), []);
    assert_eq!(alive.join(&service, "Alice"), [notice("Alice joined"), Response::Join(true)]);
}
