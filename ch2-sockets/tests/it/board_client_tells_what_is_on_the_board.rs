//! The client's output, its exit statuses and its patience, over each transport.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::{PATIENCE, Running, Server, run, succeed};

const TRANSPORTS: [&str; 2] = ["udp", "tcp"];

fn server(transport: &str) -> Server {
    let transport = if transport == "tcp" { "tcp" } else { "udp" };
    Server::start(&["board-server", "--transport", transport, "-p", "0"])
}

/// `board-client` for this server, with these arguments besides.
fn client<'a>(transport: &'a str, port: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    [&["board-client", "--transport", transport, "-p", port], rest].concat()
}

/// A line is `2026-11-21 12:36:54 [127.0.0.1:34234] -> text`; the text.
#[track_caller]
fn text_of(line: &str) -> &str {
    let (head, text) = line.split_once(" -> ").unwrap_or_else(|| panic!("{line:?}"));
    let shape: String = head.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    assert!(shape.starts_with("9999-99-99 99:99:99 [999.9.9.9:"), "{line:?}");
    assert!(shape.ends_with(']'), "{line:?}");
    text
}

#[test]
fn it_asks_for_the_times_of_the_homework() {
    for (transport, other) in [("udp", "udp"), ("session", "udp"), ("tcp", "tcp")] {
        let server = server(other);
        let port = server.address.port().to_string();
        let time = succeed(&client(transport, &port, &["--current-time"]), b"");
        assert!(time.contains(" at the server: ") && time.contains("agrees with ours"), "{time}");
        let none = run(&client(transport, &port, &["--delivery-time", "0"]), b"");
        assert_eq!(none.status, Some(1), "{none:?}");
        assert!(none.stderr.contains("no message with this id"), "{none:?}");
        let output = succeed(&client(transport, &port, &["-m", "hello"]), b"");
        let shown = output.lines().nth(1).unwrap().split(" [").next().unwrap();
        let time = succeed(&client(transport, &port, &["--delivery-time", "0"]), b"");
        assert!(time.starts_with(&format!("{shown} (")), "{time} {output}");
        assert!(time.contains("): message 0 was delivered, ") && time.ends_with(" ago\n"), "{time}");
    }
    let both = run(&["board-client", "--current-time", "-m", "x"], b"");
    assert_eq!(both.status, Some(2), "{both:?}");
}

#[test]
fn it_publishes_and_then_reads() {
    for transport in TRANSPORTS {
        let server = server(transport);
        let port = server.address.port().to_string();
        assert_eq!(succeed(&client(transport, &port, &[]), b""), "", "an empty board");
        let output = succeed(&client(transport, &port, &["-m", "Hello: world!"]), b"");
        let lines: Vec<&str> = output.lines().collect();
        assert_eq!(lines[0], "Message published");
        assert_eq!(text_of(lines[1]), "Hello: world!");
        assert_eq!(lines.len(), 2);
        succeed(&client(transport, &port, &["--message", "-"]), b"from a pipe");
        let output = succeed(&client(transport, &port, &["--message", "-dash", "--last", "2"]), b"");
        assert_eq!(output.lines().skip(1).map(text_of).collect::<Vec<_>>(), ["from a pipe", "-dash"]);
        let output = succeed(&client(transport, &port, &["-l", "0"]), b"");
        assert_eq!(
            output.lines().map(text_of).collect::<Vec<_>>(),
            ["Hello: world!", "from a pipe", "-dash"]
        );
        server.stop(Duration::from_secs(3));
    }
}

#[test]
fn a_name_and_both_families_lead_to_the_server() {
    let (v4, v6) = (server("udp"), Server::start(&["board-server", "-l", "::1", "-p", "0"]));
    for (server, hosts) in [(&v4, ["127.0.0.1", "localhost"]), (&v6, ["::1", "[::1]"])] {
        let port = server.address.port().to_string();
        for host in hosts {
            let output = succeed(&client("udp", &port, &["-H", host, "-m", "hi", "-l", "1"]), b"");
            assert!(output.ends_with("-> hi\n"), "{output}");
        }
    }
}

