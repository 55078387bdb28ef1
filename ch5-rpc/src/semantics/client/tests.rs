use super::super::datagram::Handling;
use super::*;

const NOW: Duration = Duration::ZERO;
const GIVE_UP: Duration = Duration::from_secs(3);

fn client(semantics: Semantics) -> Client {
    Client::new(ClientConfig { semantics, give_up: GIVE_UP }, 42)
}

fn sent(client: &mut Client, now: Duration) -> Vec<Question> {
    let datagrams = std::iter::from_fn(|| client.poll_transmit(now));
    let question = |datagram: Vec<u8>| match decode(&datagram) {
        Ok(Message::Question(question)) => question,
        other => panic!("{other:?}"),
    };
    datagrams.map(question).collect()
}

/// The numbers of the calls in these.
fn calls(questions: &[Question]) -> Vec<u64> {
    let sequence = |question: &Question| match question {
        Question::Call { id, .. } => Some(id.sequence),
        _ => None,
    };
    questions.iter().filter_map(sequence).collect()
}

fn hear(client: &mut Client, now: Duration, answer: Answer) {
    client.handle_datagram(now, &answer.encode());
}

fn bound(nonce: u64, incarnation: u64) -> Answer {
    Answer::Bound { nonce, incarnation, client: 100 + incarnation, lease: 1000, slots: 3 }
}

/// A client of at-most-once that is bound to incarnation 1, with so many calls begun.
fn bound_client(open: u64) -> Client {
    let mut client = client(Semantics::AtMostOnce);
    for _ in 0..open {
        client.call(NOW, b"x".to_vec());
    }
    assert_eq!(sent(&mut client, NOW), [Question::Bind { nonce: 43 }]);
    hear(&mut client, NOW, bound(43, 1));
    client
}

fn done(sequence: u64) -> Answer {
    let id = CallId { client: 101, sequence };
    Answer::Done { id, transmission: 1, again: false, body: b"done".to_vec() }
}

#[test]
fn maybe_is_sent_once_and_before_anything_else_happens() {
    let mut client = client(Semantics::Maybe);
    client.call(NOW, b"x".to_vec());
    // It can be sent as soon as the call is made: a client that leaves then has sent it.
    assert_eq!(calls(&sent(&mut client, NOW)), [1]);
    assert_eq!(client.deadline(), Some(GIVE_UP));
    client.handle_timeout(GIVE_UP);
    assert_eq!(sent(&mut client, GIVE_UP), []);
    assert_eq!(client.poll_outcome(), Some((1, Outcome::Unknown(Unknown::Silent(GIVE_UP)))));
    assert_eq!((client.counted().sent, client.deadline()), (1, None));
}

#[test]
fn at_least_once_is_sent_again_at_growing_intervals_until_it_is_answered() {
    let mut client = client(Semantics::AtLeastOnce);
    client.call(NOW, b"x".to_vec());
    let (mut times, mut now) = (Vec::new(), NOW);
    while client.poll_outcome().is_none() {
        times.extend(sent(&mut client, now).iter().map(|_| now.as_millis()));
        now = client.deadline().unwrap();
        client.handle_timeout(now);
    }
    assert_eq!(times, [0, 300, 900, 1900, 2900], "each twice as late as the one before, up to a second");
}

#[test]
fn an_answer_ends_its_call_and_no_other() {
    let mut client = bound_client(2);
    assert_eq!(calls(&sent(&mut client, NOW)), [1, 2]);
    hear(&mut client, NOW, done(2));
    assert_eq!(client.poll_outcome(), Some((2, Outcome::Done(b"done".to_vec()))));
    for stranger in [
        done(2),
        done(3),
        Answer::Done { id: CallId { client: 7, sequence: 1 }, transmission: 1, again: false, body: vec![] },
    ] {
        hear(&mut client, NOW, stranger);
        assert_eq!(client.poll_outcome(), None);
    }
    assert_eq!(client.counted().ignored, 3);
}

#[test]
fn the_next_call_acknowledges_and_no_more_are_sent_than_there_are_slots() {
    let mut client = bound_client(5);
    let first = sent(&mut client, NOW);
    assert_eq!(calls(&first), [1, 2, 3], "three slots");
    hear(&mut client, NOW, done(2));
    assert_eq!(sent(&mut client, NOW), [], "the first is still open");
    hear(&mut client, NOW, done(1));
    let then = sent(&mut client, NOW);
    assert_eq!(calls(&then), [4, 5]);
    for question in then {
        let Question::Call { handling, .. } = question else { panic!() };
        assert_eq!(handling, Handling::Once { incarnation: 1, first_incomplete: 3 });
    }
}

