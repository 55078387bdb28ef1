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

/// A server that ends by kill -9 at its commit; eight clients each make a facet after the other until it has ended. What they were told,
/// and the file as it is after that.
fn crashed(at: &str, data: &str) -> (Vec<Uri>, Uri) {
    let args =
        ["chat-server", "--announce", "off", "--data", data, "--log", "error", "--crash", at, "-p", "0"];
    let server = ChildServer::start(ch5(&args).stderr(std::process::Stdio::piped())).unwrap();
    let uri = crate::remote::uri_of(&server.process);
    let confirmed = scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut facets = Vec::new();
                    let options = Options { timeout: PATIENCE, ..Options::default() };
                    let Ok(mut chat) = Proxy::connect(&uri, options) else { return facets };
                    while let Ok(facet) = chat.call("read_only", vec![]) {
                        facets.push(facet.as_text().unwrap().parse::<Uri>().unwrap());
                    }
                    facets
                })
            })
            .collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    (confirmed, uri)
}

#[test]
fn what_was_confirmed_before_kill_9_at_a_commit_is_there() {
    for at in ["before-commit:9", "before-answer:9", "before-commit:3", "before-answer:3"] {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("chat.redb");
        let data = data.to_str().unwrap();
        let (confirmed, chat) = crashed(at, data);
        // The commit of the chat itself is one of them.
        let commits: usize = at.split_once(':').unwrap().1.parse().unwrap();
        assert!(confirmed.len() >= commits - 2, "{at}: only {} facets", confirmed.len());
        let server = start(0, data, &[]);
        assert_eq!(uri(&server).object, chat.object);
        for facet in &confirmed {
            let there = Uri { port: server.address.port(), ..facet.clone() };
            assert!(proxy(&there).call("get", vec![]).is_ok(), "{at}: {facet} is lost");
        }
        assert!(server.stop().success());
        let stored = ch5_rpc::chat::store::Store::open(data.as_ref(), None).unwrap().facets().unwrap().len();
        match at.starts_with("before-commit") {
            true => assert_eq!(stored, confirmed.len(), "{at}: what was not committed is not there"),
            false => {
                assert!(
                    stored > confirmed.len(),
                    "{at}: what was committed is there, though nobody was told"
                );
            }
        }
    }
}

#[test]
fn references_that_are_made_together_share_commits() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("chat.redb");
    let data = data.to_str().unwrap();
    let args = ["chat-server", "--model", "thread-per-connection", "--announce", "off", "--data", data];
    let server = Server::with_log(&args);
    let uri = uri(&server);
    scope(|scope| {
        for client in 0..8 {
            let uri = &uri;
            scope.spawn(move || {
                let mut chat = proxy(uri);
                for number in 0..40 {
                    let opened = chat.call("open", vec![format!("{client}.{number}").as_str().into()]);
                    assert!(opened.unwrap().as_text().is_some());
                }
            });
        }
    });
    let log = server.process.stderr.clone();
    assert!(server.stop().success());
    log.wait_for_end(PATIENCE).unwrap();
    let log = crate::support::text(&log.bytes());
    let words = log.lines().find_map(|line| line.split("322 changes were written with ").nth(1));
    let commits: u32 = words.unwrap_or_else(|| panic!("{log}")).trim_end_matches(" commits").parse().unwrap();
    assert!(commits < 322, "{commits} commits for 322 changes");
}
