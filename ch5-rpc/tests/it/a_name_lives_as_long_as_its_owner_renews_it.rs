//! Leases on the real clock: in virtual time they are tested beside the registry.

use std::time::{Duration, Instant};

use ch5_rpc::pyro::proxy::Proxy;
use ch5_rpc::pyro::serpent::Value;
use nix::sys::signal::Signal;

use crate::remote::{PATIENCE, background, client, failing, names, proxy, uri, wait_for};
use crate::support::Server;

const A: &str = "PYRO:aa@127.0.0.1:1";
const B: &str = "PYRO:bb@127.0.0.1:2";

/// Looks until the name server says so; how long that took.
fn until(port: &str, is_so: impl Fn(&str) -> bool) -> Duration {
    let begin = Instant::now();
    loop {
        let list = client(&["names", "list", "board", "-p", port]);
        if is_so(&list) {
            return begin.elapsed();
        }
        assert!(begin.elapsed() < PATIENCE, "{list}");
    }
}

/// How many seconds are left of the lease; 0 when the name is gone.
fn left(names: &mut Proxy) -> f64 {
    let entries = names.call("entries", vec![]).unwrap();
    let board =
        entries.items().unwrap().iter().filter_map(Value::items).find(|entry| entry[0] == "board".into());
    match board.map(|entry| &entry[3]) {
        Some(Value::Float(left)) => *left,
        _ => 0.0,
    }
}

fn keep<'a>(uri: &'a str, lease: &'a str, if_taken: &'a str, port: &'a str) -> [&'a str; 10] {
    ["names", "register", "board", uri, "--lease", lease, "--if-taken", if_taken, "-p", port]
}

#[test]
fn an_owner_that_is_killed_loses_it_and_one_that_stops_takes_it_along() {
    let server = names(&[]);
    let port = server.address.port().to_string();
    let owner = background(&keep(A, "2s", "refuse", &port));
    wait_for(&owner, "board is registered");
    // It is renewed: what is left of its lease grows, again and again.
    let (mut renewals, mut before, begin) = (0, 0.0, Instant::now());
    let mut names = proxy(&uri(&server));
    while renewals < 3 {
        let left = left(&mut names);
        renewals += usize::from(left > before);
        before = left;
        assert!(begin.elapsed() < PATIENCE);
    }
    owner.signal(Signal::SIGKILL).unwrap();
    until(&port, str::is_empty);

    let mut owner = background(&keep(A, "1000s", "refuse", &port));
    wait_for(&owner, "board is registered");
    assert!(failing(&keep(B, "1000s", "refuse", &port)).contains("name already registered: board"));
    assert!(owner.stop().success());
    assert_eq!(
        client(&["names", "list", "board", "-p", &port]),
        "",
        "it does not wait for the end of the lease"
    );
}

#[test]
fn a_name_server_that_was_killed_is_full_again_within_one_period() {
    let server = names(&[]);
    let number = server.address.port();
    let port = number.to_string();
    let owners = [A, B].map(|uri| background(&keep(uri, "6s", "balance", &port)));
    for owner in &owners {
        wait_for(owner, "board is registered");
    }
    server.process.signal(Signal::SIGKILL).unwrap();
    drop(server);
    let _server = Server::start_at(number, &["names", "--discovery-port", "0", "--announce", "off"]);
    let took = until(&port, |list| list.contains(A) && list.contains(B));
    assert!(took < Duration::from_secs(6), "a period is two seconds, and this took {took:?}");
    // Each look-up gives the next.
    let two = [(); 2].map(|()| client(&["names", "lookup", "board", "-p", &port]));
    assert!(two[0] != two[1], "{two:?}");
}

#[test]
fn one_that_watches_sees_each_change_and_the_restart() {
    let server = names(&[]);
    let number = server.address.port();
    let port = number.to_string();
    let watch = background(&["names", "watch", "-p", &port, "--log", "error"]);
    wait_for(&watch, "there Pyro.NameServer");
    client(&["names", "register", "board", A, "-p", &port]);
    wait_for(&watch, &format!("added board {A}\n"));
    client(&["names", "register", "board", B, "--if-taken", "replace", "-p", &port]);
    wait_for(&watch, &format!("removed board {A}\nadded board {B}\n"));
    client(&["names", "remove", "board", "-p", &port]);
    wait_for(&watch, &format!("removed board {B}\n"));
    assert!(failing(&["names", "remove", "board", "-p", &port]).contains("no name board"));
    assert!(server.stop().success());
    let _server = Server::start_at(number, &["names", "--discovery-port", "0", "--announce", "off"]);
    client(&["names", "register", "board", A, "-p", &port]);
    let again = watch.stdout.wait(PATIENCE, |text| {
        let since = text.rsplit_once(&format!("removed board {B}\n"))?.1;
        (since.contains(&format!("there board {A}")) || since.contains(&format!("added board {A}")))
            .then_some(())
    });
    again.unwrap();
}
