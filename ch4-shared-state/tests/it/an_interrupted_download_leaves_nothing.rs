//! Ctrl-C while a file is on its way: the program ends, says so, and leaves no half of a file. A server that is stopped
//! meanwhile ends too, with status 0.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{ch4, text};

#[test]
fn ctrl_c_ends_every_mode_at_once() {
    for mode in ["sequential", "threads", "async"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let came = tempfile::tempdir().unwrap();
        let url = format!("http://{}/file", listener.local_addr().unwrap());
        let args =
            ["download", "--mode", mode, "--patience", "2m", "--output", came.path().to_str().unwrap(), &url];
        let client = ch4(&args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut connection = listener.accept().unwrap().0;
        connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf ").unwrap();
        kill(Pid::from_raw(client.id() as i32), Signal::SIGINT).unwrap();
        let output = client.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{mode}");
        assert!(
            text(&output.stderr).contains(&format!("error: {url}: interrupted")),
            "{}",
            text(&output.stderr)
        );
        assert_eq!(std::fs::read_dir(came.path()).unwrap().count(), 0, "{mode}");
    }
}

#[test]
fn a_server_that_is_stopped_in_the_middle_of_a_file_ends() {
    let server = crate::support::Server::start(&["files-server", "--size", "1GB", "--rate", "1MB/s"]);
    let mut connection = std::net::TcpStream::connect(server.address).unwrap();
    connection.write_all(b"GET /file-1.bin HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    connection.read_exact(&mut [0; 1000]).unwrap();
    assert!(server.stop().success());
    let mut rest = Vec::new();
    let _ = connection.read_to_end(&mut rest);
    assert!(rest.len() < 1_000_000_000, "it did not wait for the end of the file");
}
