//! Worker processes: whoever dies is replaced, nobody outlives the parent, and what they count is not lost.

use std::time::Instant;

use ch3_threads::model::Model;
use ch3_threads::service::ServiceKind;
use nix::sys::signal::{Signal, kill};

use crate::client::Client;
use crate::dialogue::exchange;
use crate::server::{Launch, PATIENCE, Running, STOP_BOUND, name};
use crate::{Case, Suite, checks};

/// The models whose workers are replaced.
const CREWS: [Model; 3] = [Model::Prefork, Model::PreforkReuseport, Model::FdPassing];

pub fn add_to(suite: &mut Suite) {
    let pool = checks![
        a_killed_worker_is_replaced,
        a_worker_is_replaced_though_the_parent_of_all_ignores_sigchld,
        all_workers_killed_are_all_replaced
    ];
    suite.add(&pool, &[ServiceKind::Echo], |model| CREWS.contains(&model));
    let pipeline = checks![a_killed_idle_process_costs_no_request, a_killed_busy_process_costs_its_request];
    suite.add(&pipeline, &[ServiceKind::Heavy], |model| model == Model::ProcessPipeline);
    let processes = checks![
        nobody_outlives_the_parent,
        not_even_a_stopped_process_outlives_the_parent,
        a_stopped_process_does_not_hold_up_the_stop
    ];
    suite.add(&processes, &[ServiceKind::Echo], Model::copies_memory);
    let busy = checks![a_second_ctrl_c_ends_even_a_busy_process, a_busy_stopped_process_ends_with_the_stop];
    suite.add(&busy, &[ServiceKind::Heavy], Model::copies_memory);
    suite.add(&checks![the_workers_exist_when_it_listens], &[ServiceKind::Echo], |model| {
        CREWS.contains(&model)
    });
    suite.add(&checks![the_shares_add_up], &[ServiceKind::Echo], |model| {
        CREWS.contains(&model) || model == Model::Prethreaded
    });
}

fn a_killed_worker_is_replaced(case: Case) {
    check_replacement(case, case.launch());
}

fn a_worker_is_replaced_though_the_parent_of_all_ignores_sigchld(case: Case) {
    check_replacement(case, case.launch().ignoring_children());
}

fn check_replacement(case: Case, launch: Launch) {
    let server = launch.workers(1).start();
    let mut client = Client::connect(server.address);
    check_service(case, &mut client);
    kill_worker(&server);
    client.expect_hung_up();
    server.says("child-0 died (SIGKILL); it is replaced");
    check_service(case, &mut Client::connect(server.address));
    let ended = server.stop();
    assert!(ended.stderr.contains("1 worker replaced"), "{}", ended.stderr);
}

/// Ten die at the same moment, busy and idle ones; signals of one kind do not queue.
fn all_workers_killed_are_all_replaced(case: Case) {
    let server = case.launch().workers(10).start();
    let mut busy = Client::connect(server.address);
    check_service(case, &mut busy);
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

fn not_even_a_stopped_process_outlives_the_parent(case: Case) {
    let server = case.launch().start();
    let mut held = held_by_a_stopped_process(case, &server);
    server.kill_parent();
    held.expect_hung_up();
}

/// The first lets requests be finished that have begun. The second waits for nothing.
fn a_second_ctrl_c_ends_even_a_busy_process(case: Case) {
    let server = case.launch().and(&["--delay", "60s", "--log", "debug"]).start();
    let mut client = Client::connect(server.address);
    client.send(exchange(case.service, 0).0);
    server.says(&format!("a request of {}", client.address()));
    assert_eq!(server.interrupt_until_it_ends().code(), Some(130));
}

fn a_stopped_process_does_not_hold_up_the_stop(case: Case) {
    let server = case.launch().start();
    let _held = held_by_a_stopped_process(case, &server);
    server.stop();
}

/// A client whose process is stopped, with all the others.
fn held_by_a_stopped_process(case: Case, server: &Running) -> Client {
    let mut client = Client::connect(server.address);
    check_service(case, &mut client);
    for worker in server.children() {
        kill(worker, Signal::SIGSTOP).expect("it lives");
    }
    client
}

/// It goes on with its request, which is finished.
fn a_busy_stopped_process_ends_with_the_stop(case: Case) {
    let server = case.launch().and(&["--delay", "1s", "--log", "debug"]).start();
    let mut client = Client::connect(server.address);
    let (request, answer) = exchange(case.service, 0);
    client.send(request);
    server.says(&format!("a request of {}", client.address()));
    for worker in server.children() {
        kill(worker, Signal::SIGSTOP).expect("it lives");
    }
    server.signal(Signal::SIGTERM);
    client.expect(answer);
    server.finish(STOP_BOUND);
}

fn the_workers_exist_when_it_listens(case: Case) {
    let server = case.launch().workers(7).start();
    assert_eq!(server.children().len(), 7);
    server.stop();
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
