//! The service with clients that are no more than an address and an outbox.

use super::*;
use crate::notification::wire::{Response, Responses};
use common::protocol::mboard::response::Posted;

fn service(when_full: WhenFull) -> NotificationService {
    NotificationService::new(Limits::default(), when_full, Duration::ZERO)
}

struct User(Peer, Outbox);

impl User {
    fn arrive(service: &NotificationService, port: u16) -> User {
        let client = Peer::new(([127, 0, 0, 1], port).into());
        let outbox = Outbox::new(service.outbox().unwrap());
        service.arrive(&client, &outbox);
        User(client, outbox)
    }

    fn says(&self, service: &NotificationService, request: &[u8]) -> Vec<u8> {
        let (incoming, _) = Requests::default().decode(request).unwrap().unwrap();
        service.handle(&self.0, incoming).body.into_bytes()
    }

    fn pushes(&self) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| self.1.pop()).map(|push| push.bytes.to_vec()).collect()
    }

    fn fetches(&self, service: &NotificationService) -> Vec<String> {
        let answer = self.says(service, b"2:;");
        let (response, _) = Responses::default().decode(&answer).unwrap().unwrap();
        let Response::Messages(messages) = response else { panic!("{response:?}") };
        let text =
            |line: Vec<u8>| String::from_utf8(Posted::parse_line(&line).unwrap().text.to_vec()).unwrap();
        messages.lines().map(|line| text(line.unwrap())).collect()
    }
}

#[test]
fn everybody_is_notified_and_gets_what_it_has_not_got() {
    let service = service(WhenFull::Disconnect);
    let (first, second) = (User::arrive(&service, 1), User::arrive(&service, 2));
    assert_eq!(first.says(&service, b"1:YQ==;"), b"0:;");
    for peer in [&first, &second] {
        assert_eq!(peer.pushes(), [b"7:;"]);
    }
    assert_eq!(first.fetches(&service), ["a"]);
    assert_eq!(second.says(&service, b"1:Yg==;"), b"0:;");
    assert_eq!(first.fetches(&service), ["b"]);
    assert_eq!(first.says(&service, b"2:;"), b"1:;");
    assert_eq!(second.fetches(&service), ["a", "b"]);
    let third = User::arrive(&service, 3);
    assert_eq!(third.fetches(&service), ["a", "b"]);
    assert!(third.pushes().is_empty());
}

#[test]
fn what_makes_no_sense_is_answered_and_changes_nothing() {
    let service = service(WhenFull::Skip);
    let peer = User::arrive(&service, 1);
    for (request, answer) in [(&b"1:*;"[..], b"2:;"), (b"9:;", b"4:;"), (b";", b"2:;"), (b"2:YQ==;", b"2:;")]
    {
        assert_eq!(peer.says(&service, request), answer);
    }
    assert!(peer.pushes().is_empty() && peer.fetches(&service).is_empty());
}

#[test]
fn a_full_board_refuses_and_notifies_nobody() {
    let service =
        NotificationService::new(Limits { bytes: 1, messages: 9 }, WhenFull::Disconnect, Duration::ZERO);
    let peer = User::arrive(&service, 1);
    assert_eq!(peer.says(&service, b"1:YQ==;"), b"0:;");
    assert_eq!(peer.says(&service, b"1:YQ==;"), b"2:;");
    assert_eq!(peer.pushes().len(), 1);
}

#[test]
fn one_notification_stands_for_all_that_wait_or_too_many_end_the_connection() {
    for (when_full, pushes, overrun) in
        [(WhenFull::Skip, 1, false), (WhenFull::Disconnect, OUTBOX_BYTES / NOTIFY.len(), true)]
    {
        let service = service(when_full);
        let (silent, speaker) = (User::arrive(&service, 1), User::arrive(&service, 2));
        for _ in 0..OUTBOX_BYTES {
            assert_eq!(speaker.says(&service, b"1:;"), b"0:;");
            assert_eq!(speaker.pushes().len(), 1);
        }
        assert_eq!((silent.pushes().len(), silent.1.is_full()), (pushes, overrun));
    }
}

#[test]
fn who_comes_again_from_the_same_address_misses_nothing_by_its_dead_connection() {
    let service = service(WhenFull::Skip);
    let before = User::arrive(&service, 1);
    before.says(&service, b"1:YQ==;");
    let again = User::arrive(&service, 1);
    assert_eq!(before.fetches(&service), ["a"]); // its last request comes late, and is its own
    service.leave(&before.0);
    assert_eq!(again.fetches(&service), ["a"]);
    again.says(&service, b"1:Yg==;");
    assert_eq!(again.pushes().len(), 1);
    service.leave(&again.0);
    assert!(service.state().connected.is_empty());
}

