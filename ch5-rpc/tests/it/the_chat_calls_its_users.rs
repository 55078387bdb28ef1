//! Callbacks: a client exports an object over its own connection, and the chat calls it.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ch3_threads::model::Model;
use ch5_rpc::objects::connection::{Connection, Returned};
use ch5_rpc::objects::flat::Flat;
use ch5_rpc::objects::message::{Argument, Target};
use ch5_rpc::pyro::call::{Call, Exception};
use ch5_rpc::pyro::object::Object;
use ch5_rpc::pyro::proxy::Options;
use ch5_rpc::pyro::serpent::Value;
use ch5_rpc::pyro::uri::Uri;
use clap::ValueEnum;

use crate::remote::{PATIENCE, background, chat, client, proxy, uri, wait_for};

/// Remembers how it was called.
#[derive(Default)]
pub struct Listener(Mutex<Vec<String>>);

impl Object for Listener {
    fn interface(&self) -> &'static str {
        "chat.Listener"
    }

    fn methods(&self) -> &'static [&'static str] {
        &["message", "private", "removed"]
    }

    fn call(&self, call: &Call<'_>) -> Result<Value, Exception> {
        let text = call.args.get(1).and_then(Value::as_text).unwrap_or(call.method);
        self.0.lock().unwrap().push(text.to_owned());
        Ok(Value::None)
    }
}

impl Listener {
    /// Serves calls until there were so many; nothing is sent meanwhile.
    fn wait(&self, connection: &mut Connection, count: usize) -> Vec<String> {
        let until = Instant::now() + PATIENCE;
        while self.0.lock().unwrap().len() < count {
            assert!(Instant::now() < until, "not called: {:?}", self.0.lock().unwrap());
            connection.serve(Duration::from_secs(1)).unwrap();
        }
        self.0.lock().unwrap().clone()
    }
}

fn open(uri: &Uri) -> Connection {
    Connection::open(&uri.host, uri.port, Options { timeout: PATIENCE, ..Options::default() }).unwrap()
}

/// Registers, and subscribes with an object of its own.
fn listen(connection: &mut Connection, chat: &Uri, name: &str) -> Arc<Listener> {
    let listener = Arc::new(Listener::default());
    let exported = connection.export(listener.clone());
    let target = Target::Object(chat.object.clone());
    let name = vec![Argument::Value(Flat::from(&name.into()))];
    let register = connection.outgoing(target, "chat.Chat", "register", name);
    let user = connection.start(register).unwrap();
    let subscribe = connection.outgoing(user.target(), "chat.User", "subscribe", vec![exported]);
    let Returned::Value(Value::Int(_)) = connection.call(subscribe).unwrap() else { panic!("no number") };
    listener
}

#[test]
fn a_message_comes_by_itself_under_every_model_that_shares_memory() {
    for model in Model::value_variants() {
        let has_one_connection = matches!(model, Model::OneClient | Model::Sequential); // nobody could post
        if model.copies_memory() || model.available().is_err() || has_one_connection {
            continue;
        }
        let server = chat(&["--model", &model.name()]);
        let uri = uri(&server);
        let mut connection = open(&uri);
        let ann = listen(&mut connection, &uri, "Ann");
        let mut other = proxy(&uri);
        for text in ["one", "two"] {
            other.call("post", vec![text.into(), "Bob".into()]).unwrap();
        }
        other.call("post_private", vec!["psst".into(), "Ann".into(), "Bob".into()]).unwrap();
        other.call("remove_user", vec!["Ann".into()]).unwrap();
        let expected =
            ["From Bob : one", "From Bob : two", "private", "User Ann leaved the chat room", "removed"];
        assert_eq!(ann.wait(&mut connection, 5), expected, "{}", model.name());
        assert!(server.stop().success(), "{}", model.name());
    }
}

#[test]
fn a_client_that_does_not_read_is_dropped_and_the_others_wait_for_nothing() {
    const USERS: usize = 20;
    let server = chat(&[]);
    let uri = uri(&server);
    let (mut deaf, mut hearing) = (open(&uri), open(&uri));
    for number in 0..USERS {
        listen(&mut deaf, &uri, &format!("deaf {number}"));
    }
    let listener = listen(&mut hearing, &uri, "Ann");
    let mut other = proxy(&uri);
    let text = "x".repeat(60_000);
    for count in 1..=40 {
        other.call("post", vec![text.as_str().into(), "Bob".into()]).unwrap();
        listener.wait(&mut hearing, count);
    }
    // 40 messages for 20 users are 48 MB: no kernel keeps so much. What it has kept is read, and then comes the end.
    let until = Instant::now() + PATIENCE;
    while deaf.serve(Duration::from_secs(1)).is_ok() {
        assert!(Instant::now() < until, "still connected");
    }
    other.call("post", vec!["still here".into()]).unwrap();
    assert_eq!(listener.wait(&mut hearing, 41)[40], "From Unknown : still here");
    assert!(server.stop().success());
}

#[test]
fn one_that_is_replaced_hears_of_it_and_no_more() {
    let server = chat(&[]);
    let uri = uri(&server);
    let (mut one, mut two) = (open(&uri), open(&uri));
    let first = listen(&mut one, &uri, "Ann");
    let second = listen(&mut two, &uri, "Ann");
    proxy(&uri).call("post", vec!["hello".into()]).unwrap();
    assert_eq!(second.wait(&mut two, 1), ["From Unknown : hello"]);
    assert_eq!(first.wait(&mut one, 1), ["removed"]);
}

#[test]
fn an_object_of_the_caller_cannot_be_forged_in_pyros_wire() {
    let server = chat(&[]);
    let mut room = proxy(&uri(&server));
    let me = room.call("register", vec!["Ann".into()]).unwrap();
    let mut me = proxy(&me.as_text().unwrap().parse().unwrap());
    let forged = Value::dict([("__class__", "ch5.Exported".into()), ("number", Value::Int(0))]);
    for listener in [forged, Value::None, "PYRO:a@b:1".into()] {
        let refused = me.call("subscribe", vec![listener]).unwrap_err().to_string();
        assert!(refused.contains("wants an object of the caller"), "{refused}");
    }
    assert_eq!(me.call("whoami", vec![]).unwrap(), "Ann".into());
}

#[test]
fn a_follower_in_each_wire_sees_what_comes_and_is_told_when_it_is_replaced() {
    let server = chat(&[]);
    let uri = uri(&server).to_string();
    for wire in ["framed", "4", "5"] {
        let mut ann = background(&[
            "chat-client",
            "-u",
            &uri,
            "-n",
            "Ann",
            "--follow",
            "--wire",
            wire,
            "--log",
            "error",
        ]);
        while !client(&["chat-client", "-u", &uri, "--users"]).contains("Ann") {}
        client(&["chat-client", "-u", &uri, "-n", wire, "-m", "hello", "--wire", wire]);
        wait_for(&ann, &format!("From {wire} : hello\n"));
        client(&["chat-client", "-u", &uri, "-n", wire, "--private", "Ann", "psst"]);
        wait_for(&ann, "(private) From");
        client(&["chat-client", "-u", &uri, "-n", "Ann", "-m", "I am Ann now"]);
        assert_eq!(ann.wait(PATIENCE).unwrap().code(), Some(1), "{wire}");
    }
}
