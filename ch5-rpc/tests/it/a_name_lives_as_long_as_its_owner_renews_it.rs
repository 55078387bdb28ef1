//! Leases on the real clock: in virtual time they are tested beside the registry.

use std::time::{Duration, Instant};

use ch5_rpc::pyro::proxy::Proxy;
use ch5_rpc::pyro::serpent::Value;
use nix::sys::signal::Signal;

use crate::remote::{PATIENCE, background, chat, client, failing, names, proxy, uri, wait_for};
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
    assert_eq!(owner.stop().status.and_then(|status| status.code()), Some(130));
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

/// A name says what kind of server has it. A client of another kind says so, and calls nothing.
#[test]
fn what_a_name_is_of_is_looked_at_before_it_is_called() {
    let names = names(&[]);
    let place = names.address.to_string();
    let talk = chat(&["--names", &place]);
    let board = Server::with_log(&["board-server", "-t", "json", "--names", &place]);
    let port = names.address.port().to_string();
    let watch = background(&["names", "watch", "-p", &port, "--log", "error"]);
    wait_for(&watch, &format!("board PYRO:rpc-board@{}", board.address));
    wait_for(&watch, &format!("chat {}", uri(&talk)));
    let said = failing(&["board-client", "--names", &place, "--board", "chat", "-m", "x"]);
    assert!(
        said.contains("the name chat is of something else: it is registered as [chat], and not"),
        "{said}"
    );
    let said = failing(&["chat-client", "--names", &place, "--chat", "board", "--read"]);
    assert!(said.contains("the name board is of something else"), "{said}");
    let said = failing(&["board-client", "--names", &place, "-m", "x"]);
    assert!(said.contains("the board board is called with -t json, and not with -t tcp"), "{said}");
    client(&["board-client", "--names", &place, "-t", "json", "-m", "x"]);
    // By hand, without a word of metadata, it may be anything.
    let board_uri = format!("PYRO:rpc-board@{}", board.address);
    client(&["names", "register", "hand", &board_uri, "-p", &port]);
    client(&["board-client", "--names", &place, "--board", "hand", "-t", "json"]);
}

#[test]
fn a_board_takes_the_name_of_another_if_it_is_told_to() {
    let names = names(&[]);
    let place = names.address.to_string();
    let log = |server: &Server, words: &'static str| {
        let found = server.process.stderr.wait(PATIENCE, |log| log.contains(words).then_some(()));
        found.unwrap_or_else(|log| panic!("{words:?} is not in {log}"));
    };
    let first = Server::with_log(&["board-server", "--names", &place]);
    log(&first, "the name board is registered");
    let refused = Server::with_log(&["board-server", "--names", &place]);
    log(&refused, "the name board is not registered: NamingError: name already registered: board");
    let second = Server::with_log(&["board-server", "--names", &place, "--if-taken", "replace"]);
    log(&second, "the name board is registered");
    client(&["board-client", "--names", &place, "-m", "to the second", "--publish-only"]);
    let port = second.address.port().to_string();
    assert!(client(&["board-client", "-p", &port]).contains("to the second"));
}
