//! The answers are the right ones, in the right order, however the bytes were split on their way.

use ch3_threads::service::ServiceKind;

use crate::client::Client;
use crate::dialogue::{DIALOGUES, exchange, many};
use crate::{Case, Suite, checks};

pub fn add_to(suite: &mut Suite) {
    let checks = checks![
        answers_keep_their_order,
        a_hundred_requests_in_one_packet,
        a_byte_at_a_time,
        who_half_closes_still_gets_every_answer,
    ];
    suite.add(&checks, &DIALOGUES, |_| true);
    suite.add(&checks![a_number_needs_no_newline], &[ServiceKind::Bytes], |_| true);
    suite.add(&checks![offers_its_service_and_waits_for_the_clients_end], &[ServiceKind::Hold], |_| true);
    suite.add(&checks![sends_its_bytes_and_the_end], &[ServiceKind::Random], |_| true);
}

fn answers_keep_their_order(case: Case) {
    let server = case.launch().start();
    let mut client = Client::connect(server.address);
    for number in 0..20 {
        let (request, answer) = exchange(case.service, number);
        client.send(request);
        client.expect(answer);
    }
    drop(client);
    server.stop();
}

fn a_hundred_requests_in_one_packet(case: Case) {
    let server = case.launch().start();
    let mut client = Client::connect(server.address);
    let (requests, answers) = many(case.service, 100);
    client.send(requests);
    client.expect(answers);
    drop(client);
    server.stop();
}

fn a_byte_at_a_time(case: Case) {
    let server = case.launch().start();
    let mut client = Client::connect(server.address);
    let (requests, answers) = many(case.service, 3);
    for byte in requests {
        client.send([byte]);
    }
    client.expect(answers);
    drop(client);
    server.stop();
}

fn who_half_closes_still_gets_every_answer(case: Case) {
    let server = case.launch().start();
    let mut client = Client::connect(server.address);
    let (requests, answers) = many(case.service, 50);
    client.send(requests);
    client.half_close();
    assert_eq!(client.read_to_end(), answers);
    server.stop();
}

/// The csd client sends digits and nothing after them, and expects its bytes.
fn a_number_needs_no_newline(case: Case) {
    let server = case.launch().start();
    let mut client = Client::connect(server.address);
    client.send("3000");
    client.expect([b'*'; 3000]);
    client.half_close();
    assert_eq!(client.read_to_end(), b"");
    server.stop();
}

fn offers_its_service_and_waits_for_the_clients_end(case: Case) {
    let server = case.launch().start();
    let mut client = Client::connect(server.address);
    assert_eq!(client.read_to_end(), b"1"); // the byte, and the server's end
    server.says(&format!("New client connected from {}", client.address()));
    client.send("what comes now is dropped");
    client.half_close();
    server.says(&format!("Client {} disconnected", client.address()));
    server.stop();
}

fn sends_its_bytes_and_the_end(case: Case) {
    let server = case.launch().start();
    let mut client = Client::connect(server.address);
    let bytes = client.read_to_end();
    assert_eq!(bytes.len(), 81);
    assert!(bytes.starts_with(b"You requested some random bytes:\n\n"));
    assert!(bytes.ends_with(b"  \n\nYou want fries with that?\n\n"));
    drop(client);
    server.stop();
}
