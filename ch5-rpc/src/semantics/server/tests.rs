use super::super::datagram::{LONGEST_BODY, NoMessage};
use super::*;

const NOW: Duration = Duration::ZERO;
const INCARNATION: u64 = 77;

fn address(number: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, (number >> 8) as u8, number as u8], 1000))
}

fn server(config: ServerConfig) -> Server {
    Server::new(config, NOW, INCARNATION, [1; 16], vec![])
}

fn small() -> ServerConfig {
    let limits =
        TableLimits { clients: 100, clients_per_address: 100, slots: 2, lease: Duration::from_secs(30) };
    ServerConfig { limits, checks_binding: true }
}

/// The only answer to a question.
fn ask(server: &mut Server, now: Duration, from: SocketAddr, question: Question) -> Option<Answer> {
    server.handle_datagram(now, from, &question.encode());
    let answer = server.poll_transmit();
    assert!(server.poll_transmit().is_none(), "one answer at most");
    answer.map(|(to, datagram)| match decode(&datagram) {
        Ok(Message::Answer(answer)) => {
            assert_eq!(to, from);
            answer
        }
        other => panic!("{other:?}"),
    })
}

fn bind(server: &mut Server, now: Duration, from: SocketAddr) -> u64 {
    match ask(server, now, from, Question::Bind { nonce: 5 }) {
        Some(Answer::Bound { nonce: 5, incarnation: INCARNATION, client, .. }) => client,
        other => panic!("{other:?}"),
    }
}

fn once(client: u64, sequence: u64, first_incomplete: u64) -> Question {
    let handling = Handling::Once { incarnation: INCARNATION, first_incomplete };
    Question::Call { id: CallId { client, sequence }, transmission: 1, handling, body: b"x".to_vec() }
}

fn why(answer: Option<Answer>) -> Option<Refusal> {
    match answer? {
        Answer::Refused { why, .. } => Some(why),
        _ => None,
    }
}

fn executions(server: &mut Server) -> Vec<Execution> {
    std::iter::from_fn(|| server.poll_execution()).collect()
}

#[test]
fn a_call_is_run_once_whatever_is_sent_again() {
    let mut server = server(small());
    let client = bind(&mut server, NOW, address(1));
    assert_eq!(ask(&mut server, NOW, address(1), once(client, 1, 1)), None, "no answer before it has run");
    assert!(matches!(ask(&mut server, NOW, address(1), once(client, 1, 1)), Some(Answer::InProgress { .. })));
    let begun = executions(&mut server);
    assert_eq!(begun.len(), 1);
    server.complete(&begun[0], b"done".to_vec());
    server.poll_transmit().unwrap();
    for _ in 0..3 {
        let Some(Answer::Done { again: true, body, .. }) =
            ask(&mut server, NOW, address(1), once(client, 1, 1))
        else {
            panic!("it is answered from memory");
        };
        assert_eq!(body, b"done");
    }
    assert!(executions(&mut server).is_empty());
}

#[test]
fn a_plain_call_is_run_as_often_as_it_comes() {
    let mut server = server(small());
    let id = CallId { client: 9, sequence: 1 };
    for transmission in 1..=3 {
        let call = Question::Call { id, transmission, handling: Handling::Plain, body: vec![] };
        assert_eq!(ask(&mut server, NOW, address(1), call), None);
    }
    assert_eq!(executions(&mut server).len(), 3);
    assert_eq!(server.held(), (0, 0), "nothing is kept of them");
}

#[test]
fn a_probe_is_told_what_is_known_and_begins_nothing() {
    let mut server = server(small());
    let client = bind(&mut server, NOW, address(1));
    let id = CallId { client, sequence: 2 };
    let probe = |incarnation| Question::Probe { id, transmission: 4, incarnation };
    assert_eq!(why(ask(&mut server, NOW, address(1), probe(INCARNATION))), Some(Refusal::Expired));
    ask(&mut server, NOW, address(1), once(client, 1, 1));
    let seen = ask(&mut server, NOW, address(1), probe(INCARNATION));
    assert_eq!(seen, Some(Answer::NotSeen { id, transmission: 4 }));
    ask(&mut server, NOW, address(1), once(client, 2, 1));
    let seen = ask(&mut server, NOW, address(1), probe(INCARNATION));
    assert_eq!(seen, Some(Answer::InProgress { id, transmission: 4 }));
    assert_eq!(why(ask(&mut server, NOW, address(1), probe(INCARNATION + 1))), Some(Refusal::Restarted));
    assert_eq!(executions(&mut server).len(), 2);
}

#[test]
fn another_incarnation_is_refused() {
    let mut server = server(small());
    let client = bind(&mut server, NOW, address(1));
    let handling = Handling::Once { incarnation: INCARNATION - 1, first_incomplete: 1 };
    let id = CallId { client, sequence: 1 };
    let call = Question::Call { id, transmission: 1, handling, body: vec![] };
    assert_eq!(why(ask(&mut server, NOW, address(1), call)), Some(Refusal::Restarted));
    assert!(executions(&mut server).is_empty());
}

