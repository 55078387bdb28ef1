//! A server that says more than it was asked, or what a terminal would obey: a client says what it knows on one line, and ends.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use crate::support::{ch5, run, text};

/// A server that does this with each client. It ends with the test.
fn server(with_client: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let _ = client.read(&mut [0; 4096]);
            let _ = with_client(&mut client);
        }
    });
    place
}

fn frame(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u32).to_be_bytes(), message].concat()
}

/// The hello of a server of remote objects, with a lease of a second.
fn hello() -> Vec<u8> {
    frame(b"\0\x01\0\xfb\xe8\x03")
}

/// What a client says at its end: one line, and nothing that a terminal obeys.
fn error(args: &[&str]) -> String {
    let output = run(&mut ch5(args));
    let said = text(&output.stderr);
    assert!(!output.status.success() && output.status.code().is_some(), "{args:?}: {said}");
    assert!(!said.contains("panicked"), "{said}");
    let lines: Vec<&str> =
        said.lines().filter(|line| !line.contains("INFO") && !line.contains("WARN")).collect();
    assert!(lines.len() == 1 && !lines[0].contains(char::is_control), "{args:?}: {said:?}");
    lines[0].to_owned()
}

fn chat(place: SocketAddr) -> String {
    let uri = format!("PYRO:6f@{place}");
    error(&["chat-client", "-u", &uri, "-n", "a", "-m", "b", "--no-reconnect", "--timeout", "3s"])
}

#[test]
fn its_words_stay_on_the_line_of_the_error() {
    let words = b"\x1b[31mno\nerror: all is well";
    let refused = frame(&[&[3, words.len() as u8][..], words].concat());
    let place = server(move |client| client.write_all(&[&hello()[..], &refused].concat()));
    assert!(chat(place).ends_with(r"[31mno\nerror: all is well"));
    let words = [&b"crashed: "[..], words].concat();
    let crashed = frame(&[&[0, 1, 0x20, words.len() as u8][..], &words].concat());
    let place = server(move |client| client.write_all(&crashed)).port().to_string();
    let said = error(&["board-client", "-p", &place, "-m", "a", "--deadline", "3s", "--retries", "0"]);
    assert!(said.ends_with(r"[31mno\nerror: all is well"), "{said}");
}

#[test]
fn references_that_nobody_asked_for_end_the_connection() {
    let place = server(|client| {
        client.write_all(&hello())?;
        for number in 0.. {
            let uri = format!("PYRO:{number:032x}@127.0.0.1:1");
            client.write_all(&frame(
                &[&b"\x02\x01\x01"[..], &[uri.len() as u8], uri.as_bytes(), b"\x01x"].concat(),
            ))?;
        }
        Ok(())
    });
    let said = chat(place);
    assert!(said.ends_with("more references than a client may hold"), "{said}");
}

#[test]
fn calls_without_end_hold_no_client() {
    let place = server(|client| {
        client.write_all(&hello())?;
        for number in 0..=250 {
            // Calls to an object that the client has not exported.
            let call = [&[1, number, 1, 7, 0, 1, b'm', 0, 250][..], &[0, 0, 0]].concat();
            client.write_all(&frame(&call).repeat(100))?;
        }
        client.read(&mut [0; 1]).map(drop)
    });
    assert!(!chat(place).is_empty());
}

#[test]
fn an_answer_of_very_many_values_is_none() {
    let content = format!(r#"{{"result":[{}0],"id":1}}"#, "0,".repeat(2_000_000));
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{content}", content.len());
    let place = server(move |client| client.write_all(answer.as_bytes()));
    let said = error(&["call", &format!("http://{place}/rpc"), "last"]);
    assert_eq!(said, "error: the answer is not JSON-RPC: too many values");
}
