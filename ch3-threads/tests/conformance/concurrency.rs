//! Clients beside each other: all are served, and who waits for whom is what the model says.

use std::collections::BTreeSet;
use std::io::BufReader;

use ch3_threads::model::Model;
use ch3_threads::service::ServiceKind;
use common::core::trace::{self, Event};

use crate::client::Client;
use crate::dialogue::{DIALOGUES, exchange, many};
use crate::{Case, Suite, checks, goes_on};

/// Workers of the models that have seats, in these checks.
const WORKERS: usize = 2;

pub fn add_to(suite: &mut Suite) {
    let seats = |model: Model| model.seats(WORKERS);
    suite.add(&checks![forty_clients_at_once], &DIALOGUES, goes_on);
    suite.add(&checks![thirty_clients_get_thirty_different_values], &[ServiceKind::Random], goes_on);
    let anyone = |model| goes_on(model) && seats(model).is_none();
    suite.add(&checks![idle_clients_block_nobody], &[ServiceKind::Echo], anyone);
    let seated = |model| goes_on(model) && seats(model).is_some();
    suite.add(&checks![beyond_its_seats_a_client_waits_until_one_leaves], &[ServiceKind::Echo], seated);
    suite.add(&checks![slow_requests_overlap_where_the_model_says_so], &[ServiceKind::Heavy], goes_on);
}

/// All have sent before the first is read from, so that a model with one seat serves them as well: in turn.
fn forty_clients_at_once(case: Case) {
    let server = case.launch().start();
    let (requests, answers) = many(case.service, 5);
    let mut clients: Vec<Client> = (0..40).map(|_| Client::connect(server.address)).collect();
    for client in &mut clients {
        client.send(&requests);
        client.half_close();
    }
    for client in &mut clients {
        assert_eq!(client.read_to_end(), answers);
    }
    let ended = server.stop();
    assert!(ended.stderr.contains("40 connections"), "{}", ended.stderr);
}

/// A generator that `fork` copies would repeat itself.
fn thirty_clients_get_thirty_different_values(case: Case) {
    let server = case.launch().start();
    let value = |_| Client::connect(server.address).read_to_end()[34..50].to_vec();
    let values: BTreeSet<Vec<u8>> = (0..30).map(value).collect();
    assert_eq!(values.len(), 30);
    server.stop();
}

fn idle_clients_block_nobody(case: Case) {
    let server = case.launch().start();
    let mut idle: Vec<Client> = (0..20).map(|_| Client::connect(server.address)).collect();
    for number in 0..2 {
        let mut client = Client::connect(server.address);
        let (request, answer) = exchange(case.service, number);
        client.send(request);
        client.expect(answer);
    }
    for client in &mut idle {
        let (request, answer) = exchange(case.service, 7);
        client.send(request);
        client.expect(answer);
    }
    drop(idle);
    server.stop();
}

/// The lesson of these models: whoever is served keeps a worker, busy or not.
fn beyond_its_seats_a_client_waits_until_one_leaves(case: Case) {
    // With a listening socket per worker the kernel's hash chooses the worker: certain is only what one worker does.
    let workers = if case.model == Model::PreforkReuseport { 1 } else { WORKERS };
    let seats = case.model.seats(workers).expect("it is one of those with seats");
    let server = case.launch().workers(workers).start();
    let (request, answer) = exchange(case.service, 0);
    // Who connects first is accepted first: they take the seats without a word.
    let mut seated: Vec<Client> = (0..seats).map(|_| Client::connect(server.address)).collect();
    let mut next = Client::connect(server.address);
    next.send(&request);
    next.expect_nothing_yet();
    drop(seated.pop());
    next.expect(&answer);
    // The others have kept their seats.
    for client in &mut seated {
        client.send(&request);
        client.expect(&answer);
    }
    drop((next, seated));
    server.stop();
}

/// Told by the server's own trace: between the begin and the end of one request another begins, or none does.
fn slow_requests_overlap_where_the_model_says_so(case: Case) {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let path = file.path().to_str().expect("its name is text");
    let mut launch = case.launch().and(&["--delay", "200ms", "--trace", path]);
    if case.model.default_workers() > 1 || case.model == Model::ProcessPipeline {
        launch = launch.workers(8);
    }
    let server = launch.start();
    // Once it has answered, all its workers and listening sockets are there.
    let (request, answer) = exchange(case.service, 0);
    let mut first = Client::connect(server.address);
    first.send(&request);
    first.expect(&answer);
    drop(first);
    // Eight, so that the hash of `prefork-reuseport` sends all of them to one child in one of two million runs.
    let mut clients: Vec<Client> = (0..8).map(|_| Client::connect(server.address)).collect();
    for client in &mut clients {
        client.send(&request);
        client.half_close();
    }
    for client in &mut clients {
        assert_eq!(client.read_to_end(), answer);
    }
    server.stop();

    let entries = trace::read(BufReader::new(file.reopen().expect("the trace"))).expect("it is whole");
    let (mut running, mut most, mut begun) = (0, 0, 0);
    for entry in entries {
        match entry.event {
            Event::Begin => (running, begun) = (running + 1, begun + 1),
            Event::End => running -= 1,
            _ => {}
        }
        most = most.max(running);
    }
    assert_eq!((begun, running), (1 + clients.len(), 0));
    let one_by_one =
        matches!(case.model, Model::Sequential | Model::Select | Model::Poll | Model::Epoll | Model::IoUring);
    assert_eq!(most == 1, one_by_one, "at most {most} at once");
}
