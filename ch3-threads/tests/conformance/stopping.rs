//! However busy the server is, SIGTERM and Ctrl-C end it well: what is in service is finished, who stalls is hung up on,
//! no process is left, and the status is 0 (checked by `Running::stop` every time).

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use ch3_threads::service::ServiceKind;
use nix::sys::signal::Signal;

use crate::client::Client;
use crate::dialogue::{DIALOGUES, exchange, many};
use crate::server::{PATIENCE, STOP_BOUND};
use crate::{Case, Suite, checks, goes_on};

pub fn add_to(suite: &mut Suite) {
    suite.add(&checks![stops_when_idle, stops_on_ctrl_c], &[ServiceKind::Echo], |_| true);
    suite.add(&checks![stops_with_idle_clients], &[ServiceKind::Echo, ServiceKind::Hold], |_| true);
    let in_service = checks![what_is_in_service_is_finished, what_has_not_begun_is_not_begun];
    suite.add(&in_service, &[ServiceKind::Heavy], |_| true);
    suite.add(&checks![stops_under_load], &DIALOGUES, goes_on);
    suite.add(
        &checks![stops_with_a_client_that_never_reads],
        &[ServiceKind::Bytes, ServiceKind::Echo],
        |_| true,
    );
    suite.add(&checks![stops_with_a_client_that_reads_by_drips], &[ServiceKind::Bytes], |_| true);
}

fn stops_when_idle(case: Case) {
    case.launch().start().stop();
}

/// A terminal sends the signal to every process of the group.
fn stops_on_ctrl_c(case: Case) {
    let server = case.launch().start();
    let mut client = Client::connect(server.address);
    let (request, answer) = exchange(case.service, 1);
    client.send(request);
    client.expect(answer); // so that there are workers, where they are made on demand
    server.signal_group(Signal::SIGINT);
    server.finish(STOP_BOUND);
    client.expect_hung_up();
}

fn stops_with_idle_clients(case: Case) {
    let server = case.launch().start();
    let mut clients: Vec<Client> = (0..12).map(|_| Client::connect(server.address)).collect();
    match case.service {
        ServiceKind::Hold => clients[0].expect("1"),
        _ => {
            let (request, answer) = exchange(case.service, 1);
            clients[0].send(request);
            clients[0].expect(answer);
        }
    }
    server.stop();
    clients[0].expect_hung_up();
}

fn what_is_in_service_is_finished(case: Case) {
    let server = case.launch().and(&["--delay", "400ms", "--log", "debug"]).start();
    let mut client = Client::connect(server.address);
    let (request, answer) = exchange(case.service, 1);
    client.send(request);
    server.says(&format!("a request of {}", client.address()));
    server.stop();
    assert_eq!(client.read_to_end(), answer);
}

/// A client that has sent fifty slow requests at once does not hold up the stop fifty times.
fn what_has_not_begun_is_not_begun(case: Case) {
    let server = case.launch().and(&["--delay", "400ms", "--log", "debug"]).start();
    let mut client = Client::connect(server.address);
    client.send(many(case.service, 50).0);
    server.says(&format!("a request of {}", client.address()));
    server.stop(); // within a bound that is less than fifty times the delay
    assert_eq!(client.read_to_end(), exchange(case.service, 0).1);
}

/// Four clients who ask as fast as they are answered, twenty requests in a packet.
fn stops_under_load(case: Case) {
    let server = case.launch().start();
    let (requests, answers) = many(case.service, 20);
    let (first_answer, busy) = channel();
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (mut client, first_answer) = (Client::connect(server.address), first_answer.clone());
            let (requests, answers) = (requests.clone(), answers.clone());
            thread::spawn(move || {
                while client.try_exchange(&requests, &answers) {
                    let _ = first_answer.send(());
                }
            })
        })
        .collect();
    for _ in 0..10 {
        busy.recv_timeout(PATIENCE).expect("one of them is served");
    }
    server.stop();
    for client in clients {
        client.join().expect("what came was right");
    }
}

/// Sixteen MiB fit into no socket buffer, so the server is in `send` when the stop comes.
fn stops_with_a_client_that_never_reads(case: Case) {
    let server = case.launch().start();
    let mut client = Client::connect_with_buffer(server.address, 64 * 1024);
    match case.service {
        ServiceKind::Bytes => {
            client.send("16000000\n");
            client.expect("*"); // it has begun to send
        }
        _ => assert!(client.send_what_fits(&vec![b'x'; 64 << 20]) < 64 << 20),
    }
    server.stop();
}

/// A client that takes a little of its answer again and again never stalls, but does not hold up the stop for ever.
fn stops_with_a_client_that_reads_by_drips(case: Case) {
    let server = case.launch().start();
    let mut client = Client::connect_with_buffer(server.address, 64 * 1024);
    client.send("16000000\n");
    client.expect("*"); // it has begun to send
    server.signal(Signal::SIGTERM);
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                if !client.take_a_drip() {
                    break;
                }
            }
        });
        let finished = catch_unwind(AssertUnwindSafe(|| server.finish(STOP_BOUND)));
        ended.store(true, Ordering::Relaxed); // what is left in the kernel's buffers is not waited for
        finished.map(drop).unwrap_or_else(|panic| resume_unwind(panic));
    });
}
