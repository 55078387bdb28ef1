//! What the command line says, and how the program ends when it cannot begin.

use std::net::TcpListener;

use ch3_threads::model::Model;
use ch3_threads::service::ServiceKind;

use crate::client::Client;
use crate::server::{Launch, PATIENCE};
use crate::{Case, Suite, checks};

pub fn add_to(suite: &mut Suite) {
    suite.add(&checks![an_address_in_use_is_named], &[ServiceKind::Echo], |_| true);
    // Not tokio, whose runtime panics over it and then waits for ever.
    let threads =
        |model| matches!(model, Model::ThreadPool | Model::Prethreaded | Model::Epoll | Model::Pipeline);
    suite.add(&checks![more_threads_than_possible_are_an_end_and_no_hang], &[ServiceKind::Echo], threads);
    suite.add(&checks![serves_over_ipv6], &[ServiceKind::Echo], |_| true);
    suite.add(
        &checks![serves_one_client_and_ends],
        &[ServiceKind::Echo, ServiceKind::Hold, ServiceKind::Random],
        |model| model == Model::OneClient,
    );
    suite.add_one("an_unknown_model_lists_the_known_ones", an_unknown_model_lists_the_known_ones);
    suite.add_one(
        "more_listening_sockets_than_can_be_closed_are_an_error",
        more_listening_sockets_than_can_be_closed_are_an_error,
    );
    suite.add_one("no_worker_is_too_few", no_worker_is_too_few);
}

fn an_address_in_use_is_named(case: Case) {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is bound");
    let (status, stdout, stderr) = case.launch().and(&["-p", &address.port().to_string()]).fail();
    assert_eq!((status.code(), stdout.as_str()), (Some(1), ""), "{stderr}");
    assert!(stderr.contains(&format!("cannot listen on {address}: Address already in use")), "{stderr}");
}

/// And those that could be made are not waited for. (With so little memory the end may also be an allocation's.)
fn more_threads_than_possible_are_an_end_and_no_hang(case: Case) {
    let (status, stdout, stderr) = case.launch().workers(4000).address_space(400_000).fail();
    assert!(!status.success(), "{stderr}");
    assert!(!stdout.contains("LISTENING"), "{stderr}");
    let names_it = stderr.contains("cannot start ") && stderr.contains("ulimit -u");
    assert!(names_it || stderr.contains("allocat"), "{stderr}");
}

fn serves_over_ipv6(case: Case) {
    let server = case.launch().and(&["-l", "::1"]).start();
    assert!(server.address.is_ipv6());
    let mut client = Client::connect(server.address);
    client.send("six");
    client.expect("six");
    drop(client);
    server.stop();
}

/// By itself, with status 0; whoever waited in the backlog is hung up on.
fn serves_one_client_and_ends(case: Case) {
    let server = case.launch().start();
    let mut first = Client::connect(server.address);
    match case.service {
        ServiceKind::Hold => first.expect("1"),
        ServiceKind::Random => first.expect("You requested"),
        _ => {
            first.send("one");
            first.expect("one");
        }
    }
    let mut second = Client::connect(server.address);
    drop(first);
    server.finish(PATIENCE);
    second.expect_hung_up();
}

fn an_unknown_model_lists_the_known_ones() {
    let (status, stdout, stderr) = Launch::with(&["--model", "quantum"]).fail();
    assert_eq!((status.code(), stdout.as_str()), (Some(2), ""));
    for model in Model::ALL {
        assert!(stderr.contains(&model.name()), "{} is not in {stderr}", model.name());
    }
}

fn more_listening_sockets_than_can_be_closed_are_an_error() {
    let arguments = ["--model", "prefork-reuseport", "--workers", "300", "-p", "0"];
    let (status, _, stderr) = Launch::with(&arguments).fail();
    assert_eq!(status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("at most 256 listening sockets"), "{stderr}");
}

fn no_worker_is_too_few() {
    let (status, _, stderr) = Launch::with(&["--model", "prefork", "--workers", "0"]).fail();
    assert_eq!(status.code(), Some(2), "{stderr}");
}
