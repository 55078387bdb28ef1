//! The open loop of `simulate` against a board that takes nothing more: what was due and never sent counts, and the status says it.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use crate::support::{ch4, run, text};

#[test]
fn what_a_board_did_not_take_is_counted_and_the_status_is_1() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    thread::spawn(move || {
        let mut clients = Vec::new();
        for client in listener.incoming() {
            let mut client = client.unwrap();
            if clients.is_empty() {
                client.read_exact(&mut [0; 6]).unwrap();
                client.write_all(b"1:;1:;").unwrap(); // the subscriber's questions: the board is empty
            }
            clients.push(client); // and the publisher is never read
        }
    });
    let arguments =
        ["simulate", "-p", &port, "--subscribers", "1", "--rate", "2000", "--bytes", "30000", "--time", "1s"];
    let output = run(&mut ch4(&arguments));
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{stdout}{stderr}");
    assert!(stderr.contains("messages were due and never sent"), "{stdout}{stderr}");
    assert!(stdout.contains("were due and never sent"), "{stdout}");
}
