//! A server that answers nobody before all have asked: threads and tasks come through, one after another does not.
//!
//! Counted, not timed: how many connections wait at the server at once is what the modes differ in.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use crate::support::{ch4, run, text};

const FILES: usize = 6;

/// Answers when `together` requests are there, again and again; until the program of the test ends.
fn serve(together: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        loop {
            let waiting: Vec<TcpStream> = (0..together).map(|_| asked(&listener)).collect();
            for mut connection in waiting {
                let _ = connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            }
        }
    });
    address
}

fn asked(listener: &TcpListener) -> TcpStream {
    let connection = listener.accept().unwrap().0;
    let lines = BufReader::new(&connection).lines().map_while(Result::ok);
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    connection
}

/// The status, and how many files came.
fn download(address: SocketAddr, args: &[&str]) -> (bool, usize) {
    let came = tempfile::tempdir().unwrap();
    let urls = (0..FILES).map(|number| format!("http://{address}/{number}"));
    let output = run(ch4(&["download", "--output", came.path().to_str().unwrap()]).args(args).args(urls));
    let files = std::fs::read_dir(came.path()).unwrap().count();
    println!("{args:?}: {}", text(&output.stdout));
    (output.status.success(), files)
}

#[test]
fn threads_and_tasks_ask_for_all_files_before_any_has_come() {
    let address = serve(FILES);
    assert_eq!(download(address, &["--mode", "threads"]), (true, FILES));
    assert_eq!(download(address, &["--mode", "async"]), (true, FILES));
}

#[test]
fn no_more_are_asked_for_at_once_than_was_allowed() {
    let address = serve(2);
    assert_eq!(download(address, &["--mode", "threads", "--at-once", "2"]), (true, FILES));
    assert_eq!(download(address, &["--mode", "async", "--at-once", "2"]), (true, FILES));
    // One at a time, the first waits for a second that never comes.
    let address = serve(2);
    let patience = ["--patience", "200ms"];
    assert!(!download(address, &[&["--mode", "threads", "--at-once", "1"], &patience[..]].concat()).0);
}

#[test]
fn one_after_another_asks_for_the_next_when_the_last_has_come() {
    assert_eq!(download(serve(1), &["--mode", "sequential"]), (true, FILES));
    assert!(!download(serve(2), &["--mode", "sequential", "--patience", "200ms"]).0);
}
