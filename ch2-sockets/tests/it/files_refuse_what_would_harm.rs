//! The file dump against strangers: names that lead out, space that is not there, lies, silence and noise.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::support::{PATIENCE, Running, Server, run, succeed};

fn serve(directory: &TempDir, arguments: &[&str]) -> Server {
    let path = directory.path().join("dump");
    Server::start(&[&["files", "serve", path.to_str().unwrap(), "-p", "0"], arguments].concat())
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends bytes, ends, and reads the whole answer.
fn say(server: &Server, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(server);
    let _ = stream.write_all(bytes); // it may have hung up already
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

fn files_in(directory: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(directory.path().join("dump")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn no_space_is_said_before_a_byte_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    let server = serve(&directory, &["--quota", "1MiB"]);
    // As a client written from the protocol: the header only, and the answer is there.
    for (size, answer) in [(1_048_577_u64, "5:"), (u64::MAX >> 1, "5:"), (1_048_576, "0:")] {
        let mut stream = connect(&server);
        write!(stream, "0:{size}:1:x").unwrap();
        let mut got = [0; 2];
        stream.read_exact(&mut got).unwrap();
        assert_eq!(got, answer.as_bytes(), "{size}");
    }
    server.stop(Duration::from_secs(5));
    assert_eq!(files_in(&directory).len(), 0, "the last one hung up");
}

#[test]
fn and_our_client_sends_none() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("big");
    fs::write(&file, vec![0; 1 << 20]).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let client = Running::start(&["files", "upload", file.to_str().unwrap(), "-p", &port], b"");
    let (mut stream, _) = listener.accept().unwrap();
    let mut header = [0; 15];
    stream.read_exact(&mut header).unwrap();
    assert_eq!(&header, b"0:1048576:3:big");
    stream.write_all(b"5:").unwrap();
    let mut after = Vec::new();
    stream.read_to_end(&mut after).unwrap();
    assert_eq!(after.len(), 0, "bytes of a file that was refused");
    let ended = client.end();
    assert_eq!(ended.status, Some(3), "{ended:?}");
    assert!(ended.stderr.contains("not enough space on the server"), "{ended:?}");
}

#[test]
fn space_is_reserved_across_uploads_and_given_back() {
    let directory = tempfile::tempdir().unwrap();
    let server = serve(&directory, &["--quota", "1000"]);
    let mut first = connect(&server);
    first.write_all(b"0:600:1:a").unwrap();
    first.read_exact(&mut [0; 2]).unwrap();
    assert_eq!(
        say(&server, b"0:600:1:b"),
        b"5:",
        "the first one's bytes have not come, but they are spoken for"
    );
    assert_eq!(say(&server, b"0:1:1:a"), b"4:", "and so is its name");
    // Half a file, and the end: the server says so, and gives the space back before it hangs up.
    first.write_all(&[0; 300]).unwrap();
    first.shutdown(Shutdown::Write).unwrap();
    let mut rest = Vec::new();
    first.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"7:");
    let mut second = connect(&server);
    second.write_all(b"0:600:1:a").unwrap();
    let mut answer = [0; 2];
    second.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"0:");
}

#[test]
fn names_that_lead_out_of_the_directory_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let server = serve(&directory, &[]);
    fs::write(directory.path().join("secret"), "secret").unwrap();
    symlink(directory.path().join("secret"), directory.path().join("dump/link")).unwrap();
    fs::write(directory.path().join("dump/.hidden"), "secret").unwrap();
    let absolute = directory.path().join("secret").to_str().unwrap().to_owned();
    let long = "x".repeat(256);
    for name in [
        "../secret",
        "..",
        ".",
        "",
        "/etc/passwd",
        &absolute,
        "a/../../secret",
        ".hidden",
        "a\0b",
        "a\nb",
        &long,
    ] {
        for request in [format!("2:{}:{name}", name.len()), format!("0:1:{}:{name}", name.len())] {
            assert_eq!(say(&server, request.as_bytes()), b"6:", "{}", request.escape_debug());
        }
    }
    // The name is a name, but what has it leads elsewhere: it is not read, not written through, not listed.
    assert_eq!(say(&server, b"2:4:link"), b"2:");
    assert_eq!(say(&server, b"0:1:4:link"), b"4:");
    assert_eq!(say(&server, b"1:"), b"0:0:");
    assert_eq!(fs::read(directory.path().join("secret")).unwrap(), b"secret");
    assert_eq!(files_in(&directory).len(), 2);
    // Our client does not even ask.
    let port = server.address.port().to_string();
    let ended = run(&["files", "download", "../secret", "-p", &port], b"");
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("a name is no path"), "{ended:?}");
}

#[test]
fn an_upload_that_is_not_what_it_claims_to_be_is_removed() {
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let directory = tempfile::tempdir().unwrap();
    let server = serve(&directory, &[]);
    for (what, body) in [
        ("another digest", format!("abd{ABC}")),
        ("no digest", "abc".to_owned()),
        ("half a digest", format!("abc{}", &ABC[..32])),
        ("too short", "ab".to_owned()),
        ("too long", format!("abc{ABC}!")),
        ("nothing", String::new()),
    ] {
        assert_eq!(say(&server, format!("0:3:1:a{body}").as_bytes()), b"0:7:", "{what}");
        assert_eq!(files_in(&directory).len(), 0, "{what}");
    }
    assert_eq!(say(&server, format!("0:3:1:aabc{ABC}").as_bytes()), b"0:0:", "and the right one is kept");
    assert_eq!(say(&server, b"2:1:a"), format!("0:3:abc{ABC}").as_bytes());
}

#[test]
fn garbage_is_answered_and_harms_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let server = serve(&directory, &[]);
    for garbage in [
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        b"\0\0\0\0",
        b"9:",
        b":::::",
        b"0:99999999999999999999999:1:a",
        b"0:-1:1:a",
        b"0:1:-1:a",
        b"2:18446744073709551615:a",
        b"0:",
        b"2:5:ab",
        &[0xff; 100_000],
        &[b'1'; 3_000_000],
    ] {
        let answer = say(&server, garbage);
        assert!(matches!(&answer[..], b"1:" | b"3:" | b"6:"), "{:?}", answer.escape_ascii().to_string());
    }
    assert_eq!(say(&server, b""), b"", "whoever says nothing is told nothing");
    let port = server.address.port().to_string();
    succeed(&["files", "list", "-p", &port], b"");
    server.stop(Duration::from_secs(5));
}

#[test]
fn the_silent_and_the_dripping_are_hung_up_on() {
    let directory = tempfile::tempdir().unwrap();
    // One permit: the next client is served only when the one before is gone.
    let server = serve(&directory, &["--timeout", "300ms", "--connections", "1"]);
    let mut silent = connect(&server);
    silent.write_all(b"0:1000:1:a").unwrap();
    let mut answer = Vec::new();
    silent.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, b"0:");
    let mut dripping = connect(&server);
    dripping.write_all(b"2:255:").unwrap();
    let mut drips = 0;
    // A byte within every timeout, of a name that has 255.
    while drips < 200 && dripping.write_all(b"x").is_ok() {
        drips += 1;
        thread::sleep(Duration::from_millis(50));
    }
    assert!(drips < 200, "it may drip for ever");
    assert_eq!(say(&server, b"1:"), b"0:0:");
    assert_eq!(files_in(&directory).len(), 0);
    server.stop(Duration::from_secs(5));
}