#[test]
fn code_4_shows_its_flaw_and_code_5_has_none() {
    let server = server("tcp");
    let port = server.address.port().to_string();
    succeed(&client("tcp", &port, &["-m", "a:b"]), b"");
    let broken = succeed(&client("tcp", &port, &["--code", "4"]), b"");
    assert_eq!(text_of(broken.lines().next().unwrap()), "a");
    assert!(broken.lines().nth(1).unwrap().ends_with("-> b"), "{broken}");
    let whole = succeed(&client("tcp", &port, &["--code", "5"]), b"");
    assert_eq!(whole.lines().map(text_of).collect::<Vec<_>>(), ["a:b"]);
}

#[test]
fn what_no_datagram_carries_is_cut_and_that_is_said() {
    let server = server("udp");
    let port = server.address.port().to_string();
    let ended = run(&client("udp", &port, &["-m", "-"]), &[b'x'; 70_000]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("cut to 65502 bytes"), "{}", ended.stderr);
    assert!(ended.stdout.len() > 65_400);
    assert!(ended.stderr.contains("message 0 may be longer"), "{}", ended.stderr);
}

#[test]
fn a_refused_message_is_status_3() {
    let full = ["--board-messages", "0"];
    for transport in TRANSPORTS {
        let server = Server::start(
            &[&["board-server", "-t", if transport == "tcp" { "tcp" } else { "udp" }, "-p", "0"], &full[..]]
                .concat(),
        );
        let ended = run(&client(transport, &server.address.port().to_string(), &["-m", "x"]), b"");
        assert_eq!(ended.status, Some(3), "{ended:?}");
        assert!(ended.stderr.contains("error: the message is not published"), "{}", ended.stderr);
        assert_eq!(ended.stdout, "");
    }
}

#[test]
fn nobody_listens_is_said_at_once() {
    // Ports that were free a moment ago, and are again.
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    for (transport, port) in TRANSPORTS.into_iter().zip([udp, tcp]) {
        for rest in [&[][..], &["-m", "x"]] {
            let began = Instant::now();
            let ended = run(&client(transport, &port, &[rest, &["--timeout", "10s"]].concat()), b"");
            assert_eq!(ended.status, Some(1), "{ended:?}");
            assert!(ended.stderr.contains("error: nobody listens at 127.0.0.1:"), "{}", ended.stderr);
            assert!(began.elapsed() < Duration::from_secs(8), "it has waited");
        }
    }
}

#[test]
fn a_silent_server_is_asked_as_often_as_told_and_no_more() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    let ended = run(&client("udp", &port, &["-m", "x", "--timeout", "20ms", "--retries", "2"]), b"");
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("error: nobody answers at 127.0.0.1:"), "{}", ended.stderr);
    assert!(ended.stderr.contains("3 attempts"), "{}", ended.stderr);
    silent.set_nonblocking(true).unwrap();
    let mut buffer = [0; 99];
    let mut heard = Vec::new();
    while let Ok(length) = silent.recv(&mut buffer) {
        heard.push(buffer[..length].to_vec());
    }
    assert_eq!(heard, [b"1:x", b"1:x", b"1:x"]);

    let silent = TcpListener::bind("127.0.0.1:0").unwrap(); // the kernel accepts, nobody answers
    let port = silent.local_addr().unwrap().port().to_string();
    let ended = run(&client("tcp", &port, &["--timeout", "20ms", "--retries", "2"]), b"");
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("error: nobody answers at 127.0.0.1:"), "{}", ended.stderr);
}

#[test]
fn ctrl_c_is_status_130() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    silent.set_read_timeout(Some(PATIENCE)).unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    let waiting = Running::start(&client("udp", &port, &["--timeout", "60s"]), b"");
    assert_eq!(silent.recv(&mut [0; 9]).unwrap(), 3); // its 2:0: the handler is installed
    waiting.signal(Signal::SIGINT);
    assert_eq!(waiting.end().status, Some(130));
}

