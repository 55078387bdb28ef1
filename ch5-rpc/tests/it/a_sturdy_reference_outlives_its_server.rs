//! `chat-server --data FILE`: what was acknowledged is there after `kill -9`, and the references are the same.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::scope;

use ch5_rpc::pyro::proxy::{Options, Proxy};
use ch5_rpc::pyro::serpent::Value;
use ch5_rpc::pyro::uri::Uri;
use common::support::child_server::ChildServer;

use crate::remote::{PATIENCE, client, failing, proxy, uri};
use crate::support::{Server, ch5};

fn texts(value: &Value) -> Vec<String> {
    value.items().unwrap().iter().map(|text| text.as_text().unwrap().to_owned()).collect()
}

fn start(port: u16, data: &str, args: &[&str]) -> Server {
    Server::start_at(port, &[&["chat-server", "--announce", "off", "--data", data], args].concat())
}

#[test]
fn kill_9_loses_nothing_that_was_acknowledged_and_a_call_that_comes_again_is_not_done_again() {
    const WRITERS: usize = 4;
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("chat.redb");
    let data = data.to_str().unwrap();
    let (mut acknowledged, mut unknown) = (Vec::new(), Vec::new());
    let (mut port, mut reference) = (0, None);
    for round in 0..3 {
        let mut server = ChildServer::start(
            ch5(&["chat-server", "--announce", "off", "--data", data, "--log", "error"])
                .args(["-p", &port.to_string()])
                .stderr(std::process::Stdio::piped()),
        )
        .unwrap();
        port = server.address.port();
        let uri = crate::remote::uri_of(&server.process);
        assert_eq!(*reference.get_or_insert(uri.clone()), uri, "the reference is the same");
        // What nobody knows of is sent again, with the id that it had.
        let mut again = proxy(&uri);
        for text in unknown.drain(..) {
            let id: &String = &text;
            again.call("post", vec![text.as_str().into(), "w".into(), id.as_str().into()]).unwrap();
            acknowledged.push(text);
        }
        check(&mut again, &acknowledged);
        let is_killed = AtomicBool::new(false);
        let ended: Vec<(Vec<String>, Option<String>)> = scope(|scope| {
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| {
                    let (uri, is_killed) = (&uri, &is_killed);
                    scope.spawn(move || write_until_it_dies(uri, &format!("{round}.{writer}"), is_killed))
                })
                .collect();
            // Under load: there are messages of this round.
            let mut watcher = proxy(&uri);
            while texts(&watcher.call("get", vec![]).unwrap()).len() < acknowledged.len() + 30 {}
            server.process.kill();
            is_killed.store(true, Ordering::Relaxed);
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        for (mut done, last) in ended {
            acknowledged.append(&mut done);
            unknown.extend(last);
        }
    }
    let server = start(port, data, &[]);
    check(&mut proxy(&uri(&server)), &acknowledged);
    assert!(server.stop().success());
}

/// Posts, each with an id, until no answer comes: what was acknowledged, and what is not known.
fn write_until_it_dies(uri: &Uri, name: &str, is_killed: &AtomicBool) -> (Vec<String>, Option<String>) {
    let mut chat = proxy(uri);
    let mut done = Vec::new();
    for number in 0.. {
        let text = format!("{name}.{number}");
        match chat.call("post", vec![text.as_str().into(), "w".into(), text.as_str().into()]) {
            Ok(_) => done.push(text),
            Err(error) => {
                while !is_killed.load(Ordering::Relaxed) {
                    std::thread::yield_now(); // it is killed at this moment
                }
                assert!(!error.to_string().is_empty());
                return (done, Some(text));
            }
        }
    }
    unreachable!("it posts until it ends")
}

/// Each acknowledged message is there, and none twice.
fn check(chat: &mut Proxy, acknowledged: &[String]) {
    let there = texts(&chat.call("get", vec![]).unwrap());
    for text in acknowledged {
        let count = there.iter().filter(|message| **message == format!("From w : {text}")).count();
        assert_eq!(count, 1, "{text}");
    }
}

#[test]
fn sturdy_references_are_good_after_a_restart_and_live_ones_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("chat.redb");
    let data = data.to_str().unwrap();
    let server = start(0, data, &["--deactivate-after", "200ms"]);
    let (port, chat) = (server.address.port(), uri(&server).to_string());
    client(&["chat-client", "-u", &chat, "-n", "Ann", "-m", "hello"]);
    client(&["chat-client", "-u", &chat, "--room", "talk", "-n", "Ann", "-m", "in talk"]);
    let facet = client(&["chat-client", "-u", &chat, "--read-only"]);
    let mut room = proxy(&chat.parse().unwrap());
    let bob = room.call("register", vec!["Bob".into()]).unwrap();
    let bob: Uri = bob.as_text().unwrap().parse().unwrap();
    let second = ch5(&["chat-server", "-p", "0", "--announce", "off", "--data", data]).output().unwrap();
    assert_eq!(second.status.code(), Some(1), "one server has the file");
    assert!(server.stop().success());

    let server = start(port, data, &["--deactivate-after", "200ms"]);
    assert_eq!(uri(&server).to_string(), chat);
    let refused = Proxy::connect(&bob, Options { timeout: PATIENCE, ..Options::default() }).unwrap_err();
    assert!(refused.to_string().contains("unknown object"), "{refused}");
    assert_eq!(client(&["chat-client", "-u", facet.trim(), "--read"]), "From Ann : hello\n");
    assert_eq!(client(&["chat-client", "-u", &chat, "--room", "talk", "--read"]), "From Ann : in talk\n");
    // Longer than it is kept in memory: it is read again.
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(client(&["chat-client", "-u", facet.trim(), "--read"]), "From Ann : hello\n");
    client(&["chat-client", "-u", &chat, "--revoke", facet.trim()]);
    assert!(server.stop().success());
    let server = start(port, data, &[]);
    assert!(failing(&["chat-client", "-u", facet.trim(), "--read"]).contains("unknown object"));
    assert!(server.stop().success());
}
