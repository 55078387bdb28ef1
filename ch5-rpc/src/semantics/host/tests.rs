use super::super::datagram::{Answer, CallId, Handling, Message, Question, Refusal, decode};
use super::super::memory::Memory;
use super::super::publish::{Method, Reply};
use super::*;

const NOW: Duration = Duration::ZERO;

struct Nowhere;

impl Surroundings for Nowhere {
    fn effect(&mut self, _: &[u8]) {}
    fn crash(&mut self) {}
}

fn address() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 1000))
}

fn host(config: HostConfig) -> Host<Memory> {
    Host::new(config, NOW, Memory::default(), 1, [1; 16]).unwrap()
}

fn ask(host: &mut Host<Memory>, now: Duration, question: Question) -> Option<Answer> {
    host.handle_datagram(now, address(), &question.encode(), &mut Nowhere).unwrap();
    answer(host)
}

fn answer(host: &mut Host<Memory>) -> Option<Answer> {
    host.poll_transmit().map(|(_, datagram)| match decode(&datagram) {
        Ok(Message::Answer(answer)) => answer,
        other => panic!("{other:?}"),
    })
}

fn plain(sequence: u64, body: Vec<u8>) -> Question {
    let id = CallId { client: 3, sequence };
    Question::Call { id, transmission: 1, handling: Handling::Plain, body }
}

#[test]
fn a_body_that_is_no_call_is_refused_and_not_run() {
    let mut host = host(HostConfig::new(Remembers::Volatile));
    let refused = ask(&mut host, NOW, plain(1, b"nonsense".to_vec()));
    assert!(matches!(refused, Some(Answer::Refused { why: Refusal::NotUnderstood, .. })), "{refused:?}");
    assert_eq!(host.seen().executed, 0);
}

#[test]
fn a_slow_call_is_in_progress_and_holds_up_no_other() {
    let mut config = HostConfig::new(Remembers::Volatile);
    config.work = Work { time: Duration::from_secs(5), every: 2 };
    let mut host = host(config);
    assert!(ask(&mut host, NOW, plain(1, Method::Length.encode())).is_some());
    assert_eq!(ask(&mut host, NOW, plain(2, Method::Length.encode())), None);
    assert!(
        ask(&mut host, NOW, plain(3, Method::Length.encode())).is_some(),
        "it does not wait for the slow one"
    );
    assert_eq!(host.deadline(), Some(Duration::from_secs(5)));
    host.handle_timeout(Duration::from_secs(5), &mut Nowhere).unwrap();
    assert!(matches!(answer(&mut host), Some(Answer::Done { id: CallId { sequence: 2, .. }, .. })));
}

#[test]
fn slow_calls_are_not_taken_up_without_end() {
    let mut config = HostConfig::new(Remembers::Volatile);
    config.work = Work { time: Duration::from_secs(5), every: 1 };
    let mut host = host(config);
    for sequence in 0..3 * WAITING as u64 {
        assert_eq!(ask(&mut host, NOW, plain(sequence, Method::Length.encode())), None);
    }
    assert_eq!(host.working.len(), WAITING);
    for (seconds, most) in [(5, WAITING), (10, WAITING), (15, 0)] {
        host.handle_timeout(Duration::from_secs(seconds), &mut Nowhere).unwrap();
        let answered = std::iter::from_fn(|| answer(&mut host)).count();
        assert_eq!(answered, most, "after {seconds} s: as many wait as are at work, and the others are lost");
    }
    assert!(ask(&mut host, NOW, plain(0, Method::Length.encode())).is_none());
    assert_eq!(host.working.len(), 1, "and there is room again");
}

#[test]
fn a_durable_server_forgets_in_its_store_too() {
    let mut config = HostConfig::new(Remembers::Durable);
    config.server.limits.lease = Duration::from_secs(3);
    let mut host = host(config);
    let Some(Answer::Bound { client, .. }) = ask(&mut host, NOW, Question::Bind { nonce: 1 }) else {
        panic!()
    };
    let handling = Handling::Once { incarnation: 1, first_incomplete: 1 };
    let body = Method::Publish { text: b"x".to_vec() }.encode();
    let done = ask(
        &mut host,
        NOW,
        Question::Call { id: CallId { client, sequence: 1 }, transmission: 1, handling, body },
    );
    let Some(Answer::Done { body, .. }) = done else { panic!("{done:?}") };
    assert_eq!(Reply::decode(&body), Some(Reply::Published(1)));
    assert_eq!(host.store().records().unwrap().len(), 1);
    host.handle_timeout(Duration::from_secs(4), &mut Nowhere).unwrap();
    assert_eq!(host.store().records().unwrap(), []);
    assert_eq!(host.store().count(b"x"), 1);
}
