//! The file dump when somebody dies in the middle: the client, the server, or whoever pressed Ctrl-C.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::support::{PATIENCE, Running, Server, run, succeed};

fn dump(directory: &TempDir) -> PathBuf {
    directory.path().join("dump")
}

fn serve(directory: &TempDir) -> Server {
    Server::start(&["files", "serve", dump(directory).to_str().unwrap(), "-p", "0"])
}

fn names(path: &Path) -> Vec<String> {
    fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// An upload that has begun, and goes no further.
fn half_an_upload(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(b"0:1000:4:half").unwrap();
    stream.read_exact(&mut [0; 2]).unwrap();
    stream.write_all(&[7; 500]).unwrap();
    stream
}

#[test]
fn a_client_that_is_killed_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let server = serve(&directory);
    let file = directory.path().join("file");
    fs::write(&file, vec![7; 64 << 20]).unwrap();
    // Between them, somebody who passes on a part of the file and then no more.
    let between = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = between.local_addr().unwrap().port().to_string();
    let client = Running::start(&["files", "upload", file.to_str().unwrap(), "-p", &port], b"");
    let (mut from_client, _) = between.accept().unwrap();
    let mut to_server = TcpStream::connect(server.address).unwrap();
    let mut answers = (to_server.try_clone().unwrap(), from_client.try_clone().unwrap());
    let mut answer = [0; 2];
    let mut buffer = [0; 65536];
    let got = from_client.read(&mut buffer).unwrap();
    to_server.write_all(&buffer[..got]).unwrap();
    answers.0.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"0:");
    answers.1.write_all(&answer).unwrap();
    for _ in 0..16 {
        let got = from_client.read(&mut buffer).unwrap();
        to_server.write_all(&buffer[..got]).unwrap();
    }
    assert_eq!(names(&dump(&directory)).len(), 1, "it is on its way");
    client.signal(Signal::SIGKILL);
    assert_eq!(client.end().status, None);
    // Until the client's end comes; with 64 MiB in the file it never comes by itself.
    while from_client.read(&mut buffer).is_ok_and(|got| got > 0) {}
    drop((to_server, answers));
    until("the server has removed it", || names(&dump(&directory)).is_empty());
    server.stop(Duration::from_secs(5));
}

#[test]
fn a_server_that_is_killed_leaves_what_the_next_one_sweeps_out() {
    let directory = tempfile::tempdir().unwrap();
    let server = serve(&directory);
    let client = half_an_upload(&server);
    server.signal(Signal::SIGKILL);
    drop(server);
    let left = names(&dump(&directory));
    assert!(left.len() == 1 && left[0].starts_with('.'), "hidden, under no client's name: {left:?}");
    drop(client);

    let server = serve(&directory);
    assert_eq!(names(&dump(&directory)).len(), 0);
    let port = server.address.port().to_string();
    assert_eq!(succeed(&["files", "list", "-p", &port], b""), "");
    let file = directory.path().join("half");
    fs::write(&file, "whole").unwrap();
    succeed(&["files", "upload", file.to_str().unwrap(), "-p", &port], b"");
    assert!(server.stop(Duration::from_secs(5)).contains("swept out"));
}

#[test]
fn a_server_that_is_stopped_waits_for_no_upload_and_leaves_none() {
    let directory = tempfile::tempdir().unwrap();
    let server = serve(&directory);
    let _client = half_an_upload(&server);
    let _silent = TcpStream::connect(server.address).unwrap();
    server.stop(Duration::from_secs(5));
    assert_eq!(names(&dump(&directory)).len(), 0);
}

#[test]
fn two_servers_do_not_share_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let _first = serve(&directory);
    let ended = run(&["files", "serve", dump(&directory).to_str().unwrap(), "-p", "0"], b"");
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("another server serves this directory"), "{ended:?}");
}

/// A server that answers a download with these bytes and then does as `then` says; the client, with an empty directory.
fn fake_download(answer: &[u8], then: impl FnOnce(&Running, TcpStream)) -> (crate::support::Ended, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let output = directory.path().join("copy");
    let client =
        Running::start(&["files", "download", "x", "-o", output.to_str().unwrap(), "-p", &port], b"");
    let (mut stream, _) = listener.accept().unwrap();
    let mut request = Vec::new();
    stream.read_to_end(&mut request).unwrap();
    assert_eq!(request, b"2:1:x");
    stream.write_all(answer).unwrap();
    then(&client, stream);
    (client.end(), directory)
}

#[test]
fn a_download_that_is_not_whole_or_not_right_gets_no_name() {
    let wrong = "0".repeat(64);
    for (answer, status, hint) in [
        ("0:1000:half", 1, "hung up"),
        (&*format!("0:3:abc{wrong}"), 1, "not what was sent"),
        ("0:3:abc", 1, "hung up"),
        ("", 1, "hung up before it had answered"),
        ("HTTP/1.1 400 Bad Request", 1, "no file dump server"),
        ("8:", 3, "trouble of its own"),
    ] {
        let (ended, directory) = fake_download(answer.as_bytes(), |_, stream| drop(stream));
        assert_eq!(ended.status, Some(status), "{answer}: {ended:?}");
        assert!(ended.stderr.contains(hint), "{answer}: {ended:?}");
        assert_eq!(names(directory.path()).len(), 0, "{answer}");
    }
}

#[test]
fn ctrl_c_in_a_download_leaves_nothing_and_says_so() {
    let mut held = None;
    let (ended, directory) = fake_download(b"0:1000:half", |client, stream| {
        client.signal(Signal::SIGINT);
        held = Some(stream);
    });
    assert_eq!(ended.status, Some(130), "{ended:?}");
    assert!(ended.stderr.contains("interrupted"), "{ended:?}");
    assert_eq!(names(directory.path()).len(), 0);
}