#[test]
fn who_is_far_behind_gets_it_in_parts_and_is_told_to_ask_again() {
    let service = service(WhenFull::Skip);
    let speaker = User::arrive(&service, 1);
    let text = "x".repeat(300_000);
    let mut request = Vec::new();
    Request::Publish(text.clone().into_bytes()).encode(&mut request);
    for _ in 0..12 {
        speaker.says(&service, &request);
    }
    let late = User::arrive(&service, 2);
    let (mut got, mut rounds) = (0, 0);
    loop {
        let news = late.fetches(&service);
        assert!(news.iter().all(|line| *line == text));
        got += news.len();
        rounds += 1;
        if late.pushes().is_empty() {
            break;
        }
    }
    assert_eq!(got, 12);
    assert!(rounds > 2, "{rounds}");
}

#[test]
fn a_round_that_was_too_early_is_made_up_for_and_the_publisher_does_not_wait_for_it() {
    // An hour: no round comes by itself while this test runs, and the burst is used up by the first messages.
    let service = NotificationService::new(Limits::default(), WhenFull::Skip, Duration::from_secs(3600));
    let (speaker, listener) = (User::arrive(&service, 1), User::arrive(&service, 2));
    let mut rounds = 0;
    for _ in 0..2 * super::super::pace::BURST {
        assert_eq!(speaker.says(&service, b"1:YQ==;"), b"0:;");
        assert_eq!(speaker.pushes().len(), 1);
        rounds += listener.pushes().len();
        listener.fetches(&service);
    }
    assert_eq!(rounds, super::super::pace::BURST as usize + 1);
    assert!(service.state().due.is_some());

    // Nor do many messages wait for it.
    let waiting = service.state().unannounced;
    for count in waiting + 1..=ENOUGH {
        speaker.says(&service, b"1:YQ==;");
        speaker.pushes();
        assert_eq!(listener.pushes().len(), usize::from(count == ENOUGH));
    }
    listener.fetches(&service);

    // The round, when it is time: only for those who do not know yet.
    speaker.says(&service, b"1:YQ==;");
    speaker.pushes();
    service.state().notify_all();
    assert_eq!((speaker.pushes().len(), listener.pushes().len()), (0, 1));
    service.state().notify_all();
    assert_eq!((speaker.pushes().len(), listener.pushes().len()), (0, 0));
}

#[test]
fn the_timer_makes_up_for_a_round() {
    let service = NotificationService::new(Limits::default(), WhenFull::Skip, Duration::from_secs(3600));
    let (speaker, listener) = (User::arrive(&service, 1), User::arrive(&service, 2));
    assert_eq!(Service::deadline(&service), None);
    while Service::deadline(&service).is_none() {
        speaker.says(&service, b"1:YQ==;");
        listener.fetches(&service);
        listener.pushes();
    }
    speaker.says(&service, b"1:YQ==;");
    assert!(listener.pushes().is_empty(), "the round is too early");
    let due = Service::deadline(&service).unwrap();
    service.handle_timeout(due - Duration::from_secs(1));
    assert!(listener.pushes().is_empty());
    service.handle_timeout(due);
    assert_eq!((listener.pushes(), Service::deadline(&service)), (vec![b"7:;".to_vec()], None));
}

#[test]
fn with_legacy_clients_every_message_leaves_by_itself() {
    let gap = Duration::from_secs(86_400); // of a day: what waits in a test goes on waiting
    let service = service(WhenFull::Skip).with_legacy_clients(gap);
    let client = User::arrive(&service, 1);
    assert_eq!(client.says(&service, b"1:YQ==;"), b"");
    assert_eq!((client.pushes(), client.1.is_paused()), (vec![b"7:;".to_vec()], true));
    service.handle_timeout(Instant::now() + gap);
    assert_eq!((client.pushes(), client.1.is_paused()), (vec![b"0:;".to_vec()], false));
    assert_eq!(client.says(&service, b"2:;"), b"");
    assert_eq!(client.pushes(), [b""; 0]);
    service.stop();
    assert!(client.pushes().last().unwrap().starts_with(b"1:"), "at the stop everything leaves");
}
