//! Pipelining: a call whose target is the result of another, sent with it.

use ch5_rpc::objects::connection::{Connection, Returned};
use ch5_rpc::objects::flat::Flat;
use ch5_rpc::objects::message::{Argument, Target};
use ch5_rpc::pyro::proxy::{CallError, Options};
use ch5_rpc::pyro::serpent::Value;
use ch5_rpc::pyro::uri::Uri;

use crate::remote::{PATIENCE, chat, client, failing, uri};

fn open(uri: &Uri) -> Connection {
    Connection::open(&uri.host, uri.port, Options { timeout: PATIENCE, ..Options::default() }).unwrap()
}

fn text(text: &str) -> Vec<Argument> {
    vec![Argument::Value(Flat::from(&text.into()))]
}

#[test]
fn the_command_shows_two_round_trips_and_one() {
    let server = chat(&[]);
    let uri = uri(&server).to_string();
    let picture = tempfile::NamedTempFile::new().unwrap();
    let path = picture.path().to_str().unwrap();
    let said = client(&["chat-client", "-u", &uri, "-n", "Ann", "--pipeline", "-m", "hi", "--picture", path]);
    let row = |name: &str| {
        let line = said.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{said}"));
        let numbers: Vec<u64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        (numbers[0], numbers[1])
    };
    let ((trips, time), (pipelined_trips, pipelined_time)) = (row("one by one"), row("pipelined"));
    assert_eq!((trips, pipelined_trips), (2, 1), "{said}");
    assert!(time >= 100 && pipelined_time >= 50, "the link has a delay of 25 ms each way: {said}");
    assert!(said.contains("register+post"), "{said}");
    assert_eq!(client(&["chat-client", "-u", &uri, "--read"]), "From Ann : hi\nFrom Ann : hi\n");
    let page = std::fs::read_to_string(path).unwrap();
    assert!(page.contains("register+post") && page.contains("<svg"), "{page}");
    assert!(failing_usage(&["chat-client", "-u", &uri, "--pipeline"]).contains("--name"));
    let facet = client(&["chat-client", "-u", &uri, "--read-only"]);
    let refused = failing(&["chat-client", "-u", facet.trim(), "-n", "Eve", "--pipeline"]);
    assert!(refused.contains("interface is chat.ReadOnly, not chat.Chat"), "{refused}");
}

/// What a command says whose arguments are wrong.
fn failing_usage(args: &[&str]) -> String {
    let output = crate::support::run(&mut crate::support::ch5(args));
    assert_eq!(output.status.code(), Some(2));
    crate::support::text(&output.stderr)
}

#[test]
fn a_whole_chain_is_done_in_order_and_its_end_tells_all() {
    let server = chat(&[]);
    let uri = uri(&server);
    let mut connection = open(&uri);
    let chat = || Target::Object(uri.object.clone());
    let user = connection.outgoing(chat(), "chat.Chat", "register", text("Ann"));
    let user = connection.start(user).unwrap();
    let name = connection.outgoing(user.target(), "chat.User", "whoami", vec![]);
    let name = connection.start(name).unwrap();
    // The result of the second is an argument of the third.
    let post = connection.outgoing(chat(), "chat.Chat", "post", vec![name.argument(), name.argument()]);
    let post = connection.start(post).unwrap();
    let get = connection.outgoing(user.target(), "chat.User", "get", vec![]);
    let get = connection.start(get).unwrap();
    assert_eq!(connection.wait(get).unwrap(), Returned::Value(Value::texts(["From Ann : Ann"])));
    assert_eq!(connection.wait(post).unwrap(), Returned::Value(Value::None));
    let Returned::Reference(reference) = connection.wait(user).unwrap() else { panic!("no reference") };
    assert_eq!(reference.interface, "chat.User");
    let again = connection.wait(user).unwrap_err().to_string();
    assert!(again.contains("taken before"), "{again}");
}

#[test]
fn the_failure_of_the_first_is_that_of_the_second_and_nothing_is_posted() {
    let server = chat(&[]);
    let uri = uri(&server);
    let mut connection = open(&uri);
    let target = || Target::Object(uri.object.clone());
    let user = connection.outgoing(target(), "chat.Chat", "register", text(""));
    let user = connection.start(user).unwrap();
    let post = connection.outgoing(user.target(), "chat.User", "post", text("hi"));
    let post = connection.start(post).unwrap();
    let failed = |result: Result<Returned, CallError>| match result {
        Err(CallError::Failed(exception)) => exception.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(failed(connection.wait(post)), "ValueError: a name has 1 to 200 bytes");
    assert_eq!(failed(connection.wait(user)), "ValueError: a name has 1 to 200 bytes");
    let get = connection.outgoing(target(), "chat.Chat", "get", vec![]);
    assert_eq!(connection.call(get).unwrap(), Returned::Value(Value::List(vec![])));
    // Another connection has other results.
    let mut stranger = open(&uri);
    let stolen = stranger.outgoing(user.target(), "", "get", vec![]);
    assert!(failed(stranger.call(stolen)).contains("the result of call 1 is not there"));
}
