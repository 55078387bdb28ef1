//! The random-bytes note: a client that prints two points, ten thousand of them at once, and the limit that holds fewer.

use std::process::{Command, Output, Stdio};

use common::support::child_server::ChildServer;
use nix::sys::resource::{Resource, getrlimit};

const PROGRAM: &str = env!("CARGO_BIN_EXE_ch3-threads");

fn server(service: &str) -> ChildServer {
    let mut command = Command::new(PROGRAM);
    command.args(["serve", "-m", "epoll", "-s", service, "-p", "0", "--log", "error"]).stderr(Stdio::piped());
    ChildServer::start(&mut command).unwrap()
}

fn run(command: &mut Command, arguments: &str, server: &ChildServer) -> Output {
    let port = server.address.port().to_string();
    command.args(arguments.split(' ')).args(["-p", &port]).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_client_prints_two_points_of_the_square() {
    let random = server("random");
    let runs = [0, 1].map(|_| {
        let output = run(&mut Command::new(PROGRAM), "random-client", &random);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    });
    assert_ne!(runs[0], runs[1], "other points each time");
    let lines: Vec<&str> = runs[0].lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    for (line, name) in lines.iter().zip(["First point:  A ( ", "Second point: B ( "]) {
        let point = line.strip_prefix(name).and_then(|rest| rest.strip_suffix(" )"));
        let point = point.unwrap_or_else(|| panic!("{line}")).split(", ");
        let point: Vec<f64> = point.map(|number| number.parse().unwrap()).collect();
        assert!(point.len() == 2 && point.iter().all(|at| (-1.0..1.0).contains(at)), "{line}");
    }
}

#[test]
fn another_service_is_no_pair_of_points() {
    let output = run(&mut Command::new(PROGRAM), "random-client --timeout 5s", &server("hold"));
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(error.contains("cargo ch3 serve --service random") && output.stdout.is_empty(), "{error}");
}

#[test]
fn ten_thousand_at_once_are_served_where_the_limit_allows_them() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    if hard < 10_100 {
        eprintln!("SKIPPED: ulimit -Hn is {hard}, and ten thousand clients need more");
        return;
    }
    let output =
        run(&mut Command::new(PROGRAM), "simulate -s random --stay 200ms --timeout 60s", &server("random"));
    let table = text(&output.stdout);
    assert!(output.status.success(), "{table}{}", text(&output.stderr));
    let row = table.lines().skip_while(|line| !line.contains("gave up")).nth(1).unwrap();
    assert_eq!(row.split_whitespace().collect::<Vec<_>>(), ["10000", "10000", "0", "0", "0", "0"], "{table}");
}

#[test]
fn a_limit_that_holds_fewer_is_named_with_how_many() {
    let mut shell = Command::new("bash");
    // Root could raise the hard limit, too.
    let without_the_right =
        "ulimit -n 500; [ $UID = 0 ] && set -- setpriv --bounding-set -sys_resource \"$@\"; exec \"$@\"";
    shell.args(["-c", without_the_right, "bash", PROGRAM]);
    let random = server("random");
    let output = run(&mut shell, "simulate -s random -c 600", &random);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("(ulimit -Hn)") && error.contains("room for 480 clients"), "{error}");

    let mut shell = Command::new("bash");
    shell.args(["-c", "ulimit -Sn 100; exec \"$@\"", "bash", PROGRAM]);
    let output = run(&mut shell, "simulate -s random -c 400", &random);
    assert!(output.status.success(), "the soft limit is raised: {}", text(&output.stderr));
}