/// Requests take turns with many ports, so that a response that comes late or twice is not taken for another's.
#[test]
fn late_and_duplicated_responses_and_those_of_strangers_are_not_taken() {
    let (socket, stranger) =
        (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let port = socket.local_addr().unwrap().port().to_string();
    let running = Running::start(&client("udp", &port, &["-m", "x", "--timeout", "10s"]), b"");
    let mut exchanges = vec![("1:x".to_owned(), "0".to_owned())];
    let ids: Vec<String> = (0..40).map(|id| id.to_string()).collect();
    exchanges.push(("2:0".into(), format!("0:{}", ids.join(":"))));
    exchanges.extend(ids.iter().map(|id| (format!("3:{id}"), format!("0:{id}.00:127.0.0.1:1:text {id}"))));
    let mut buffer = [0; 999];
    let mut earlier: Vec<(&str, SocketAddr)> = Vec::new();
    for (request, response) in &exchanges {
        let (length, from) = socket.recv_from(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], request.as_bytes());
        stranger.send_to(b"0:666:666", from).unwrap();
        for (response, to) in earlier.iter().rev().take(10) {
            socket.send_to(response.as_bytes(), to).unwrap();
        }
        socket.send_to(response.as_bytes(), from).unwrap();
        socket.send_to(response.as_bytes(), from).unwrap();
        earlier.push((response, from));
    }
    let ended = running.end();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let lines = (0..40).map(|id| format!("1970-01-01 00:00:{id:02} [127.0.0.1:1] -> text {id}\n"));
    assert_eq!(ended.stdout, "Message published\n".to_owned() + &lines.collect::<String>());
}

#[test]
fn nonsense_of_a_server_is_an_error_and_no_crash() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let port = socket.local_addr().unwrap().port().to_string();
    for nonsense in [b"".as_slice(), b"0:x", b"\xff\xff", b"3"] {
        let running = Running::start(&client("udp", &port, &[]), b"");
        let (_, from) = socket.recv_from(&mut [0; 99]).unwrap();
        socket.send_to(nonsense, from).unwrap();
        let ended = running.end();
        assert_eq!(ended.status, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("error: the"), "{}", ended.stderr);
    }
}

#[test]
fn a_port_that_is_taken_is_told() {
    for transport in TRANSPORTS {
        let first = server(transport);
        let ended = run(&["board-server", "-t", transport, "-p", &first.address.port().to_string()], b"");
        assert_eq!(ended.status, Some(1), "{ended:?}");
        assert!(
            ended.stderr.contains("error: cannot ") && ended.stderr.contains("in use"),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn ids_that_the_longest_datagram_had_no_room_for_are_asked_for_too() {
    const MESSAGES: usize = 13_000; // their ids would take 66 890 bytes
    let server = server("udp");
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server.address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    for number in 0..MESSAGES {
        socket.send(format!("1:text {number}").as_bytes()).unwrap();
        socket.recv(&mut [0; 16]).unwrap();
    }
    let port = server.address.port().to_string();
    let output = succeed(&client("udp", &port, &[]), b"");
    assert!(output.lines().map(text_of).eq((0..MESSAGES).map(|number| format!("text {number}"))));
    let output = succeed(&client("udp", &port, &["-l", "12990"]), b"");
    assert!(output.lines().map(text_of).eq((10..MESSAGES).map(|number| format!("text {number}"))));
}

/// A list of 200 MiB is too much for a test: so a server that has room for the newest only, as one with two of 150 MB.
#[test]
fn texts_that_the_longest_answer_had_no_room_for_are_asked_for_too() {
    for (code, list) in
        [("5", "0:29:1795198052.42 127.0.0.1 1 new"), ("4", "0:1795198052.42 127.0.0.1 1 new")]
    {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let server = std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, mut request) = (stream.unwrap(), String::new());
                std::io::Read::read_to_string(&mut stream, &mut request).unwrap();
                let answer = match request.as_str() {
                    "4:0" | "5:0" => list,
                    "2:0" => "0:0:1",
                    "3:0" => "0:1795198051.42:127.0.0.1:1:old",
                    other => panic!("{other}"),
                };
                std::io::Write::write_all(&mut stream, answer.as_bytes()).unwrap();
                if request == "3:0" {
                    return;
                }
            }
        });
        let output = succeed(&client("tcp", &port, &["--code", code]), b"");
        assert_eq!(output.lines().map(text_of).collect::<Vec<_>>(), ["old", "new"]);
        server.join().unwrap();
    }
}
