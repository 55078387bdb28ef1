//! Every client against every server of another kind: it says what is there, and never that its call may have been done.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};

use crate::remote::names;
use crate::support::{Server, ch5, run, text};

/// A board of chapter 2 over TCP: it reads to the end of the stream, and then answers.
fn board_of_chapter_2() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || {
                let (mut stream, mut request) = (stream.unwrap(), Vec::new());
                if stream.read_to_end(&mut request).is_ok() {
                    let answer: &[u8] = if request == b"2:1" { b"0:7" } else { b"1" };
                    let _ = stream.write_all(answer);
                }
            });
        }
    });
    address
}

/// A client's arguments for a server.
type Client = fn(SocketAddr) -> Vec<String>;

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

fn board(transport: &str, at: SocketAddr) -> Vec<String> {
    let port = at.port().to_string();
    words(&["board-client", "-t", transport, "-p", &port, "-m", "x", "--deadline", "2s"])
}

fn chat(wire: &str, at: SocketAddr) -> Vec<String> {
    let uri = format!("PYRO:6f@{at}");
    words(&["chat-client", "-u", &uri, "--wire", wire, "-n", "Ann", "-m", "x", "--timeout", "2s"])
}

const CLIENTS: [(&str, Client); 8] = [
    ("tcp", |at| board("tcp", at)),
    ("json", |at| board("json", at)),
    ("udp", |at| board("udp", at)),
    ("names", |at| words(&["names", "lookup", "x", "-p", &at.port().to_string(), "--timeout", "2s"])),
    ("chat", |at| chat("framed", at)),
    ("pyro", |at| chat("5", at)),
    ("http", |at| {
        words(&["call", &format!("http://{at}/RPC2"), "publish", "x", "--by-looks", "--timeout", "2s"])
    }),
    ("datagrams", |at| {
        words(&["semantics", "call", "-p", &at.port().to_string(), "-m", "x", "--give-up", "1s"])
    }),
];

/// What a client is to say of a server, if it is of another kind.
fn said(client: &str, server: &str) -> Option<&'static str> {
    let is_udp = |name: &str| ["udp", "datagrams"].contains(&name);
    Some(match (client, server) {
        _ if client == server || (client == "pyro" && server == "chat") => return None,
        ("udp", "datagrams") => "the server does not know this call",
        ("datagrams", "udp") => "not done: the server does not know this call",
        ("datagrams", _) => "not done: no server answers",
        _ if is_udp(client) || is_udp(server) => "refused",
        (_, "http") => "a server of HTTP answers there",
        ("tcp" | "json" | "http", "chapter 2") => "a board of chapter 2 is there",
        ("names" | "chat" | "pyro", "chapter 2") => "answers there: ",
        ("tcp" | "chat", "json") => "a board that speaks JSON answers there",
        ("json" | "chat", "tcp") => "a board that speaks bincode answers there",
        ("names" | "pyro", "tcp" | "json") => "is here and has no objects",
        ("http", "tcp" | "json" | "names" | "chat") => "is here and speaks no HTTP",
        ("tcp" | "json", "names" | "chat") => "a server of remote objects answers there",
        ("chat" | "pyro", "names") => "the object is gone",
        ("names", "chat") => "unknown object",
        other => panic!("{other:?}"),
    })
}

#[test]
fn every_pair_ends_in_a_sentence_that_names_what_is_there() {
    let start = |args: &[&str]| Server::start(args);
    let servers = [
        ("tcp", start(&["board-server"])),
        ("json", start(&["board-server", "-t", "json"])),
        ("udp", start(&["board-server", "-t", "udp"])),
        ("names", names(&[])),
        ("chat", start(&["chat-server", "--announce", "off"])),
        ("http", start(&["xmlrpc-server"])),
        ("datagrams", start(&["semantics", "serve"])),
    ];
    let mut places: Vec<(&str, SocketAddr)> =
        servers.iter().map(|(name, server)| (*name, server.address)).collect();
    places.push(("chapter 2", board_of_chapter_2()));
    for (client, arguments) in CLIENTS {
        for (server, at) in &places {
            let Some(expected) = said(client, server) else { continue };
            let arguments = arguments(*at);
            let output = run(&mut ch5(&arguments.iter().map(String::as_str).collect::<Vec<_>>()));
            let words = text(&output.stderr) + &text(&output.stdout);
            let pair = format!("{client} to {server}: {words}");
            assert!(words.to_lowercase().contains(&expected.to_lowercase()), "{pair}");
            assert!(!words.contains("may have been") && !words.contains("not known"), "{pair}");
            assert!([Some(1), Some(3)].contains(&output.status.code()), "{pair}");
        }
    }
}

/// A long text is still being sent when the other server has answered and closed.
#[test]
fn a_long_publication_ends_in_the_same_sentence() {
    let server = Server::start(&["xmlrpc-server"]);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), vec![b'x'; 4 << 20]).unwrap();
    let port = server.address.port().to_string();
    let mut command = ch5(&["board-client", "-p", &port, "-m", "-", "--publish-only"]);
    let output = run(command.stdin(std::fs::File::open(file.path()).unwrap()));
    let words = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{words}");
    assert!(words.contains("not published: not begun: a server of HTTP answers there"), "{words}");
}

/// A server that dies in the middle is no server of another kind.
#[test]
fn what_hangs_up_without_a_word_stays_unknown() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream.unwrap().read(&mut [0; 10]);
        }
    });
    let output = run(&mut ch5(&["board-client", "-p", &port, "-m", "x", "--retries", "0"]));
    let words = text(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{words}");
    assert!(words.contains("may have been published") && words.contains("Is it a `board-server"), "{words}");
}
