//! `board-client` with a server that does not do its part: it says how far it has come, waits no longer than it was told to, and
//! hears Ctrl-C. The server is a listening socket of the test.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use socket2::SockRef;

use crate::support::notify;
use crate::support::{ch4, run, text};

/// A server that says nothing by itself.
struct Mute(TcpListener);

impl Mute {
    fn new() -> Mute {
        Mute(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    /// A client with these arguments, and our end of its connection.
    fn client(&self, args: &[&str]) -> (Child, TcpStream) {
        let client = ch4(&["board-client", "-p", &self.port().to_string()])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stream = self.0.accept().unwrap().0;
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        (client, stream)
    }
}

/// Reads exactly this.
fn expect(stream: &mut TcpStream, bytes: &str) {
    let mut got = vec![0; bytes.len()];
    stream.read_exact(&mut got).unwrap();
    assert_eq!(text(&got), bytes);
}

/// Ctrl-C, and how it ends; a second one would end anything, so there is none.
fn interrupt(client: Child) -> Output {
    kill(Pid::from_raw(client.id() as i32), Signal::SIGINT).unwrap();
    end(client)
}

fn end(mut client: Child) -> Output {
    let until = Instant::now() + Duration::from_secs(20);
    while client.try_wait().unwrap().is_none() {
        if Instant::now() > until {
            client.kill().unwrap();
            panic!("it goes on: {:?}", client.wait_with_output());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    client.wait_with_output().unwrap()
}

#[track_caller]
fn assert_ends(output: &Output, code: i32, words: &str) {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    assert!(text(&output.stderr).contains(words), "{output:?}");
    assert!(!text(&output.stdout).contains("published"), "{output:?}");
}

#[test]
fn interrupted_before_the_acknowledgement_it_does_not_say_published() {
    let server = Mute::new();
    let (client, mut stream) = server.client(&["--publish", "hello"]);
    expect(&mut stream, "1:aGVsbG8=;");
    assert_ends(&interrupt(client), 130, "error: the message was not acknowledged: interrupted");

    let (client, mut stream) = server.client(&["-m", "a", "-m", "b", "-m", "c"]);
    expect(&mut stream, "1:YQ==;");
    stream.write_all(b"7:;0:;").unwrap();
    expect(&mut stream, "1:Yg==;");
    assert_ends(&interrupt(client), 130, "only 1 of 3 messages were acknowledged: interrupted");
}

#[test]
fn interrupted_before_all_is_printed_it_does_not_end_well() {
    let server = Mute::new();
    for args in
        [&["--last", "3"][..], &["--count", "1"], &["--new", "--count", "1"], &["--follow"], &["--new"]]
    {
        let (client, mut stream) = server.client(args);
        expect(&mut stream, "2:;");
        assert_ends(&interrupt(client), 130, "error: interrupted");
    }
}

#[test]
fn it_waits_for_a_server_that_says_nothing_no_longer_than_it_was_told() {
    let server = Mute::new();
    let said = "the server has said nothing for 50ms";
    for args in [&["--last", "3"][..], &["--follow"], &["--count", "1"]] {
        let (client, mut stream) = server.client(&[args, &["--timeout", "50ms"]].concat());
        expect(&mut stream, "2:;");
        assert_ends(&end(client), 1, said);
    }
    let (client, mut stream) = server.client(&["--publish", "a", "--timeout", "50ms"]);
    expect(&mut stream, "1:YQ==;");
    assert_ends(&end(client), 1, &format!("the message was not acknowledged: {said}"));
}

/// A server that talks, and does not answer: the time is over all the same.
#[test]
fn it_waits_no_longer_for_one_that_talks_and_does_not_answer() {
    let server = Mute::new();
    let said = "the server has said nothing for 300ms";
    for talk in ["7:;", "0:;", "1"] {
        for args in [&["--last", "3"][..], &["--publish", "a"]] {
            let (client, mut stream) = server.client(&[args, &["--timeout", "300ms"]].concat());
            expect(&mut stream, if args[0] == "--last" { "2:;" } else { "1:YQ==;" });
            if (talk, args[0]) == ("0:;", "--publish") {
                continue; // that is the answer
            }
            let talking = std::thread::spawn(move || {
                // It takes its time, or the client would have no more to do than to read.
                while stream.write_all(talk.as_bytes()).is_ok() {
                    std::thread::sleep(Duration::from_millis(5));
                }
            });
            let output = end(client);
            assert_eq!(output.status.code(), Some(1), "{talk}: {output:?}");
            assert!(text(&output.stderr).contains(said), "{talk}: {output:?}");
            talking.join().unwrap();
        }
    }
}

#[test]
fn an_answer_that_nothing_was_asked_for_ends_it() {
    let server = Mute::new();
    let (client, mut stream) = server.client(&["--publish", "a"]);
    expect(&mut stream, "1:YQ==;");
    stream.write_all(b"1:YQ==;").unwrap();
    assert_eq!(end(client).status.code(), Some(4), "whether it is on that board is not known");
}

#[test]
fn a_message_that_no_board_takes_is_not_sent() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&vec![b'x'; 2_000_000]).unwrap();
    let output =
        run(ch4(&["board-client", "-p", "1", "--publish", "-"]).stdin(fs::File::open(file.path()).unwrap()));
    assert_ends(&output, 3, "at most 786429 bytes");
}

/// `--publish - < /dev/zero` would read until no memory is left.
#[test]
fn standard_input_is_read_no_further_than_a_message_goes() {
    let mut client = ch4(&["board-client", "--publish", "-"]);
    client.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut client = client.spawn().unwrap();
    let mut input = client.stdin.take().unwrap();
    let taken = (0..100).take_while(|_| input.write_all(&[0; 1 << 20]).is_ok()).count();
    assert!(taken < 10, "{taken} MiB are read");
    assert_ends(&end(client), 3, "too long");
}

#[test]
fn a_server_that_breaks_off_is_blamed_once() {
    let server = Mute::new();
    let (client, mut stream) = server.client(&["--follow", "--no-reconnect"]);
    expect(&mut stream, "2:;"); // it is connected, and knows
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream); // a reset
    let output = end(client);
    assert_ends(&output, 4, "error: the server is gone: ");
    assert_eq!(text(&output.stderr).matches("(os error").count(), 1, "{output:?}");
}

/// `tr` in `/proc/net/tcp` is the timer that runs for a connection: 2 is the one that asks a silent peer (proc(5)).
#[test]
fn the_kernel_asks_a_server_that_is_silent() {
    let server = Mute::new();
    let asked = |args: &[&str]| {
        let (mut client, mut stream) = server.client(args);
        if args[0] == "--follow" {
            expect(&mut stream, "2:;");
        }
        let ends = [stream.peer_addr().unwrap(), stream.local_addr().unwrap()]
            .map(|address| format!("{:04X}", address.port()));
        let until = Instant::now() + Duration::from_secs(10);
        let timer = loop {
            let table = fs::read_to_string("/proc/net/tcp").unwrap();
            let row = table.lines().map(|row| row.split_whitespace().collect::<Vec<_>>()).find(|row| {
                row.get(1..3)
                    .is_some_and(|pair| pair.iter().zip(&ends).all(|(end, port)| end.ends_with(port)))
            });
            let timer = row.unwrap()[5][..2].to_owned();
            if timer == "02" || Instant::now() > until || args.contains(&"0") && timer == "00" {
                break timer;
            }
        };
        client.kill().unwrap();
        client.wait().unwrap();
        timer
    };
    assert_eq!(asked(&["--follow"]), "02");
    assert_eq!(asked(&["--follow", "--keep-alive", "7s"]), "02");
    assert_eq!(asked(&["--follow", "--keep-alive", "0"]), "00");
}

#[test]
fn nobody_speaks_for_another_with_a_line_break() {
    let server = notify::serve("epoll", &[]);
    let port = server.address.port().to_string();
    let forged = "a\n2026-01-01 00:00:00 [10.0.0.1:1] -> forged";
    let client = |args: &[&str]| {
        let output = run(ch4(&["board-client", "-p", &port]).args(args));
        assert!(output.status.success(), "{output:?}");
        text(&output.stdout)
    };
    assert_eq!(client(&["-m", forged]), "Message published\n");
    let shown = client(&["-l", "0"]);
    assert_eq!(shown.lines().count(), 1, "{shown}");
    assert!(shown.ends_with("] -> a\\n2026-01-01 00:00:00 [10.0.0.1:1] -> forged\n"), "{shown}");
    assert_eq!(client(&["--message", "- a list", "-H", "127.0.0.1"]), "Message published\n");
    assert!(client(&["-l", "1"]).ends_with("-> - a list\n"));
}

#[test]
fn no_time_to_wait_is_explained() {
    for args in [&["board-client", "--follow"][..], &["guessword-client", "--name", "A"]] {
        let output = run(ch4(args).args(["-p", "1", "--timeout", "0"]));
        assert_ends(&output, 2, "nobody can answer");
    }
}