#[test]
fn a_server_at_work_is_probed_and_not_sent_the_call_again() {
    let mut client = bound_client(1);
    sent(&mut client, NOW);
    let id = CallId { client: 101, sequence: 1 };
    let mut now = Duration::from_millis(20);
    // It says for a minute that it is at it: much longer than a silent one is waited for.
    while now < Duration::from_secs(60) {
        hear(&mut client, now, Answer::InProgress { id, transmission: 1 });
        now = client.deadline().unwrap();
        client.handle_timeout(now);
        let questions = sent(&mut client, now);
        assert!(matches!(questions[..], [Question::Probe { .. }]), "{questions:?}");
    }
    // It has not seen it: the call itself goes out at once.
    hear(&mut client, now, Answer::NotSeen { id, transmission: 1 });
    assert_eq!(calls(&sent(&mut client, now)), [1]);
    // And then it says nothing more.
    client.handle_timeout(now + GIVE_UP);
    assert_eq!(client.poll_outcome(), Some((1, Outcome::Unknown(Unknown::Silent(GIVE_UP)))));
}

#[test]
fn after_a_restart_the_call_is_unknown_and_not_sent_to_the_new_server() {
    let mut client = bound_client(1);
    sent(&mut client, NOW);
    let id = CallId { client: 101, sequence: 1 };
    hear(&mut client, NOW, Answer::Refused { id, transmission: 1, why: Refusal::Restarted });
    assert_eq!(client.poll_outcome(), Some((1, Outcome::Unknown(Unknown::Restarted))));
    assert_eq!(sent(&mut client, NOW), []);
    client.call(NOW, b"next".to_vec());
    assert_eq!(sent(&mut client, NOW), [Question::Bind { nonce: 44 }]);
    // A late copy of the first answer is not the answer to this question.
    hear(&mut client, NOW, bound(43, 1));
    assert_eq!(sent(&mut client, NOW), []);
    hear(&mut client, NOW, bound(44, 2));
    let questions = sent(&mut client, NOW);
    assert!(
        matches!(questions[..], [Question::Call { id: CallId { client: 102, sequence: 2 }, .. }]),
        "{questions:?}"
    );
}

#[test]
fn a_full_table_is_asked_again_and_says_nothing_for_certain() {
    let mut client = bound_client(1);
    sent(&mut client, NOW);
    let id = CallId { client: 101, sequence: 1 };
    hear(&mut client, NOW, Answer::Refused { id, transmission: 1, why: Refusal::TableFull });
    assert_eq!(client.poll_outcome(), None);
    let again = client.deadline().unwrap();
    assert_eq!(calls(&sent(&mut client, again)), [1]);
    hear(&mut client, again, Answer::Refused { id, transmission: 2, why: Refusal::TableFull });
    client.handle_timeout(GIVE_UP);
    assert_eq!(client.poll_outcome(), Some((1, Outcome::Unknown(Unknown::TableFull))));
}

#[test]
fn what_was_never_sent_is_certainly_not_done() {
    let mut client = client(Semantics::AtMostOnce);
    client.call(NOW, b"x".to_vec());
    sent(&mut client, NOW);
    client.handle_timeout(GIVE_UP);
    assert_eq!(client.poll_outcome(), Some((1, Outcome::NotDone(NotDone::NoServer))));
    assert_eq!(client.deadline(), None, "and nothing is asked for it any more");
    client.call(NOW, vec![0; LONGEST_BODY + 1]);
    assert_eq!(client.poll_outcome(), Some((2, Outcome::NotDone(NotDone::TooLong))));
}

#[test]
fn a_binding_is_had_before_a_call_and_not_used_when_it_may_be_forgotten() {
    let mut client = client(Semantics::AtMostOnce);
    client.bind(NOW);
    client.bind(NOW);
    assert_eq!(sent(&mut client, NOW), [Question::Bind { nonce: 43 }]);
    assert!(!client.is_bound());
    hear(&mut client, NOW, bound(43, 1));
    assert!(client.is_bound() && client.deadline().is_none());
    // Its lease is a second. An answer shows that it is valid; a third of a second after it nothing is certain.
    let milliseconds = Duration::from_millis;
    client.call(milliseconds(300), b"x".to_vec());
    assert_eq!(calls(&sent(&mut client, milliseconds(300))), [1]);
    let done = |sequence| {
        let id = CallId { client: 101, sequence };
        Answer::Done { id, transmission: 1, again: false, body: vec![] }
    };
    hear(&mut client, milliseconds(310), done(1));
    client.call(milliseconds(600), b"x".to_vec());
    assert_eq!(calls(&sent(&mut client, milliseconds(600))), [2]);
    hear(&mut client, milliseconds(610), done(2));
    client.call(milliseconds(1000), b"x".to_vec());
    assert_eq!(sent(&mut client, milliseconds(1000)), [Question::Bind { nonce: 44 }]);
}

#[test]
fn a_call_that_is_given_up_is_told_what_is_known() {
    let mut client = bound_client(2);
    assert_eq!(calls(&sent(&mut client, NOW)), [1, 2]);
    client.give_up(Duration::from_millis(5), 1);
    let silent = Unknown::Silent(Duration::from_millis(5));
    assert_eq!(client.poll_outcome(), Some((1, Outcome::Unknown(silent))));
    client.give_up(NOW, 1);
    assert_eq!(client.poll_outcome(), None, "once");
}
