//! What a server has is limited: descriptors, memory, patience. A client takes no more of it than its share.

use std::thread;
use std::time::{Duration, Instant};

use ch3_threads::model::Model;
use ch3_threads::service::ServiceKind;

use crate::client::{A_MOMENT, Client};
use crate::dialogue::{DIALOGUES, exchange};
use crate::{Case, Suite, checks, goes_on};

const MIB: usize = 1 << 20;
/// Over how long the use of the processor is measured.
const MEASURED: Duration = Duration::from_millis(500);

pub fn add_to(suite: &mut Suite) {
    suite.add(&checks![who_reads_slowly_gets_everything], &[ServiceKind::Bytes], |_| true);
    suite.add(&checks![a_mebibyte_comes_back_unchanged], &[ServiceKind::Echo], |_| true);
    suite.add(&checks![who_never_reads_takes_little_memory], &DIALOGUES, goes_on);
    suite.add(&checks![a_full_descriptor_table_is_waited_out], &[ServiceKind::Echo], goes_on);
    suite.add(&checks![select_refuses_what_has_no_place_in_its_set], &[ServiceKind::Echo], |model| {
        model == Model::Select
    });
}

/// A small receive buffer makes the server wait in `send`, or for writability, again and again.
fn who_reads_slowly_gets_everything(case: Case) {
    let server = case.launch().start();
    let mut client = Client::connect_with_buffer(server.address, 32 * 1024);
    client.send(format!("{}\n", 8 * MIB));
    // A moment in which nobody reads: now the server is sure to wait for room, however fast the client is afterwards.
    thread::sleep(A_MOMENT);
    for _ in 0..8 * MIB / 4096 {
        client.expect([b'*'; 4096]);
    }
    client.half_close();
    assert_eq!(client.read_to_end(), b"");
    server.stop();
}

fn a_mebibyte_comes_back_unchanged(case: Case) {
    let server = case.launch().start();
    let mut client = Client::connect(server.address);
    let bytes: Vec<u8> = (0..MIB).map(|index| (index % 251) as u8).collect();
    let (mut sender, sent) = (client.sender(), bytes.clone());
    let sending = thread::spawn(move || {
        sender.send(sent);
        sender.half_close();
    });
    assert!(client.read_to_end() == bytes);
    sending.join().expect("it only sends");
    server.stop();
}

/// Requests until the server takes no more: it must stop to read when nobody reads its answers.
fn who_never_reads_takes_little_memory(case: Case) {
    let server = if case.model.has_workers() { case.launch().workers(2) } else { case.launch() }.start();
    let (request, answer) = exchange(case.service, 96);
    let check_service = || {
        let mut other = Client::connect(server.address);
        other.send(&request);
        other.expect(&answer);
    };
    check_service(); // twice: after that, all workers are there
    check_service();
    let before = server.memory();
    let mut client = Client::connect_with_buffer(server.address, 32 * 1024);
    let sent = client.send_what_fits(&request.repeat(64 * MIB / request.len()));
    assert!(sent < 63 * MIB, "the server took all of it");
    let grown = server.memory().saturating_sub(before);
    assert!(grown < 4 << 20, "{} KiB more, over {} KiB of requests", grown >> 10, sent >> 10);
    // The others are served, where there is a seat (and where it is sure that it is not behind the taken one).
    if case.model.seats(2) != Some(1) {
        check_service();
    }
    server.stop();
}

/// Forty clients, twenty-four descriptors: the server neither gives up nor runs in circles, and when clients leave, those
/// who waited are served. (A parent that forks closes its copies at once, and its table is never full.)
fn a_full_descriptor_table_is_waited_out(case: Case) {
    let server = case.launch().descriptors(24).start();
    let (request, answer) = exchange(case.service, 0);
    let mut clients: Vec<Client> = (0..40).map(|_| Client::connect(server.address)).collect();
    for client in &mut clients {
        client.send(&request);
    }
    clients[0].expect(&answer);
    let (began, used) = (Instant::now(), server.processor_time());
    thread::sleep(MEASURED);
    let (wall, used) = (began.elapsed(), server.processor_time().saturating_sub(used));
    assert!(used < wall / 4, "{used:?} of processor time in {wall:?}: it runs in circles");
    clients[0].half_close();
    for client in &mut clients[1..] {
        client.expect(&answer);
        client.half_close();
    }
    server.stop();
}

/// A set of select(2) has 1024 places, whatever the descriptor table has.
fn select_refuses_what_has_no_place_in_its_set(case: Case) {
    let server = case.launch().descriptors(4096).start();
    let mut clients: Vec<Client> = (0..1100).map(|_| Client::connect(server.address)).collect();
    let (request, answer) = exchange(case.service, 0);
    for client in &mut clients[1030..] {
        client.expect_hung_up();
    }
    for client in &mut clients[..1000] {
        client.send(&request);
    }
    for client in &mut clients[..1000] {
        client.expect(&answer);
    }
    drop(clients);
    let ended = server.stop();
    assert!(ended.stderr.contains("is refused"), "{}", ended.stderr);
}
