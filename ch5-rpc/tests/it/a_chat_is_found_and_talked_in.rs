//! `chat-client` from scripts: found in every way, in both wires; a server that goes and comes.

use std::thread::scope;

use ch5_rpc::pyro::serpent::Value;
use common::support::child_server::ChildProcess;

use crate::remote::{
    PATIENCE, background, chat, client, failing, in_a_network_of_its_own, names, proxy, uri, wait_for,
};
use crate::support::Server;

#[test]
fn what_is_posted_is_read_by_all_and_what_is_private_by_one() {
    let server = chat(&[]);
    let uri = uri(&server).to_string();
    let says = |args: &[&str]| client(&[&["chat-client", "-u", &uri], args].concat());
    let mut bob =
        background(&["chat-client", "-u", &uri, "-n", "Bob", "--wire", "4", "--follow", "--count", "4"]);
    while !says(&["--users"]).contains("Bob") {}
    assert_eq!(says(&["-n", "Ann", "-m", "hello", "-m", "two\nlines"]), "");
    wait_for(&bob, "two\\nlines\n");
    assert_eq!(says(&["-n", "Ann", "--private", "Bob", "psst", "--private", "Nobody", "lost"]), "");
    wait_for(&bob, "(private) From Ann : psst\n");
    assert_eq!(
        says(&["-n", "Carol", "-m", "bye", "--get"]),
        "From Ann : hello\nFrom Ann : two\\nlines\nFrom Carol : bye\n"
    );
    assert!(bob.wait(PATIENCE).unwrap().success());
    let expected = "From Ann : hello\nFrom Ann : two\\nlines\n(private) From Ann : psst\nFrom Carol : bye\n";
    assert_eq!(bob.stdout.wait_for_end(PATIENCE).unwrap(), expected);
    assert_eq!(says(&["--users"]), "Ann\nBob\nCarol\n");
    assert!(failing(&["chat-client", "-u", &uri, "-m", "x"]).contains("-n NAME"));
}

#[test]
fn a_facet_reads_and_does_nothing_else_until_it_is_revoked() {
    let server = chat(&[]);
    let uri = uri(&server).to_string();
    client(&["chat-client", "-u", &uri, "-n", "Ann", "-m", "hello"]);
    let facet = client(&["chat-client", "-u", &uri, "--read-only"]);
    let facet = facet.trim();
    assert_eq!(client(&["chat-client", "-u", facet, "--read", "--users"]), "Ann\nFrom Ann : hello\n");
    let refused = failing(&["chat-client", "-u", facet, "-n", "Eve", "-m", "x"]);
    assert!(refused.contains("no exposed method 'register'"), "{refused}");
    assert!(failing(&["chat-client", "-u", facet, "--revoke", &uri]).contains("no exposed method 'revoke'"));
    assert_eq!(client(&["chat-client", "-u", &uri, "--revoke", facet]), "revoked\n");
    for wire in ["framed", "4", "5"] {
        let gone = failing(&["chat-client", "-u", facet, "--read", "--wire", wire]);
        assert!(gone.contains("the object is gone: it was revoked") && !gone.contains("start one"), "{gone}");
    }
    assert!(failing(&["chat-client", "-u", &uri, "--revoke", facet]).contains("revoked already"));
}

#[test]
fn a_chat_is_found_by_its_name_while_it_runs() {
    let names = names(&[]);
    let (at, port) = (names.address.to_string(), names.address.port().to_string());
    let server = chat(&["--names", &at, "--chat", "talk", "--lease", "2s"]);
    let mut found = String::new();
    while !found.contains("talk PYRO:") {
        found = client(&["names", "list", "talk", "-p", &port]);
    }
    client(&["chat-client", "--names", &at, "--chat", "talk", "-n", "Ann", "-m", "hello"]);
    assert_eq!(proxy(&uri(&server)).call("get", vec![]).unwrap(), Value::texts(["From Ann : hello"]));
    assert!(server.stop().success());
    assert_eq!(client(&["names", "list", "talk", "-p", &port]), "", "it has taken its name along");
    assert!(
        failing(&["chat-client", "--names", &at, "--chat", "talk", "--read"]).contains("unknown name: talk")
    );
}

