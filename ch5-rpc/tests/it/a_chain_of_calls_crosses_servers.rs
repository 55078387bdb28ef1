//! Object A on one server calls object B on another: the caller's time and the chain's number travel along.

use std::io::Read;
use std::net::TcpListener;
use std::time::Instant;

use crate::remote::{PATIENCE, chat, client, failing, proxy, uri};

#[test]
fn a_chain_over_three_servers_is_drawn_as_a_tree() {
    let servers = [chat(&[]), chat(&[]), chat(&[])];
    let uris: Vec<String> = servers.iter().map(|server| uri(server).to_string()).collect();
    let [a, b, c] = [&*uris[0], &*uris[1], &*uris[2]];
    for wire in ["framed", "5"] {
        let tree = client(&[
            "chat-client",
            "-u",
            a,
            "-n",
            "Ann",
            "-m",
            "hello",
            "--relay",
            b,
            "--relay",
            c,
            "--wire",
            wire,
        ]);
        let lines: Vec<&str> = tree.lines().collect();
        assert!(lines.len() == 4 && lines[0].starts_with("trace "), "{tree}");
        let mut left = u64::MAX;
        for (line, (server, branch)) in
            lines[1..].iter().zip(servers.iter().zip(["relay", "└─ relay", "   └─ relay"]))
        {
            assert!(line.starts_with(&format!("{branch} at {} ", server.address)), "{tree}");
            let waits = line.split_once("waits").unwrap().1.trim().split_once(' ').unwrap().0;
            let waits: u64 = waits.parse().unwrap();
            assert!(waits <= left && waits <= 10_000, "each has no more time than the one before it: {tree}");
            left = waits;
        }
    }
    for uri in [a, b, c] {
        assert_eq!(client(&["chat-client", "-u", uri, "--read"]), "From Ann : hello\nFrom Ann : hello\n");
    }
}

#[test]
fn a_server_that_says_nothing_holds_the_chain_no_longer_than_its_caller_waits() {
    let server = chat(&[]);
    let a = uri(&server).to_string();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("PYRO:a@{}", silent.local_addr().unwrap());
    let begin = Instant::now();
    // The server's own words, or the client's: both stop waiting at the same time.
    failing(&["chat-client", "-u", &a, "-m", "hello", "--relay", &nobody, "--timeout", "1s"]);
    assert!(begin.elapsed() < PATIENCE);
    let (mut stream, _) = silent.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut said = Vec::new();
    stream.read_to_end(&mut said).unwrap(); // the server has hung up
    let text = String::from_utf8_lossy(&said);
    assert!(text.contains("relay"), "{text}");
    assert_eq!(client(&["chat-client", "-u", &a, "--read"]), "From Unknown : hello\n", "it goes on");
    let refused = failing(&["chat-client", "-u", &a, "-m", "x", "--relay", "PYRO:a@127.0.0.1:1"]);
    assert!(refused.contains("127.0.0.1:1: no server"), "{refused}");
    let long = vec![a.as_str(); 17];
    let refused = proxy(&a.parse().unwrap())
        .call("relay", vec!["x".into(), "y".into(), ch5_rpc::pyro::serpent::Value::texts(long)])
        .unwrap_err();
    assert!(refused.to_string().contains("at most 16"), "{refused}");
}

#[test]
fn a_link_of_the_chain_that_has_moved_is_followed_and_no_message_comes_twice() {
    let servers = [chat(&[]), chat(&[]), chat(&[])];
    let [a, b, c] = [0, 1, 2].map(|index: usize| uri(&servers[index]));
    let mut old = proxy(&b);
    old.call("depart", vec![]).unwrap();
    old.call("moved", vec![c.to_string().into()]).unwrap();
    let (first, next) = (a.to_string(), b.to_string());
    let args = ["chat-client", "-u", &first, "-m", "hello", "--relay", &next];
    assert!(client(&args).contains(&format!("└─ relay at {} ", servers[2].address)));
    assert_eq!(client(&["chat-client", "-u", &c.to_string(), "--read"]), "From Unknown : hello\n");
    // One that has moved twice is not followed, and the first chat is not taken for it.
    let mut second = proxy(&c);
    second.call("depart", vec![]).unwrap();
    let third = proxy(&a).call("arrive", vec![]).unwrap();
    second.call("moved", vec![third.clone()]).unwrap();
    assert!(failing(&args).contains("Moved"));
    let third = third.as_text().unwrap();
    assert_eq!(client(&["chat-client", "-u", third, "--read"]), "", "it is no home of the first chat");
    let all = client(&["chat-client", "-u", &first, "--read"]);
    assert_eq!(all, "From Unknown : hello\nFrom Unknown : hello\n");
}
