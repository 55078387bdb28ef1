//! A client's fault is its own: it gets an error or is hung up on, and nobody else notices.

use ch3_threads::model::Model;
use ch3_threads::service::ServiceKind;

use crate::client::Client;
use crate::dialogue::{DIALOGUES, exchange, garbage};
use crate::server::Running;
use crate::{Case, Suite, checks, goes_on};

/// What may be cut short, or said to nobody.
const ALL: [ServiceKind; 6] = [
    ServiceKind::Hold,
    ServiceKind::Echo,
    ServiceKind::Heavy,
    ServiceKind::Bytes,
    ServiceKind::Random,
    ServiceKind::Factor,
];

pub fn add_to(suite: &mut Suite) {
    suite.add(
        &checks![garbage_gets_an_error_and_ends_only_its_connection],
        &[ServiceKind::Bytes, ServiceKind::Factor],
        goes_on,
    );
    suite.add(
        &checks![a_line_that_is_no_number_gets_an_error_and_the_next_an_answer],
        &[ServiceKind::Factor],
        |_| true,
    );
    suite.add(&checks![a_request_cut_short_gets_an_error], &[ServiceKind::Heavy], |_| true);
    suite.add(&checks![a_reset_at_any_point_is_survived], &ALL, goes_on);
    suite.add(&checks![who_goes_on_sending_after_an_error_is_hung_up_on], &[ServiceKind::Bytes], goes_on);
}

fn garbage_gets_an_error_and_ends_only_its_connection(case: Case) {
    let server = case.launch().start();
    // Somebody who is there all the time, where there is a seat for two.
    let has_two_seats = case.model.seats(case.model.default_workers()).is_none_or(|seats| seats >= 2);
    let mut neighbour = has_two_seats.then(|| Client::connect(server.address));
    for (bytes, beginning) in garbage(case.service) {
        let mut client = Client::connect(server.address);
        client.send(bytes);
        let answer = client.read_to_end();
        assert!(answer.starts_with(beginning), "{:?}", String::from_utf8_lossy(&answer));
        assert!(answer.ends_with(b"\n"), "an error is a line");
        drop(client);
        if let Some(neighbour) = &mut neighbour {
            check_service(case, neighbour);
        }
    }
    drop(neighbour);
    still_serves(case, &server);
    server.stop();
}

fn a_line_that_is_no_number_gets_an_error_and_the_next_an_answer(case: Case) {
    let server = case.launch().start();
    let mut client = Client::connect(server.address);
    client.send("many\n\n-3\n12\n99999999999999999999999999999999999999999999\n");
    client.half_close();
    let answers = String::from_utf8(client.read_to_end()).expect("it is text");
    let lines: Vec<&str> = answers.lines().collect();
    assert!(
        matches!(lines[..], [no, empty, negative, "12: 2 2 3", large]
        if [no, empty, negative, large].iter().all(|line| line.starts_with("ERROR "))),
        "{lines:?}"
    );
    server.stop();
}

fn a_request_cut_short_gets_an_error(case: Case) {
    let server = case.launch().start();
    let mut client = Client::connect(server.address);
    client.send(b"twenty bytes, not 36");
    client.half_close();
    let answer = client.read_to_end();
    assert_eq!(answer, b"ERROR a request has 36 bytes\n");
    drop(client);
    server.stop();
}

fn a_reset_at_any_point_is_survived(case: Case) {
    let server = case.launch().start();
    Client::connect(server.address).reset(); // perhaps before it was accepted
    if DIALOGUES.contains(&case.service) {
        let (request, answer) = exchange(case.service, 11);
        let mut inside_a_request = Client::connect(server.address);
        inside_a_request.send(&request[..1]);
        inside_a_request.reset();
        let mut before_the_answer = Client::connect(server.address);
        before_the_answer.send(&request);
        before_the_answer.reset();
        let mut inside_the_answer = Client::connect(server.address);
        inside_the_answer.send(&request);
        inside_the_answer.expect(&answer[..1]);
        inside_the_answer.reset();
        let mut after_its_own_end = Client::connect(server.address);
        after_its_own_end.send(&request);
        after_its_own_end.half_close();
        after_its_own_end.reset();
    } else {
        let mut inside_the_greeting = Client::connect(server.address);
        inside_the_greeting.expect(if case.service == ServiceKind::Hold { "1" } else { "You " });
        inside_the_greeting.reset();
    }
    still_serves(case, &server);
    server.stop();
}

/// After an error the server reads on only to save its last words from a reset: briefly, and not for ever.
fn who_goes_on_sending_after_an_error_is_hung_up_on(case: Case) {
    let server = case.launch().start();
    let mut client = Client::connect(server.address);
    client.send("no number\n");
    let mut sender = client.sender();
    let flood = std::thread::spawn(move || sender.send_what_fits(&vec![b'x'; 256 << 20]));
    client.expect("ERROR not a decimal number\n");
    let sent = flood.join().expect("it only sends");
    assert!(sent < 256 << 20, "the server takes all of it");
    if case.model != Model::Sequential {
        still_serves(case, &server);
    }
    drop(client);
    server.stop();
}

fn still_serves(case: Case, server: &Running) {
    let mut client = Client::connect(server.address);
    match case.service {
        ServiceKind::Hold => client.expect("1"),
        ServiceKind::Random => client.expect("You requested"),
        _ => check_service(case, &mut client),
    }
}

fn check_service(case: Case, client: &mut Client) {
    let (request, answer) = exchange(case.service, 23);
    client.send(request);
    client.expect(answer);
}
