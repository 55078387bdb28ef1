//! The one service whose clients meet: what one publishes another reads, where there is one memory for both.

use nix::sys::signal::Signal;

use ch3_threads::model::Model;
use ch3_threads::service::Kind;

use crate::client::Client;
use crate::server::{Running, STOP_BOUND};
use crate::{Case, Suite, checks, goes_on};

pub fn add_to(suite: &mut Suite) {
    let shares = |model: Model| goes_on(model) && !model.copies_memory();
    let checks = checks![
        what_one_publishes_another_reads,
        a_request_is_what_came_until_the_end,
        bad_requests_have_their_codes,
        half_a_message_is_not_published_by_the_stop,
    ];
    suite.add(&checks, &[Kind::Board], shares);
    suite.add(&checks![copied_memory_is_refused_with_the_reason], &[Kind::Board], Model::copies_memory);
    suite.add(&checks![copied_boards_diverge_when_asked_to], &[Kind::Board], |model| {
        model == Model::ForkPerConnection
    });
}

/// One request, which is one connection.
fn ask(server: &Running, request: impl AsRef<[u8]>) -> String {
    let mut client = Client::connect(server.address);
    client.send(request);
    client.half_close();
    String::from_utf8(client.read_to_end()).expect("what was published is text")
}

fn what_one_publishes_another_reads(case: Case) {
    let server = case.launch().start();
    assert_eq!(ask(&server, "2:0"), "0", "an empty board");
    assert_eq!(ask(&server, "1:Hello: world"), "0");
    assert_eq!(ask(&server, "1:again"), "0");
    assert_eq!(ask(&server, "2:0"), "0:0:1");
    assert_eq!(ask(&server, "2:1"), "0:1");
    let message = ask(&server, "3:0");
    assert!(message.starts_with("0:") && message.ends_with(":Hello: world"), "{message}");
    assert!(message.contains(":127.0.0.1:"), "{message}");
    assert!(ask(&server, "4:1").ends_with(" again"));
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

fn bad_requests_have_their_codes(case: Case) {
    let server = case.launch().start();
    for (request, answer) in [("", "1"), ("1:", "1"), ("3:99", "2"), ("9:x", "3"), ("2:x", "1"), ("4:x", "1")]
    {
        assert_eq!(ask(&server, request), answer, "to {request:?}");
    }
    assert_eq!(ask(&server, "2:0"), "0");
    server.stop();
}

/// The stop wakes the reader by shutting down its receiving half, which looks like the client's end.
fn half_a_message_is_not_published_by_the_stop(case: Case) {
    let server = case.launch().start();
    let mut client = Client::connect(server.address);
    client.send("1:half a mess");
    server.stderr.wait_for(&format!("New client connected from {}", client.address()));
    server.signal(Signal::SIGTERM);
    client.expect_hung_up();
    server.finish(STOP_BOUND);
}

fn copied_memory_is_refused_with_the_reason(case: Case) {
    let (status, stdout, stderr) = case.launch().fail();
    assert_eq!((status.code(), stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains("needs one memory") && stderr.contains("--show-divergence"), "{stderr}");
}

/// Every connection has a process of its own, and so a board of its own, which ends with it.
fn copied_boards_diverge_when_asked_to(case: Case) {
    let server = case.launch().flag("--show-divergence").start();
    assert_eq!(ask(&server, "1:into the void"), "0");
    assert_eq!(ask(&server, "2:0"), "0", "nobody will ever read it");
    server.stop();
}