#[test]
fn an_id_that_was_not_given_to_this_address_is_refused() {
    let mut server = server(small());
    let client = bind(&mut server, NOW, address(1));
    assert_eq!(why(ask(&mut server, NOW, address(1), once(client ^ 1, 1, 1))), Some(Refusal::Expired));
    assert_eq!(why(ask(&mut server, NOW, address(2), once(client, 1, 1))), Some(Refusal::Expired));
    assert_eq!(server.held(), (0, 0), "and nothing is kept for it");
}

#[test]
fn a_client_that_was_forgotten_is_never_taken_for_a_new_one() {
    let mut server = server(small());
    let client = bind(&mut server, NOW, address(1));
    ask(&mut server, NOW, address(1), once(client, 1, 1));
    for execution in executions(&mut server) {
        server.complete(&execution, vec![]);
    }
    server.poll_transmit();
    // To the last millisecond of the lease it is answered from memory, then it is refused, for ever.
    let lease = small().limits.lease;
    for (seconds, known) in [(29, true), (58, true), (89, false), (200, false)] {
        let now = Duration::from_secs(seconds);
        server.handle_timeout(now);
        let answer = ask(&mut server, now, address(1), once(client, 1, 1));
        assert_eq!(matches!(answer, Some(Answer::Done { again: true, .. })), known, "after {seconds} s");
        assert_eq!(why(answer), (!known).then_some(Refusal::Expired), "after {seconds} s");
    }
    assert!(executions(&mut server).is_empty());
    assert_eq!(server.poll_forgotten(), Some(client));
    assert!(lease < Duration::from_secs(31));
}

#[test]
fn a_thousand_clients_find_a_table_that_does_not_grow() {
    let mut server = server(small());
    let mut admitted = 0;
    for number in 0..1000 {
        let client = bind(&mut server, NOW, address(number));
        assert_eq!(server.held().0, admitted, "a binding takes no room");
        for sequence in 1..=5 {
            match why(ask(&mut server, NOW, address(number), once(client, sequence, 1))) {
                None => assert!(sequence <= 2 && number < 100),
                Some(Refusal::TableFull) => assert!(sequence > 2 || number >= 100),
                Some(other) => panic!("{other:?}"),
            }
        }
        admitted = server.held().0;
    }
    assert_eq!(server.held(), (100, 200));
    // When the leases are over there is room again.
    let later = Duration::from_secs(31);
    server.handle_timeout(later);
    assert_eq!(server.held(), (0, 0));
    let client = bind(&mut server, later, address(999));
    assert_eq!(ask(&mut server, later, address(999), once(client, 1, 1)), None);
    assert_eq!(server.held(), (1, 1));
}

#[test]
fn calls_that_wait_to_be_run_are_bounded() {
    let mut server = server(small());
    for number in 0..WAITING as u64 + 10 {
        let id = CallId { client: number, sequence: 1 };
        let call = Question::Call { id, transmission: 1, handling: Handling::Plain, body: vec![] };
        server.handle_datagram(NOW, address(1), &call.encode());
    }
    assert_eq!(executions(&mut server).len(), WAITING);
}

#[test]
fn a_call_that_acknowledges_itself_is_not_run() {
    let mut server = server(small());
    let client = bind(&mut server, NOW, address(1));
    assert_eq!(why(ask(&mut server, NOW, address(1), once(client, 1, 2))), Some(Refusal::NotUnderstood));
    assert!(executions(&mut server).is_empty());
}

#[test]
fn no_answer_and_nothing_unreadable_is_answered() {
    let mut server = server(small());
    let id = CallId { client: 1, sequence: 1 };
    let answers = [
        Answer::Bound { nonce: 1, incarnation: 1, client: 1, lease: 1, slots: 1 },
        Answer::Done { id, transmission: 1, again: false, body: vec![0; LONGEST_BODY] },
        Answer::InProgress { id, transmission: 1 },
        Answer::NotSeen { id, transmission: 1 },
        Answer::Refused { id, transmission: 1, why: Refusal::Stale },
    ];
    let mut datagrams: Vec<Vec<u8>> = answers.into_iter().map(Answer::encode).collect();
    datagrams.extend([vec![], vec![1], vec![0; 2000], b"2:0".to_vec()]);
    let count = datagrams.len() as u64;
    for datagram in datagrams {
        server.handle_datagram(NOW, address(1), &datagram);
        assert_eq!(server.poll_transmit(), None, "{datagram:?}");
    }
    assert_eq!(server.seen().dropped, count);
    assert_eq!(decode(b"2:0"), Err(NoMessage));
}
