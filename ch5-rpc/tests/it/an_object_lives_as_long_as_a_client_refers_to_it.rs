//! Leases: an object that nobody refers to goes, and a client that was away for too long is told.

use std::time::{Duration, Instant};

use ch5_rpc::objects::connection::{Connection, Promise, Returned};
use ch5_rpc::objects::flat::Flat;
use ch5_rpc::objects::message::{Argument, Target};
use ch5_rpc::pyro::proxy::Options;
use ch5_rpc::pyro::serpent::Value;
use ch5_rpc::pyro::uri::Uri;
use nix::sys::signal::Signal;

use crate::remote::{PATIENCE, background, chat, client, proxy, uri, wait_for};

fn open(uri: &Uri) -> Connection {
    Connection::open(&uri.host, uri.port, Options { timeout: PATIENCE, ..Options::default() }).unwrap()
}

/// Registers: the id of the user's object.
fn register(connection: &mut Connection, chat: &Uri, name: &str) -> String {
    let name = vec![Argument::Value(Flat::from(&name.into()))];
    let call = connection.outgoing(Target::Object(chat.object.clone()), "chat.Chat", "register", name);
    let promise: Promise = connection.start(call).unwrap();
    let Returned::Reference(reference) = connection.wait(promise).unwrap() else { panic!("no reference") };
    reference.uri.parse::<Uri>().unwrap().object
}

fn users(chat: &Uri) -> Value {
    proxy(chat).call("get_users", vec![]).unwrap()
}

/// Waits until the chat has these users.
fn wait_for_users(chat: &Uri, names: &[&str], mut meanwhile: impl FnMut()) {
    let until = Instant::now() + PATIENCE;
    while users(chat) != Value::texts(names.iter().copied()) {
        assert!(Instant::now() < until, "{:?}, and not {names:?}", users(chat));
        meanwhile();
    }
}

#[test]
fn a_client_that_dies_frees_its_user_and_one_that_renews_keeps_its_own() {
    let server = chat(&["--object-lease", "2s"]);
    let uri = uri(&server);
    let (mut dies, mut lives) = (open(&uri), open(&uri));
    register(&mut dies, &uri, "Dies");
    register(&mut lives, &uri, "Lives");
    // A client in Pyro's wire has no leases: its user stays.
    proxy(&uri).call("register", vec!["Pyro".into()]).unwrap();
    drop(dies);
    wait_for_users(&uri, &["Lives", "Pyro"], || lives.serve(Duration::from_millis(50)).unwrap());
    let messages = proxy(&uri).call("get", vec![]).unwrap();
    assert_eq!(messages, Value::texts(["User Dies leaved the chat room"]));
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(5) {
        lives.serve(Duration::from_millis(100)).unwrap();
    }
    assert_eq!(users(&uri), Value::texts(["Lives", "Pyro"]), "two leases later");
}

#[test]
fn a_reference_that_is_given_back_frees_its_object_at_once() {
    let server = chat(&["--object-lease", "1h"]);
    let uri = uri(&server);
    let (mut one, mut two) = (open(&uri), open(&uri));
    let id = register(&mut one, &uri, "Ann");
    two.hold(&id);
    two.serve(Duration::ZERO).unwrap();
    let whoami = two.outgoing(Target::Object(id.clone()), "chat.User", "whoami", vec![]);
    assert_eq!(two.call(whoami).unwrap(), Returned::Value("Ann".into()));
    one.release(&id).unwrap();
    let get = one.outgoing(Target::Object(uri.object.clone()), "", "get_users", vec![]);
    assert_eq!(one.call(get).unwrap(), Returned::Value(Value::texts(["Ann"])), "another refers to it");
    two.release(&id).unwrap();
    wait_for_users(&uri, &[], || {});
}

#[test]
fn a_client_that_was_away_for_too_long_is_told_so() {
    let server = chat(&["--object-lease", "1s"]);
    let uri = uri(&server);
    let mut away = open(&uri);
    let id = register(&mut away, &uri, "Away");
    // A renewal needs somebody who reads: this client does nothing.
    wait_for_users(&uri, &[], || {});
    let until = Instant::now() + PATIENCE;
    while !away.take_expired(&id) {
        assert!(Instant::now() < until, "not told");
        away.serve(Duration::from_millis(100)).unwrap();
    }
    let whoami = away.outgoing(Target::Object(id), "", "whoami", vec![]);
    assert!(away.call(whoami).unwrap_err().to_string().contains("unknown object"));
}

#[test]
fn the_chat_client_that_was_stopped_for_longer_than_its_lease_ends_and_says_why() {
    let server = chat(&["--object-lease", "1s"]);
    let place = uri(&server);
    let uri = place.to_string();
    let mut ann = background(&["chat-client", "-u", &uri, "-n", "Ann", "--follow", "--log", "error"]);
    wait_for_users(&place, &["Ann"], || {});
    client(&["chat-client", "-u", &uri, "-n", "Bob", "-m", "hello"]);
    wait_for(&ann, "From Bob : hello");
    wait_for_users(&place, &["Ann"], || {}); // Bob's client has ended
    ann.signal(Signal::SIGSTOP).unwrap();
    wait_for_users(&place, &[], || {});
    ann.signal(Signal::SIGCONT).unwrap();
    assert_eq!(ann.wait(PATIENCE).unwrap().code(), Some(1));
    let why = ann.stderr.wait_for_end(PATIENCE).unwrap();
    assert!(why.contains("away for longer than your lease"), "{why}");
}

#[test]
fn a_chat_lives_while_it_has_a_user_and_goes_with_its_last_reference() {
    let server = chat(&["--object-lease", "1s"]);
    let place = uri(&server);
    let uri = place.to_string();
    // A user of Pyro's wire stays in it, without a client: a local root.
    let room = proxy(&place).call("open", vec!["talk".into()]).unwrap();
    assert_eq!(proxy(&place).call("open", vec!["talk".into()]).unwrap(), room, "one name, one chat");
    let open_room = |name: &str| {
        let mut connection = open(&place);
        let name = vec![Argument::Value(Flat::from(&name.into()))];
        let call = connection.outgoing(Target::Object(place.object.clone()), "chat.Chat", "open", name);
        let Returned::Reference(reference) = connection.call(call).unwrap() else { panic!("no reference") };
        reference.uri.parse::<Uri>().unwrap()
    };
    let is_there = |uri: &Uri| ch5_rpc::pyro::proxy::Proxy::connect(uri, Options::default()).is_ok();
    let (kept, empty) = (open_room("kept"), open_room("empty"));
    proxy(&kept).call("register", vec!["Ann".into()]).unwrap();
    let until = Instant::now() + PATIENCE;
    while is_there(&empty) {
        assert!(Instant::now() < until, "nobody refers to it");
    }
    // The same lease is over, and more: the user has kept it.
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(users(&kept), Value::texts(["Ann"]));
    assert_eq!(open_room("kept"), kept);
    assert_ne!(open_room("empty"), empty, "another chat, with another reference");
    proxy(&kept).call("remove_user", vec!["Ann".into()]).unwrap();
    while is_there(&kept) {
        assert!(Instant::now() < until, "it has no user and no reference");
    }
    client(&["chat-client", "-u", &uri, "--room", "talk", "-n", "Bob", "-m", "hello"]);
    assert_eq!(client(&["chat-client", "-u", &uri, "--room", "talk", "--read"]), "From Bob : hello\n");
    assert_eq!(client(&["chat-client", "-u", &uri, "--read"]), "");
}
