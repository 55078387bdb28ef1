//! A part of a list may take a byte on the wire and 32 in memory. A megabyte of them is refused before memory is taken for them.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::long_answers_are_not_held_in_memory::peak;
use crate::remote::{PATIENCE, chat, proxy, uri};

/// Nearly the longest frame that the server reads.
const PARTS: u32 = 1_040_000;

fn frame(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u32).to_be_bytes(), message].concat()
}

/// A list of so many parts, each a byte long.
fn list() -> Vec<u8> {
    [&[0xfc][..], &PARTS.to_le_bytes(), &vec![0; PARTS as usize]].concat()
}

#[test]
fn a_million_parts_are_refused_and_others_are_served() {
    let server = chat(&["--model", "thread-per-connection"]);
    let uri = uri(&server);
    proxy(&uri).call("get", vec![]).unwrap();
    let call = [&b"\x01\x01\x00\x01a\x00\x03get\x01\x00"[..], &list(), b"\x07\0\0\0"].concat();
    let dirty = [b"\x04\x01\x01", &list()[..]].concat();
    let before = peak(&server);
    let clients: Vec<TcpStream> = [&call, &dirty]
        .into_iter()
        .cycle()
        .take(8)
        .map(|message| {
            let mut client = TcpStream::connect(server.address).unwrap();
            client.set_read_timeout(Some(PATIENCE)).unwrap();
            client.write_all(&frame(b"\0\x01\x07\0")).unwrap(); // the hello
            let _ = client.write_all(&frame(message));
            client
        })
        .collect();
    for mut client in clients {
        let mut said = Vec::new();
        let _ = client.read_to_end(&mut said);
        assert!(said.ends_with(b"a message that cannot be read"), "{}", said.escape_ascii());
    }
    let grown = peak(&server) - before;
    assert!(grown < 40, "{grown} MiB more for 8 frames of 1 MiB");
    proxy(&uri).call("get", vec![]).unwrap();
    assert!(server.stop().success());
}
