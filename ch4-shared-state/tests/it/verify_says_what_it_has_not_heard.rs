//! `verify` when not everything is answered: a connection that is lost is no violation, a server that hangs up on everybody is an error,
//! one that serves a single client proves nothing; and whatever happens to `verify`, its server ends with it.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Server, ch4, run, text};

const PATIENCE: Duration = Duration::from_secs(20);

fn verify(arguments: &[&str]) -> (Option<i32>, String) {
    let output = run(ch4(&["verify", "--seed", "1"]).args(arguments));
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

/// Passes everything on, but cuts the second connection when the client has sent so many bytes over it.
fn relay(server: SocketAddr, cut_after: usize) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for (number, client) in listener.incoming().enumerate() {
            let (mut client, mut server) = (client.unwrap(), TcpStream::connect(server).unwrap());
            for stream in [&client, &server] {
                stream.set_nodelay(true).unwrap();
            }
            let (mut answers, mut back) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            thread::spawn(move || {
                let _ = std::io::copy(&mut answers, &mut back);
                let _ = back.shutdown(Shutdown::Both);
            });
            thread::spawn(move || {
                let (mut chunk, mut sent) = ([0; 64], 0);
                while let Ok(count @ 1..) = client.read(&mut chunk) {
                    sent += count;
                    if server.write_all(&chunk[..count]).is_err() || (number == 1 && sent > cut_after) {
                        break;
                    }
                }
                let _ = server.shutdown(Shutdown::Both);
                let _ = client.shutdown(Shutdown::Both);
            });
        }
    });
    port
}

#[test]
fn a_player_whose_connection_is_cut_may_have_left_at_any_time() {
    let server = Server::start(&["guessword-server"]);
    let port = relay(server.address, 80).to_string();
    let (status, printed) = verify(&["-p", &port, "--operations", "60"]);
    assert_eq!(status, Some(0), "{printed}");
    assert!(printed.contains("1 of their connections lost"), "{printed}");
}

#[test]
fn a_server_that_hangs_up_on_everybody_is_an_error() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    thread::spawn(move || {
        for (number, client) in listener.incoming().enumerate() {
            let mut client = client.unwrap();
            if number == 0 {
                let _ = client.read(&mut [0; 100]);
                let _ = client.write_all(b"1:;"); // a notification board, and empty: until here all is well
            }
        }
    });
    let (status, printed) = verify(&["--what", "notifications", "-p", &port]);
    assert_eq!(status, Some(1), "{printed}");
    assert!(printed.contains("error: "), "{printed}");
}

#[test]
fn who_serves_only_one_client_proves_nothing() {
    let (status, printed) = verify(&["--model", "one-client", "--operations", "20"]);
    assert_eq!(status, Some(4), "{printed}");
    for words in ["(3 of them never served)", "without an answer", "only 1 was served", "the less is checked"]
    {
        assert!(printed.contains(words), "{words}: {printed}");
    }
}

#[test]
fn another_kind_of_server_is_called_so() {
    let server = Server::start(&["board-server"]);
    let port = server.address.port().to_string();
    let (status, printed) = verify(&["-p", &port]);
    assert_eq!(status, Some(1), "{printed}");
    assert!(printed.contains("not a guess-word server"), "{printed}");
    let output = run(&mut ch4(&["guessword-client", "--name", "Ann", "--guess", "e", "-p", &port]));
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("not a guess-word server"), "{}", text(&output.stderr));
}

#[test]
fn the_search_keeps_its_time() {
    let (status, printed) = verify(&["--limit", "0"]);
    assert_eq!(status, Some(4), "{printed}");
    assert!(printed.contains("unknown: given up after 0s and 0 steps"), "{printed}");
}

#[test]
fn the_server_ends_with_who_started_it() {
    for what in ["game", "board", "notifications"] {
        let mut verify = ch4(&["verify", "--what", what, "--operations", "100000"]).spawn().unwrap();
        let id = verify.id();
        let mut children = String::new();
        within(PATIENCE, || {
            children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
            !children.is_empty()
        });
        verify.kill().unwrap(); // SIGKILL: it can do nothing more
        verify.wait().unwrap();
        let server = children.trim();
        within(PATIENCE, || {
            let status = fs::read_to_string(format!("/proc/{server}/stat")).unwrap_or_default();
            status.rsplit(')').next().is_none_or(|rest| rest.is_empty() || rest.starts_with(" Z"))
        });
    }
}

fn within(time: Duration, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < time, "not within {time:?}");
        thread::sleep(Duration::from_millis(5));
    }
}
