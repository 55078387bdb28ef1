//! Worker processes: whoever dies is replaced, nobody outlives the parent, and what they count is not lost.

use std::time::Instant;

use ch3_threads::model::Model;
use ch3_threads::service::ServiceKind;
use nix::sys::signal::{Signal, kill};

use crate::client::Client;
use crate::dialogue::exchange;
use crate::server::{PATIENCE, Running, name};
use crate::{Case, Suite, checks};

/// The models whose workers are replaced.
const CREWS: [Model; 3] = [Model::Prefork, Model::PreforkReuseport, Model::FdPassing];

pub fn add_to(suite: &mut Suite) {
    let pool = checks![a_killed_worker_is_replaced, all_workers_killed_are_all_replaced];
    suite.add(&pool, &[ServiceKind::Echo], |model| CREWS.contains(&model));
    let pipeline = checks![a_killed_idle_process_costs_no_request, a_killed_busy_process_costs_its_request];
    suite.add(&pipeline, &[ServiceKind::Heavy], |model| model == Model::ProcessPipeline);
    suite.add(&checks![nobody_outlives_the_parent], &[ServiceKind::Echo], Model::copies_memory);
    suite.add(&checks![the_shares_add_up], &[ServiceKind::Echo], |model| {
        CREWS.contains(&model) || model == Model::Prethreaded
    });
}

fn a_killed_worker_is_replaced(case: Case) {
    let server = case.launch().workers(1).start();
    let mut client = Client::connect(server.address);
    check_service(case, &mut client);
    kill_worker(&server);
    client.expect_hung_up();
    server.says("child-0 died (SIGKILL); it is replaced");
    check_service(case, &mut Client::connect(server.address));
    let ended = server.stop();
    assert!(ended.stderr.contains("1 workers replaced"), "{}", ended.stderr);
}

/// Ten die at the same moment, busy and idle ones; signals of one kind do not queue.
fn all_workers_killed_are_all_replaced(case: Case) {
    let server = case.launch().workers(10).start();
    let mut busy = Client::connect(server.address);
    check_service(case, &mut busy);
    wait_for_ten(&server); // the first serves before the last is forked
    for worker in server.children() {
        kill(worker, Signal::SIGKILL).expect("it lives");
    }
    busy.expect_hung_up();
    for number in 0..10 {
        server.says(&format!("child-{number} died"));
    }
    for _ in 0..20 {
        check_service(case, &mut Client::connect(server.address));
    }
    wait_for_ten(&server); // the last is said to have died before its successor is forked
    server.stop();
}

/// A process that dies between two requests is noticed at the next, which was not lost with it.
fn a_killed_idle_process_costs_no_request(case: Case) {
    let server = case.launch().workers(1).start();
    let mut client = Client::connect(server.address);
    check_service(case, &mut client);
    kill_worker(&server);
    check_service(case, &mut client);
    server.says("it is replaced");
    drop(client);
    server.stop();
}

fn a_killed_busy_process_costs_its_request(case: Case) {
    let server = case.launch().workers(1).and(&["--delay", "60s", "--log", "debug"]).start();
    let mut client = Client::connect(server.address);
    client.send(exchange(case.service, 0).0);
    server.says(&format!("a request of {}", client.address()));
    let mut children = server.children();
    while children.is_empty() {
        std::thread::yield_now(); // it is started for the first request
        children = server.children();
    }
    kill(children[0], Signal::SIGKILL).expect("it lives");
    client.expect_hung_up();
    server.says("it is replaced");
    server.stop();
}

fn nobody_outlives_the_parent(case: Case) {
    let server = case.launch().start();
    let mut client = Client::connect(server.address);
    check_service(case, &mut client);
    assert!(!server.children().is_empty());
    server.kill_parent();
    client.expect_hung_up();
}

/// As the csd examples print it, and without a lost count.
fn the_shares_add_up(case: Case) {
    let server = case.launch().workers(4).start();
    for _ in 0..50 {
        check_service(case, &mut Client::connect(server.address));
    }
    let ended = server.stop();
    let role = if case.model == Model::Prethreaded { "worker" } else { "child" };
    let shares: Vec<u64> = (0..4)
        .map(|number| {
            let beginning = format!("{role} {number} : ");
            let line = ended.stdout.lines().find_map(|line| line.strip_prefix(&beginning));
            let times = line.and_then(|line| line.strip_suffix(" times")?.parse().ok());
            times.unwrap_or_else(|| panic!("{}: {beginning:?} in {:?}", name(case.service), ended.stdout))
        })
        .collect();
    assert_eq!(shares.iter().sum::<u64>(), 50, "{shares:?}");
}

fn wait_for_ten(server: &Running) {
    let deadline = Instant::now() + PATIENCE;
    while server.children().len() < 10 {
        assert!(Instant::now() < deadline, "left: {:?}", server.children());
        std::thread::yield_now();
    }
}

/// Kills the only worker, and returns when it is dead.
pub fn kill_worker(server: &Running) {
    let [worker] = server.children()[..] else { panic!("one child: {:?}", server.children()) };
    kill(worker, Signal::SIGKILL).expect("it lives");
    // It dies when it is next given a processor; until then its pipe takes a request that nobody will read.
    let deadline = Instant::now() + PATIENCE;
    while server.children().contains(&worker) {
        assert!(Instant::now() < deadline, "it does not die");
        std::thread::yield_now();
    }
}

fn check_service(case: Case, client: &mut Client) {
    let (request, answer) = exchange(case.service, 31);
    client.send(request);
    client.expect(answer);
}
