//! The command line: names for addresses, a port that is taken, help that cannot be written.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::thread;

use nix::sys::signal::Signal;

use crate::support::{PATIENCE, Server, run, succeed};

#[test]
fn localhost_is_an_address_to_listen_on() {
    for command in [
        &["board-server", "-p", "0", "-l", "localhost"][..],
        &["board-server", "-t", "tcp", "-p", "0", "-l", "localhost"],
        &["datagram", "receive", "-p", "0", "-l", "localhost"],
        &["link", "--listen", "localhost:0", "--to", "localhost:1"],
    ] {
        let server = Server::start(command);
        assert!(server.address.ip().is_loopback(), "{command:?}");
        // A receiver that is stopped has not received.
        let status = if command[0] == "datagram" { 130 } else { 0 };
        assert_eq!(server.end(Signal::SIGTERM, PATIENCE).status, Some(status), "{command:?}");
    }
}

#[test]
fn a_port_that_is_taken_leads_to_port_0() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().to_str().unwrap();
    for command in [&["board-server", "-t", "tcp"][..], &["files", "serve", dump], &["stream", "receive"]] {
        let ended = run(&[command, &["-p", &port]].concat(), b"");
        assert_eq!(ended.status, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("in use") && ended.stderr.contains("-p 0"), "{ended:?}");
    }
}

#[test]
fn help_that_cannot_be_written_is_status_1_and_a_wrong_argument_is_2() {
    for (arguments, status) in
        [(&["--help"][..], 1), (&["board-client", "--help"], 1), (&["--version"], 1), (&["no"], 2)]
    {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ch2-sockets"));
        let ended = command.args(arguments).stdout(full).stderr(Stdio::null()).status().unwrap();
        assert_eq!(ended.code(), Some(status), "{arguments:?}");
    }
}

#[test]
fn publish_only_reads_nothing() {
    for transport in ["udp", "tcp"] {
        let server = Server::start(&["board-server", "-t", transport, "-p", "0"]);
        let port = server.address.port().to_string();
        let client =
            |rest: &[&str]| succeed(&[&["board-client", "-t", transport, "-p", &port], rest].concat(), b"");
        assert_eq!(client(&["-m", "hi", "--publish-only"]), "Message published\n");
        assert!(client(&[]).ends_with("-> hi\n"));
    }
}

#[test]
fn many_files_are_downloaded_and_what_a_killed_one_has_left_is_swept() {
    let folder = tempfile::tempdir().unwrap();
    let [dump, into] = ["dump", "into"].map(|name| folder.path().join(name));
    for path in [&dump, &into] {
        fs::create_dir(path).unwrap();
    }
    for name in ["a", "b"] {
        fs::write(dump.join(name), name).unwrap();
    }
    fs::write(into.join(".download-killed"), "half").unwrap();
    let server = Server::start(&["files", "serve", dump.to_str().unwrap(), "-p", "0"]);
    let port = server.address.port().to_string();
    let into_path = into.to_str().unwrap();
    let ended = run(&["files", "download", "a", "missing", "b", "-o", into_path, "-p", &port], b"");
    assert_eq!(ended.status, Some(3), "{ended:?}");
    let mut names: Vec<_> = fs::read_dir(&into).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["a", "b"], "{ended:?}");
}

/// A server without code 5, as the notes have it.
#[test]
fn an_original_server_is_asked_with_code_4() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    // The last question is whether the list had room for all.
    let answers = [("5:0", "3"), ("4:0", "0:1.00 127.0.0.1 1 old:2.00 --1 1 six"), ("2:0", "0:0:1")];
    let server = thread::spawn(move || {
        for (expected, answer) in answers {
            let (mut client, _) = listener.accept().unwrap();
            let mut request = String::new();
            client.read_to_string(&mut request).unwrap();
            assert_eq!(request, expected);
            client.write_all(answer.as_bytes()).unwrap();
        }
    });
    let said = succeed(&["board-client", "-t", "tcp", "-p", &port], b"");
    server.join().unwrap();
    assert_eq!(said, "1970-01-01 00:00:01 [127.0.0.1:1] -> old\n1970-01-01 00:00:02 [[::1]:1] -> six\n");
}

#[test]
fn an_author_over_ipv6_breaks_no_list_of_code_4() {
    let server = Server::start(&["board-server", "-t", "tcp", "-l", "::1", "-p", "0"]);
    let port = server.address.port().to_string();
    let client = |rest: &[&str]| {
        succeed(&[&["board-client", "-H", "::1", "-t", "tcp", "-p", &port], rest].concat(), b"")
    };
    client(&["-m", "hi", "--publish-only"]);
    let said = client(&["--code", "4"]);
    assert!(said.lines().count() == 1 && said.contains(" [[::1]:") && said.ends_with("-> hi\n"), "{said}");
}