#[test]
fn a_user_with_objects_on_two_servers_confuses_neither() {
    let servers = [chat(&[]), chat(&[])];
    let [mut one, mut two] = [0, 1].map(|index: usize| proxy(&uri(&servers[index])));
    scope(|scope| {
        for (chat, name) in [(&mut one, "Ann"), (&mut two, "Bob")] {
            scope.spawn(move || {
                for number in 0..50 {
                    chat.call("post", vec![Value::Int(number), name.into()]).unwrap();
                    let last = chat.call("get", vec![Value::Int(-1)]).unwrap();
                    assert_eq!(last, Value::texts([format!("From {name} : {number}")]));
                }
            });
        }
    });
    // One reference tells nothing about the other server.
    let mut stranger = uri(&servers[1]);
    stranger.object = one.uri().object.clone();
    let refused = ch5_rpc::pyro::proxy::Proxy::connect(&stranger, Default::default()).unwrap_err();
    assert!(refused.to_string().contains("unknown object"), "{refused}");
}

#[test]
fn a_client_that_follows_is_told_when_its_reference_is_worthless() {
    let server = chat(&[]);
    let (number, uri) = (server.address.port(), uri(&server).to_string());
    let follow = |args: &[&str]| -> ChildProcess {
        background(&[&["chat-client", "-u", &uri, "--follow", "--log", "error"], args].concat())
    };
    let (mut patient, mut hasty) = (follow(&["-n", "Ann"]), follow(&["-n", "Bob", "--no-reconnect"]));
    while client(&["chat-client", "-u", &uri, "--users"]) != "Ann\nBob\n" {}
    client(&["chat-client", "-u", &uri, "-n", "Carol", "-m", "hello"]);
    for client in [&patient, &hasty] {
        wait_for(client, "From Carol : hello");
    }
    assert!(server.stop().success());
    assert_eq!(hasty.wait(PATIENCE).unwrap().code(), Some(1));
    // Another server comes, at the same address: it has other objects.
    let _server = Server::start_at(number, &["chat-server", "--announce", "off"]);
    assert_eq!(patient.wait(PATIENCE).unwrap().code(), Some(1));
    let why = patient.stderr.wait_for_end(PATIENCE).unwrap();
    assert!(why.contains("good for nothing any more"), "{why}");
}

#[test]
fn an_announcement_is_heard_on_the_interface_that_it_is_sent_by() {
    // `default` is where the route to the group leads: in this network it is loopback as well. So each is heard by the other.
    for (announced, heard) in [("lo", "lo"), ("default", "default"), ("default", "lo")] {
        let script = format!(
            r#"
            exec 3< <(exec "$1" chat-server -p 0 --announce {announced})
            read -ru 3 _; read -ru 3 _ uri; server=$!
            "$1" chat-client --discover {heard} -n Ann -m hello --timeout 60s
            "$1" chat-client -u "$uri" --read
            kill -TERM $server
            exec 4< <(exec "$1" names -p 0 --discovery-port 0 --announce {announced})
            read -ru 4 _; server=$!
            "$1" names list --discover {heard} --timeout 60s
            kill -TERM $server"#
        );
        let Some(said) = in_a_network_of_its_own(&script, &[]) else { return };
        assert!(said.starts_with("From Ann : hello\nPyro.NameServer PYRO:"), "{announced}, {heard}: {said}");
    }
}

#[test]
fn on_the_chats_group_there_are_bare_references_and_nothing_else() {
    // As the notes' client joins: on no interface in particular.
    let listen = r#"
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("239.1.1.1", 53124))
s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, struct.pack("4sl", socket.inet_aton("239.1.1.1"), socket.INADDR_ANY))
s.settimeout(60)
print({s.recv(2000).decode() for _ in range(3)})
"#;
    let script = r#"
        exec 3< <(exec "$1" names -p 0 --discovery-port 0 --announce default)
        read -ru 3 _; names=$!
        exec 4< <(exec "$1" chat-server -p 0 --announce default)
        read -ru 4 _; read -ru 4 _ uri; chat=$!
        echo "{'$uri'}"
        python3 -c "$2"
        kill -TERM $names $chat"#;
    let has_python = std::process::Command::new("python3").arg("--version").output().is_ok();
    if !has_python {
        return eprintln!("SKIPPED, nothing is checked: no python3");
    }
    let Some(said) = in_a_network_of_its_own(script, &[listen]) else { return };
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines.len() == 2 && lines[0] == lines[1], "{said}");
}
