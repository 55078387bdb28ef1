//! Migration: the old home says where the chat is, and clients follow.

use ch5_rpc::pyro::serpent::Value;

use crate::remote::{PATIENCE, background, chat, client, failing, proxy, uri, wait_for};
use crate::support::Server;

#[test]
fn a_client_follows_in_either_wire_and_no_message_is_lost() {
    let servers = [chat(&[]), chat(&[])];
    let [old, other] = [0, 1].map(|index: usize| uri(&servers[index]).to_string());
    let long = "x".repeat(60_000);
    for number in 0..20 {
        let text = format!("{number} {long}");
        proxy(&old.parse().unwrap()).call("post", vec![text.into(), "Ann".into()]).unwrap();
    }
    let mut ann = background(&["chat-client", "-u", &old, "-n", "Ann", "--follow", "--log", "error"]);
    wait_for(&ann, "From Ann : 19 ");
    let facet = client(&["chat-client", "-u", &old, "--read-only"]);
    let new = client(&["chat-client", "-u", &old, "--migrate-to", &other]);
    let new = new.trim();
    let port = format!(":{}", servers[1].address.port());
    assert!(new.ends_with(&port) && new != other, "{new}");
    for (name, wire) in [("Bob", "framed"), ("Carol", "5"), ("Dave", "4")] {
        client(&["chat-client", "-u", &old, "-n", name, "-m", "I have followed", "--wire", wire]);
    }
    let all = client(&["chat-client", "-u", new, "--read"]);
    let lines: Vec<&str> = all.lines().collect();
    assert_eq!(lines.len(), 23);
    assert!(lines[19].starts_with("From Ann : 19 "));
    assert_eq!(lines[20..], ["Bob", "Carol", "Dave"].map(|name| format!("From {name} : I have followed")));
    assert_eq!(client(&["chat-client", "-u", &other, "--read"]), "", "the other chat there is another");
    // A facet is not told the reference of the whole chat.
    let refused = failing(&["chat-client", "-u", facet.trim(), "--read"]);
    assert!(refused.contains("its facets have not") && !refused.contains(new), "{refused}");
    assert_eq!(ann.wait(PATIENCE).unwrap().code(), Some(1), "users are live references");
    assert!(
        failing(&["chat-client", "-u", &old, "--migrate-to", "PYRO:none@127.0.0.1:1"]).contains("no server")
    );
}

#[test]
fn a_chat_on_disk_has_still_moved_after_a_restart_and_is_on_disk_where_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let data = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let start = |port: u16, name: &str| {
        Server::start_at(port, &["chat-server", "--announce", "off", "--data", &data(name)])
    };
    let (one, two) = (start(0, "one"), start(0, "two"));
    let ports = [one.address.port(), two.address.port()];
    let (old, other) = (uri(&one).to_string(), uri(&two).to_string());
    client(&["chat-client", "-u", &old, "-n", "Ann", "-m", "hello"]);
    let new = client(&["chat-client", "-u", &old, "--migrate-to", &other]);
    assert!(one.stop().success() && two.stop().success());
    let (_one, _two) = (start(ports[0], "one"), start(ports[1], "two"));
    client(&["chat-client", "-u", &old, "-n", "Ann", "-m", "again"]);
    for reference in [&old, new.trim()] {
        let all = client(&["chat-client", "-u", reference, "--read"]);
        assert_eq!(all, "From Ann : hello\nFrom Ann : again\n", "{reference}");
    }
}

#[test]
fn one_that_moves_in_a_circle_is_followed_once() {
    let server = chat(&[]);
    let uri = uri(&server);
    let mut room = proxy(&uri);
    let second = room.call("arrive", vec![]).unwrap();
    let mut other = proxy(&second.as_text().unwrap().parse().unwrap());
    room.call("depart", vec![]).unwrap();
    let busy = room.call("post", vec!["x".into()]).unwrap_err().to_string();
    assert!(busy.contains("try again"), "{busy}");
    room.call("stay", vec![]).unwrap();
    assert!(room.call("moved", vec![second.clone()]).unwrap_err().to_string().contains("it has stayed"));
    room.call("depart", vec![]).unwrap();
    room.call("moved", vec![second]).unwrap();
    other.call("depart", vec![]).unwrap();
    other.call("moved", vec![Value::Text(uri.to_string())]).unwrap();
    let refused = failing(&["chat-client", "-u", &uri.to_string(), "--read"]);
    assert!(refused.contains("Moved"), "{refused}");
}
