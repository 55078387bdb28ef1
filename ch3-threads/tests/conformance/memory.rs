//! Memory: what all clients together may hold is bounded, and a client that finds no room is told so.
//!
//! ```text
//!   --memory 16MiB    upload of 10 MiB ██████████▒ nine more ██…█  each is refused: "1", end of stream
//!                     30 readers of one list of 8 MiB ████████     it is there once
//! ```

use std::thread;
use std::time::Instant;

use ch3_threads::model::Model;
use ch3_threads::service::ServiceKind;

use crate::client::Client;
use crate::processes::kill_worker;
use crate::server::{Launch, PATIENCE, Running};
use crate::{Case, Suite, checks};

const MIB: usize = 1 << 20;
/// The server's budget.
const BUDGET: usize = 16 * MIB;
/// What a server may take besides: stacks, small buffers, and what the allocator keeps of what was freed.
const BESIDES: usize = 6 * MIB;

pub fn add_to(suite: &mut Suite) {
    let threads = [Model::ThreadPerConnection, Model::Epoll, Model::Tokio, Model::IoUring];
    let uploads =
        checks![uploads_that_find_no_room_are_refused, clients_that_go_on_sending_after_a_refusal_are_closed];
    suite.add(&uploads, &[ServiceKind::Board], |model| threads.contains(&model) || model == Model::Prefork);
    let readers = checks![readers_of_one_list_hold_it_once];
    suite.add(&readers, &[ServiceKind::Board], |model| threads.contains(&model));
    let gone = checks![memory_of_clients_that_are_gone_goes_back_to_the_system];
    suite.add(&gone, &[ServiceKind::Board], |model| threads.contains(&model));
    let forks = [Model::ForkPerConnection, Model::Prefork, Model::FdPassing];
    let killed = checks![a_killed_process_gives_its_memory_back];
    suite.add(&killed, &[ServiceKind::Board], |model| forks.contains(&model));
}

/// Ten clients that begin to upload 10 MiB: the first fits, and is published when it ends. The others do not.
fn uploads_that_find_no_room_are_refused(case: Case) {
    let server = if case.model == Model::Prefork { launch(case).workers(4) } else { launch(case) }.start();
    publish(&server, b"the first").expect("0");
    let before = server.memory();
    let text = vec![b'x'; 10 * MIB];
    let mut first = Client::connect(server.address);
    first.send("1:");
    first.send(&text);
    first.wait_until_read();
    let most = most_memory(&server, || {
        thread::scope(|scope| {
            for _ in 0..9 {
                scope.spawn(|| {
                    let mut client = Client::connect(server.address);
                    client.send("1:");
                    client.send_what_fits(&text); // it may be disconnected meanwhile
                    client.expect("1");
                });
            }
        });
    });
    let grown = most.saturating_sub(before);
    assert!(grown > 10 << 20, "{} KiB more: the first upload is not there", grown >> 10);
    assert!(grown < (BUDGET + BESIDES) as u64, "{} KiB more", grown >> 10);
    first.half_close();
    assert_eq!(first.read_to_end(), b"0");
    publish(&server, &text).expect("0"); // there is room again
    server.stop();
}

/// They do not read until they have sent everything: their refusal must not leave them waiting in the middle of it.
fn clients_that_go_on_sending_after_a_refusal_are_closed(case: Case) {
    let server = launch(case).start();
    let text = vec![b'x'; 64 * MIB];
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let mut client = Client::connect(server.address);
                client.send("1:");
                assert!(client.send_until_closed(&text), "it waits");
                client.expect("1");
            });
        }
    });
    server.stop();
}

/// Thirty clients ask for the whole board of 8 MiB and do not read. A list that is another has no room beside theirs.
fn readers_of_one_list_hold_it_once(case: Case) {
    let server = launch(case).start();
    publish(&server, &vec![b'x'; 8 * MIB]).expect("0");
    let before = server.memory();
    let ask = |request: &str| {
        let mut client = Client::connect_with_buffer(server.address, 32 * 1024);
        client.send(request);
        client.half_close();
        client
    };
    let mut readers: Vec<Client> = (0..30).map(|_| ask("5:0")).collect();
    readers.iter_mut().for_each(|reader| reader.expect("0:"));
    assert_eq!(ask("4:0").read_to_end(), b"1");
    let grown = server.memory().saturating_sub(before);
    assert!(grown < (BUDGET + BESIDES) as u64, "{} KiB more", grown >> 10);
    let lists: Vec<Vec<u8>> = readers.iter_mut().map(Client::read_to_end).collect();
    assert!(lists[0].len() > 8 * MIB && lists.iter().all(|list| *list == lists[0]));
    assert!(ask("4:0").read_to_end().len() > 8 * MIB, "there is room again");
    server.stop();
}

/// It dies in the middle of an upload, and its own code cannot give anything back.
fn a_killed_process_gives_its_memory_back(case: Case) {
    let server = launch(case).workers(1).start();
    let text = vec![b'x'; 10 * MIB];
    let mut client = Client::connect(server.address);
    client.send("1:");
    client.send(&text);
    client.wait_until_read();
    kill_worker(&server);
    client.expect_hung_up();
    publish(&server, &text).expect("0");
    server.stop();
}

/// Eight clients upload 8 MiB each and vanish, three times. A server's threads have heaps of their own, which may keep 1 MiB each.
fn memory_of_clients_that_are_gone_goes_back_to_the_system(case: Case) {
    // Room for all rounds at once: the server may notice late that those of the one before are gone.
    let server = launch(case).and(&["--memory", "1GiB"]).start();
    publish(&server, b"the first").expect("0");
    let before = server.memory();
    let text = vec![b'x'; 8 * MIB];
    for _ in 0..3 {
        let mut clients: Vec<Client> = (0..8).map(|_| Client::connect(server.address)).collect();
        // Piece by piece, one beside the other: so their buffers lie between each other.
        for piece in [&b"1:"[..]].into_iter().chain(text.chunks(MIB / 4)) {
            clients.iter_mut().for_each(|client| client.send(piece));
        }
        clients.iter().for_each(Client::wait_until_read);
        clients.into_iter().for_each(Client::reset);
    }
    let grown = || server.memory().saturating_sub(before);
    let deadline = Instant::now() + PATIENCE;
    while grown() >= (8 * MIB + BESIDES) as u64 {
        assert!(Instant::now() < deadline, "{} KiB more", grown() >> 10);
        thread::yield_now();
    }
    server.stop();
}

fn launch(case: Case) -> Launch {
    let launch = case.launch().and(&["--memory", "16MiB"]);
    if case.model.copies_memory() { launch.flag("--show-divergence") } else { launch }
}

/// A client that has uploaded a text.
fn publish(server: &Running, text: &[u8]) -> Client {
    let mut client = Client::connect(server.address);
    client.send("1:");
    client.send(text);
    client.half_close();
    client
}

/// The most memory that the server has while `body` runs.
fn most_memory(server: &Running, body: impl FnOnce() + Send) -> u64 {
    let mut most = 0;
    thread::scope(|scope| {
        let running = scope.spawn(body);
        while !running.is_finished() {
            most = most.max(server.memory());
            thread::yield_now();
        }
    });
    most
}
