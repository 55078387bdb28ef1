//! `stream`: the backlog, the states and the ends of a connection, as the kernel's table has them.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::support::{run_line, start_line};

#[test]
fn states_shows_every_state_after_its_call() {
    for address in ["127.0.0.1", "::1"] {
        let ended = run_line(&format!("stream states -l {address}"));
        assert_eq!(ended.status, Some(0), "{ended:?}");
        // The table after the line of the call that begins so: one line for each end, in its state.
        let after = |call: &str, ends: &[(&str, &str)]| {
            let at = ended.stdout.find(call).unwrap_or_else(|| panic!("{call:?}: {ended:?}"));
            let table: Vec<_> =
                ended.stdout[at..].lines().skip(1).take_while(|line| line.starts_with(' ')).collect();
            for (end, state) in ends {
                let row = table.iter().find(|line| line.trim_start().starts_with(end)).unwrap();
                assert!(row.contains(state), "after {call}: {row}");
            }
        };
        after("server: bind(", &[("listener", "not in the table")]);
        after("server: listen(0)\n", &[("listener", "LISTEN")]);
        after("client: connect():", &[("client", "ESTABLISHED"), ("server", "ESTABLISHED  0")]);
        after("server: recv() = 12;", &[("client", "FIN-WAIT-2"), ("server", "CLOSE-WAIT")]);
        after("server: close()\n", &[("client", "TIME-WAIT"), ("server", "not in the table")]);
        after("second client: connect()", &[("client", "SYN-SENT"), ("server", "not in the table")]);
        after("server: accept() the first", &[("client", "ESTABLISHED")]);
        after("both: send()", &[("client", "FIN-WAIT-1"), ("server", "ESTABLISHED")]);
        after("server: recv() to the end", &[("client", "FIN-WAIT-2"), ("server", "CLOSING")]);
        after("server: recv() = 0, close()", &[("client", "FIN-WAIT-2"), ("server", "LAST-ACK")]);
    }
}

#[test]
fn beyond_the_backlog_clients_stay_in_syn_sent() {
    let mut server = start_line("stream listen -p 0 --backlog 1 --no-accept");
    let address = server.listening();
    let client = run_line(&format!("stream connect -p {} --clients 4 --timeout 100ms", address.port()));
    assert_eq!(client.status, Some(0), "{client:?}");
    let first = client.stdout.split("no answer").next().unwrap();
    assert_eq!(first.matches("ESTABLISHED").count(), 2, "{client:?}"); // backlog + 1
    assert_eq!(first.matches("SYN-SENT").count(), 2, "{client:?}");
    server.line("not accepted");
    assert_eq!(server.interrupt().status, Some(130));
}

#[test]
fn who_closes_first_keeps_the_time_wait() {
    let mut server = start_line("stream listen -p 0 --count 1");
    let address = server.listening();
    let client = run_line(&format!("stream connect -p {} --close-first", address.port()));
    assert_eq!(client.status, Some(0), "{client:?}");
    let (_, closed) = client.stdout.split_once("close(): whoever").unwrap();
    assert!(closed.contains("TIME-WAIT  0"), "{client:?}");
    let ended = server.end();
    assert_eq!(ended.status, Some(0));
    assert!(ended.stdout.contains("recv() = 0: end of the stream"), "{ended:?}");
}

#[test]
fn a_client_sees_that_the_server_has_closed() {
    let mut server = start_line("stream listen -p 0 --count 1 --close-first");
    let address = server.listening();
    let mut client = start_line(&format!("stream connect -p {}", address.port()));
    client.line("the server has closed");
    let ended = client.end();
    let (_, closed) = ended.stdout.split_once("close(): whoever").unwrap();
    assert!(closed.contains("(not in the table)"), "{ended:?}"); // it was the server who closed first
    assert_eq!(server.end().status, Some(0));
}

#[test]
fn nobody_listens_is_said() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let ended = run_line(&format!("stream connect -p {port}"));
    assert_eq!(ended.status, Some(1));
    assert!(ended.stderr.contains("connection refused: nobody listens"), "{ended:?}");
}

#[test]
fn a_big_message_takes_many_reads_and_gets_its_answer() {
    for host in ["127.0.0.1", "::1"] {
        let mut receiver = start_line(&format!("stream receive -l {host} -p 0"));
        let port = receiver.listening().port();
        let sent = run_line(&format!("stream send -H {host} -p {port} --repeat 1000000"));
        assert_eq!(sent.status, Some(0), "{sent:?}");
        assert!(sent.stdout.matches("send() took").count() > 1, "{sent:?}");
        assert!(sent.stdout.contains("Answer: [received 12000001 bytes]"), "{sent:?}");
        let received = receiver.end();
        assert!(received.stdout.contains("recv() = 0: the end of the stream"), "{received:?}");
        assert!(received.stdout.contains("Total length 12000001 bytes"), "{received:?}");
    }
}

#[test]
fn the_notes_sender_keeps_its_side_open_and_its_terminator_is_the_end() {
    let mut receiver = start_line("stream receive -p 0 --until terminator --buffer 7");
    let mut sender = TcpStream::connect(receiver.listening()).unwrap();
    sender.write_all(b"Hello world!\n").unwrap();
    let mut answer = String::new();
    sender.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "received 13 bytes\n");
    let received = receiver.end();
    assert_eq!(received.status, Some(0));
    assert!(received.stdout.contains("the last byte is the terminator"), "{received:?}");
}

#[test]
fn a_sender_that_stops_in_the_middle_is_given_up() {
    let mut receiver = start_line("stream receive -p 0 --timeout 50ms");
    let mut sender = TcpStream::connect(receiver.listening()).unwrap();
    sender.write_all(b"Hello").unwrap();
    let received = receiver.end();
    assert_eq!(received.status, Some(1));
    assert!(received.stderr.contains("5 bytes, no end"), "{received:?}");
}
