//! The board over TCP: a connection per request, and one memory for all of them, or none.

use std::collections::BTreeSet;

use ch3_threads::model::Model;
use ch3_threads::service::ServiceKind;
use nix::sys::signal::Signal;

use crate::client::Client;
use crate::server::{Running, STOP_BOUND};
use crate::{Case, Suite, checks, goes_on};

pub fn add_to(suite: &mut Suite) {
    let one_memory = checks![
        what_one_publishes_all_find,
        forty_publish_at_once_and_nothing_is_lost,
        a_request_is_what_came_until_the_end,
        half_a_message_is_not_published_by_the_stop,
    ];
    suite.add(&one_memory, &[ServiceKind::Board], |model| goes_on(model) && !model.copies_memory());
    let refused =
        checks![a_model_that_copies_memory_is_refused_with_the_reason, divergence_is_shown_on_request];
    suite.add(&refused, &[ServiceKind::Board], Model::copies_memory);
}

fn what_one_publishes_all_find(case: Case) {
    let server = case.launch().start();
    assert_eq!(ask(&server, "2:0"), "0");
    assert_eq!(ask(&server, "1:a:b"), "0");
    assert_eq!(ask(&server, "1:c"), "0");
    assert_eq!(ask(&server, "2:0"), "0:0:1");
    let got = ask(&server, "3:0");
    assert!(got.starts_with("0:") && got.ends_with(":a:b"), "{got:?}");
    assert_eq!((ask(&server, "3:9").as_str(), ask(&server, "9:x").as_str()), ("2", "3"));
    assert_eq!(ask(&server, "1xhello"), "3");
    assert_eq!((ask(&server, "").as_str(), ask(&server, "1").as_str()), ("1", "1"));
    server.stop();
}

fn forty_publish_at_once_and_nothing_is_lost(case: Case) {
    let server = case.launch().start();
    let mut clients: Vec<Client> = (0..40).map(|_| Client::connect(server.address)).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.send(format!("1:text {number}"));
        client.half_close();
    }
    for client in &mut clients {
        assert_eq!(client.read_to_end(), b"0");
    }
    let texts: BTreeSet<String> = (0..40).map(|id| ask(&server, &format!("3:{id}"))).collect();
    let texts: BTreeSet<&str> = texts.iter().filter_map(|text| text.rsplit(':').next()).collect();
    assert_eq!(texts.len(), 40, "{texts:?}");
    server.stop();
}

fn a_request_is_what_came_until_the_end(case: Case) {
    let server = case.launch().start();
    let text: String = (0..300_000).map(|number| char::from(b'a' + (number % 26) as u8)).collect();
    let mut client = Client::connect(server.address);
    for piece in [b"1".as_slice(), b":", &text.as_bytes()[..1], &text.as_bytes()[1..]] {
        client.send(piece);
    }
    client.half_close();
    assert_eq!(client.read_to_end(), b"0");
    let message = ask(&server, "3:0");
    assert!(message.ends_with(&format!(":{text}")), "{} bytes came back", message.len());
    server.stop();
}

/// The stop wakes the reader by shutting down its receiving half, which looks like the client's end.
fn half_a_message_is_not_published_by_the_stop(case: Case) {
    let server = case.launch().start();
    let mut client = Client::connect(server.address);
    client.send("1:half a mess");
    client.wait_until_read(); // before that, it would be turned away, whatever it has sent
    server.signal(Signal::SIGTERM);
    client.expect_hung_up(); // with no answer, which would have been a 0
    server.finish(STOP_BOUND);
}

fn a_model_that_copies_memory_is_refused_with_the_reason(case: Case) {
    let (status, stdout, stderr) = case.launch().fail();
    assert_eq!((status.code(), stdout.as_str()), (Some(1), ""), "{stderr}");
    for words in ["needs one memory", &case.model.name(), "--show-divergence"] {
        assert!(stderr.contains(words), "{words:?} is not in {stderr}");
    }
}

/// Asked for, the server runs, and what one publishes another may not find. Under a process per connection nobody finds
/// anything; where processes live on, it depends on who is asked.
fn divergence_is_shown_on_request(case: Case) {
    let server = case.launch().flag("--show-divergence").start();
    for number in 0..20 {
        assert_eq!(ask(&server, &format!("1:{number}")), "0");
    }
    let found = ask(&server, "2:0");
    if case.model == Model::ForkPerConnection {
        assert_eq!(found, "0", "a board that its child has taken with it");
    } else {
        assert!(found.starts_with('0'), "{found:?}");
    }
    server.stop();
}

fn ask(server: &Running, request: &str) -> String {
    let mut client = Client::connect(server.address);
    client.send(request);
    client.half_close();
    String::from_utf8(client.read_to_end()).expect("it is text")
}
