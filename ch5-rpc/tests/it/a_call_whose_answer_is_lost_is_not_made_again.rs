//! What our client says of a call without an answer, and that it sends nothing twice.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use ch5_rpc::pyro::message::{Header, Kind, Message, Version, decode};
use ch5_rpc::pyro::proxy::{CallError, Options, Proxy};
use ch5_rpc::pyro::uri::Uri;

use crate::remote::{PATIENCE, chat, proxy, uri};

fn receive(stream: &mut TcpStream, received: &mut Vec<u8>) -> Option<Message> {
    loop {
        if let Some((message, consumed)) = decode(received, 1_000_000).unwrap() {
            received.drain(..consumed);
            return Some(message);
        }
        let mut chunk = [0; 1000];
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return None,
            Ok(count) => received.extend_from_slice(&chunk[..count]),
        }
    }
}

/// A server that lets one connect, and does this with the first call. How many calls it saw, on how many connections.
fn server(with_call: fn(&mut TcpStream, Header)) -> (Uri, thread::JoinHandle<(usize, usize)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = Uri::at("6f", listener.local_addr().unwrap());
    let counted = thread::spawn(move || {
        let (mut calls, mut connections) = (0, 0);
        loop {
            let (mut stream, mut received) = (listener.accept().unwrap().0, Vec::new());
            let Some(hello) = receive(&mut stream, &mut received) else { return (calls, connections) };
            connections += 1;
            let meta = b"{'handshake':'hello','meta':{'methods':['post'],'oneway':[],'attrs':[]}}";
            stream.write_all(&hello.header.answer(Kind::ConnectOk, 0).frame(meta)).unwrap();
            while let Some(call) = receive(&mut stream, &mut received) {
                calls += 1;
                with_call(&mut stream, call.header);
            }
        }
    });
    (uri, counted)
}

fn check(with_call: fn(&mut TcpStream, Header), timeout: Duration, words: &str) {
    let (uri, counted) = server(with_call);
    let mut proxy = Proxy::connect(&uri, Options { timeout, ..Options::default() }).unwrap();
    let lost = proxy.call("post", vec!["once".into()]).unwrap_err();
    assert!(matches!(lost, CallError::Unknown(_)), "{lost}");
    assert!(lost.to_string().contains("not known whether") && lost.to_string().contains(words), "{lost}");
    // What comes late must not be taken for the next answer.
    let next = proxy.call("post", vec!["twice".into()]).unwrap_err();
    assert!(matches!(next, CallError::NoServer(..)), "{next}");
    drop(proxy);
    TcpStream::connect((uri.host.as_str(), uri.port)).unwrap(); // one that says nothing: the end of the server
    assert_eq!(counted.join().unwrap(), (1, 1), "calls and connections");
}

#[test]
fn the_error_says_that_it_is_not_known_whether_it_was_done() {
    check(|stream, _| stream.shutdown(std::net::Shutdown::Both).unwrap(), PATIENCE, "hung up");
    check(|_, _| {}, Duration::from_millis(300), "not ended within 300ms");
    let other = |stream: &mut TcpStream, header: Header| {
        let header = Header { sequence: header.sequence + 1, ..header };
        stream.write_all(&header.answer(Kind::Result, 0).frame(b"None")).unwrap();
    };
    check(other, PATIENCE, "of another call");
    let nonsense = |stream: &mut TcpStream, header: Header| {
        stream.write_all(&header.answer(Kind::Result, 0).frame(b"print('x')")).unwrap();
    };
    check(nonsense, PATIENCE, "not serpent");
}

#[test]
fn a_server_of_the_other_version_is_greeted_again_in_its_own() {
    for (first, own) in [(Version::Five, Version::Four), (Version::Four, Version::Five)] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let uri = Uri::at("6f", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            let mut seen = Vec::new();
            while seen.last() != Some(&own) {
                let mut stream = listener.accept().unwrap().0;
                let hello = receive(&mut stream, &mut Vec::new()).unwrap();
                seen.push(hello.header.version);
                let header = Header { version: own, correlation: None, ..hello.header };
                let answer = if seen.last() == Some(&own) {
                    let meta = b"{'handshake':'hello','meta':{'methods':['post'],'oneway':[],'attrs':[]}}";
                    header.answer(Kind::ConnectOk, 0).frame(meta)
                } else {
                    // In a serializer of its own, as Pyro does it before it has read ours.
                    Header { serializer: 3, ..header.answer(Kind::ConnectFail, 0) }.frame(b"\xfa\x0bwrong")
                };
                stream.write_all(&answer).unwrap();
            }
            seen
        });
        let proxy = Proxy::connect(&uri, Options { version: first, timeout: PATIENCE, ..Options::default() })
            .unwrap();
        assert_eq!(proxy.methods(), ["post"]);
        assert_eq!(server.join().unwrap(), [first, own]);
    }
}

#[test]
fn after_the_stop_of_a_server_no_call_is_made() {
    let server = chat(&[]);
    let uri = uri(&server);
    let mut chat = proxy(&uri);
    chat.call("post", vec!["before".into()]).unwrap();
    assert!(server.stop().success(), "although a client is connected");
    let after = chat.call("post", vec!["after".into()]).unwrap_err();
    assert!(matches!(after, CallError::Unknown(_)), "{after}");
    assert!(matches!(Proxy::connect(&uri, Options::default()), Err(CallError::NoServer(..))));
}
