//! The service with clients that are no more than an address and an outbox.

use super::*;
use crate::notification::wire::{Response, Responses};
use common::protocol::mboard::response::Posted;

fn service(when_full: WhenFull) -> NotificationService {
    NotificationService::new(Limits::default(), when_full, Duration::ZERO, Duration::ZERO)
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
        service.handle(&self.0, Bytes(request.to_vec())).bytes.into_vec()
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
    let service = NotificationService::new(
        Limits { bytes: 1, messages: 9 },
        WhenFull::Disconnect,
        Duration::ZERO,
        Duration::ZERO,
    );
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
        assert_eq!((silent.pushes().len(), silent.1.overrun()), (pushes, overrun));
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
    let service = NotificationService::new(
        Limits::default(),
        WhenFull::Skip,
        Duration::from_secs(3600),
        Duration::ZERO,
    );
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

/// A board that keeps such a gap. One of a day: what is held back in a test stays so.
fn spacing(when_full: WhenFull, gap: Duration) -> NotificationService {
    NotificationService::new(Limits::default(), when_full, Duration::ZERO, gap)
}

const DAY: Duration = Duration::from_secs(86_400);

/// One that has asked on connecting, as the notes' client does.
fn old(service: &NotificationService, port: u16) -> User {
    let peer = User::arrive(service, port);
    assert_eq!((peer.says(service, b"2:;"), codes(&peer)), (vec![], "1".to_owned()));
    peer
}

/// One that finds frames.
fn ours(service: &NotificationService, port: u16) -> User {
    let peer = User::arrive(service, port);
    assert_eq!((peer.says(service, b"2:;"), peer.says(service, b"2:;")), (vec![], b"1:;".to_vec()));
    assert_eq!(codes(&peer), "1");
    peer
}

/// The codes of what may leave.
fn codes(peer: &User) -> String {
    peer.pushes().iter().map(|push| char::from(push[0])).collect()
}

#[test]
fn between_two_messages_to_the_notes_client_there_is_a_gap() {
    let service = spacing(WhenFull::Skip, DAY);
    let (old, ours) = (old(&service, 1), ours(&service, 2));
    assert_eq!(ours.says(&service, b"1:YQ==;"), b"0:;");
    assert_eq!((codes(&ours).as_str(), codes(&old).as_str()), ("7", ""));
    assert_eq!(old.says(&service, b"1:Yg==;"), b"");
    assert_eq!((codes(&ours).as_str(), codes(&old).as_str()), ("7", ""));
    for code in ["7", "0", ""] {
        old.1.release();
        assert_eq!(codes(&old), code, "one notification for both messages, and each apart");
    }
}

#[test]
fn what_it_asks_meanwhile_is_answered_behind_what_is_held_back() {
    let service = spacing(WhenFull::Skip, Duration::from_millis(1));
    let peer = old(&service, 1);
    for _ in 0..100 {
        assert_eq!(peer.says(&service, b"1:YQ==;"), b"");
        let mut got = String::new();
        while got.is_empty() {
            got = codes(&peer);
        }
        assert_eq!(peer.says(&service, b"2:;"), b"", "it goes through the outbox as well");
        while got.len() < 3 {
            got += &codes(&peer);
        }
        assert_eq!(got, "701");
    }
    assert!(service.state().connected[&peer.0.id].is_spaced());
}

#[test]
fn who_does_what_the_notes_client_would_not_is_sent_everything_at_once_from_then_on() {
    // What it does, what is answered to that at once, and what leaves the outbox before it.
    type Case = (&'static [&'static [u8]], &'static [u8], &'static str);
    let cases: [Case; 5] = [
        (&[b"1:Yg==;"], b"0:;", "7"),                   // it begins with a message
        (&[b"2:;", b"1:Yg==;", b"2:;"], b"1:", "170"),  // it was not notified yet
        (&[b"2:;", b"1:Yg==;", b"1:;"], b"0:;", "170"), // the last message is not acknowledged
        (&[b"2:;", b"1:Yg==;", b"9:;"], b"4:;", "170"),
        (&[b"9:;"], b"4:;", ""),
    ];
    for (requests, answer, before) in cases {
        let service = spacing(WhenFull::Skip, DAY);
        let (peer, speaker) = (User::arrive(&service, 1), ours(&service, 2));
        let (last, held) = requests.split_last().unwrap();
        for request in held {
            assert_eq!(peer.says(&service, request), b"");
        }
        assert!(peer.says(&service, last).starts_with(answer), "{requests:?}");
        assert_eq!(codes(&peer), before, "{requests:?}");
        for _ in 0..3 {
            speaker.says(&service, b"1:YQ==;");
            assert_eq!(codes(&peer), "7");
            assert!(peer.says(&service, b"2:;").starts_with(b"1:"));
        }
        assert_eq!(peer.says(&service, b"1:YQ==;"), b"0:;");
    }
}

#[test]
fn who_asks_twice_on_connecting_finds_frames_whatever_is_published_meanwhile() {
    for notified in 0..4 {
        let service = spacing(WhenFull::Skip, DAY);
        let speaker = ours(&service, 1);
        let peer = User::arrive(&service, 2);
        for (step, request) in [&b""[..], b"2:;", b"2:;"].into_iter().enumerate() {
            if !request.is_empty() {
                let answer = peer.says(&service, request);
                assert_eq!(answer.is_empty(), step == 1, "{answer:?}");
            }
            if step < 2 && notified & (1 << step) != 0 {
                speaker.says(&service, b"1:YQ==;");
            }
        }
        let expected = ["1", "71", "17", "71"][notified];
        assert_eq!(codes(&peer), expected);
        speaker.says(&service, b"1:YQ==;");
        assert_eq!(codes(&peer), "7");
    }
}

#[test]
fn the_answers_that_wait_for_one_client_are_bounded_and_none_is_dropped() {
    use crate::notification::subscriber::MOST_HELD;
    for (length, spaced) in [(MOST_HELD / 2, true), (MOST_HELD, false)] {
        let service = spacing(WhenFull::Disconnect, DAY);
        let (speaker, peer) = (ours(&service, 1), User::arrive(&service, 2));
        let mut request = Vec::new();
        Request::Publish(vec![b'x'; length]).encode(&mut request);
        speaker.says(&service, &request);
        // The answer waits in the outbox, and is no reason to hang up on it.
        assert_eq!(peer.says(&service, b"2:;"), b"");
        assert_eq!(peer.says(&service, b"1:YQ==;"), if spaced { &b""[..] } else { b"0:;" });
        peer.1.release_all();
        assert_eq!(codes(&peer), if spaced { "7170" } else { "717" });
        assert!(!peer.1.overrun());
    }
}

#[test]
fn where_each_message_is_announced_each_notification_is_held_back() {
    let service = spacing(WhenFull::Disconnect, DAY);
    let (old, ours) = (old(&service, 1), ours(&service, 2));
    for _ in 0..5 {
        ours.says(&service, b"1:YQ==;");
    }
    for _ in 0..5 {
        assert_eq!(codes(&old), "");
        old.1.release();
        assert_eq!(codes(&old), "7");
    }
}
