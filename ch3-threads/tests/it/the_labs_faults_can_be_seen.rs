//! `lab-server`: the lab's questions 5 and 6, each fault and its repair from outside.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::support::child_server::ChildServer;
use nix::sys::signal::Signal;
use socket2::SockRef;

/// Far more than anything here needs.
const LIMIT: Duration = Duration::from_secs(30);

fn lab_server(arguments: &str) -> ChildServer {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ch3-threads"));
    command.args(["lab-server", "-p", "0"]).args(arguments.split_whitespace()).stderr(Stdio::piped());
    ChildServer::start(&mut command).unwrap()
}

fn connect(server: &ChildServer) -> TcpStream {
    let client = TcpStream::connect(server.address).unwrap();
    client.set_read_timeout(Some(LIMIT)).unwrap();
    client
}

fn served(server: &ChildServer) -> TcpStream {
    let mut client = connect(server);
    client.write_all(b"hello").unwrap();
    client.read_exact(&mut [0; 5]).unwrap();
    client
}

/// The children of the server, each with its state.
fn children(server: &ChildServer) -> Vec<char> {
    let id = server.id();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    let state = |pid: &str| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(") ")?.1.chars().next()
    };
    children.split_whitespace().filter_map(state).collect()
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < LIMIT, "never: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Stops it, and returns what it said: results and log.
fn stop(server: ChildServer) -> (String, String) {
    let (stdout, stderr) = (server.process.stdout.clone(), server.process.stderr.clone());
    let ended = server.stop();
    let [stdout, stderr] = [stdout, stderr].map(|said| said.wait_for_end(LIMIT).unwrap());
    assert!(ended.success(), "{stdout}{stderr}");
    (stdout, stderr)
}

#[test]
fn without_a_reaper_a_child_that_has_ended_stays_a_zombie() {
    let server = lab_server("--reaper none");
    let (leaves, stays) = (served(&server), served(&server));
    drop(leaves);
    wait_until("a zombie", || children(&server).contains(&'Z'));
    let third = served(&server);
    drop((stays, third));
    wait_until("three zombies", || children(&server) == ['Z', 'Z', 'Z']);
    let (results, log) = stop(server);
    assert!(
        results.contains("children: 3, zombies: 3, reaped by the handler: 0, handler runs: 0"),
        "{results}"
    );
    assert_eq!(results.matches("<defunct>").count(), 3, "{results}");
    assert!(
        log.contains("WARN") && log.contains("stays a zombie") && log.contains("zombies so far: 1"),
        "{log}"
    );
}

#[test]
fn the_right_reaper_leaves_no_zombie_and_is_the_default() {
    let server = lab_server("");
    let (leaves, stays) = (served(&server), served(&server));
    drop(leaves);
    wait_until("one child", || children(&server).len() == 1);
    drop((served(&server), stays));
    wait_until("no child", || children(&server).is_empty());
    let (results, log) = stop(server);
    assert!(results.contains("children: 3, zombies: 0, reaped by the handler: 3"), "{results}");
    assert!(!log.contains("WARN"), "{log}");
}

#[test]
fn the_labs_reaper_serves_nobody_until_the_last_child_has_ended() {
    let server = lab_server("--reaper lab");
    let (leaves, stays) = (served(&server), served(&server));
    drop(leaves);
    wait_until("one child", || children(&server).len() == 1);
    let mut third = connect(&server);
    third.write_all(b"hello").unwrap();
    third.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let error = third.read_exact(&mut [0; 5]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    drop(stays);
    third.set_read_timeout(Some(LIMIT)).unwrap();
    third.read_exact(&mut [0; 5]).unwrap();
    let (results, log) = stop(server);
    let (_, calls) = results.split_once("calls of wait: ").unwrap();
    assert!(calls.lines().next().unwrap().parse::<u64>().unwrap() > 100, "it spins: {results}");
    assert!(log.contains("WARN") && log.contains("nobody is served"), "{log}");
}

#[test]
fn ctrl_c_ends_a_server_that_sits_in_the_labs_reaper() {
    let server = lab_server("--reaper lab");
    let (leaves, stays) = (served(&server), served(&server));
    drop(leaves);
    wait_until("one child", || children(&server).len() == 1);
    stop(server);
    drop(stays);
}

/// A client that sends more than the server reads at once, and resets the connection before the first answer.
fn reset_before_the_answer(server: &ChildServer) {
    let mut client = connect(server);
    client.write_all(&[b'x'; 8 * 4096]).unwrap();
    SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
}

#[test]
fn a_handler_of_sigpipe_counts_and_everybody_lives() {
    for (choice, runs) in [("handler", true), ("ignore", false)] {
        let server = lab_server(&format!("--sigpipe {choice} --slow 200ms"));
        reset_before_the_answer(&server);
        let broken = |log: &str| log.contains("write: EPIPE").then_some(());
        server.process.stderr.wait(LIMIT, broken).unwrap();
        served(&server);
        let (results, log) = stop(server);
        let (_, counted) = results.split_once("SIGPIPE: handler runs: ").unwrap();
        let (counted, rest) = counted.split_once(',').unwrap();
        assert_eq!(counted.parse::<u64>().unwrap() > 0, runs, "{choice}: {results}");
        assert!(
            rest.contains("children killed by it: 0") && !log.contains("WARN --"),
            "{choice}: {results}{log}"
        );
    }
}

#[test]
fn sigpipe_kills_the_process_of_the_client_by_default_of_the_system() {
    let server = lab_server("--sigpipe default --slow 200ms --reaper none");
    reset_before_the_answer(&server);
    wait_until("a dead child", || children(&server).contains(&'Z'));
    served(&server);
    let (results, log) = stop(server);
    assert!(results.contains("SIGPIPE: handler runs: 0, children killed by it: 1"), "{results}");
    assert!(log.contains("can kill the process that serves it"), "{log}");
}

#[test]
fn without_processes_it_kills_the_whole_server() {
    let mut server = lab_server("--sigpipe default --slow 200ms --sequential");
    served(&server);
    reset_before_the_answer(&server);
    let ended = server.process.wait(LIMIT).expect("it dies");
    assert_eq!(ended.status.unwrap().signal(), Some(Signal::SIGPIPE as i32));
}
