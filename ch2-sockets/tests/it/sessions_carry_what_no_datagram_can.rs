//! Sessions over real sockets: big messages both ways, many clients, and servers that are old, full or gone.

use std::collections::BTreeSet;
use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::{Ended, PATIENCE, Running, Server, run, succeed};

fn arguments<'a>(transport: &'a str, server: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    [&["board-client", "-t", transport, "-p", server], rest].concat()
}

/// Text without line ends, from a fixed rule.
fn text(length: usize, seed: u32) -> String {
    (0..length as u32)
        .map(|n| char::from(b'!' + ((n.wrapping_mul(2_654_435_761) ^ seed) >> 25) as u8 % 90))
        .collect()
}

fn texts(stdout: &str) -> Vec<&str> {
    stdout.lines().filter_map(|line| line.split_once(" -> ")).map(|(_, text)| text).collect()
}

#[test]
fn megabytes_go_up_and_come_back_byte_for_byte() {
    for address in ["127.0.0.1", "::1", "0.0.0.0"] {
        let server = Server::start(&["board-server", "-l", address, "-p", "0"]);
        let host = if address == "0.0.0.0" { "127.0.0.2" } else { address };
        let port = server.address.port().to_string();
        let big = text(6_000_000, 1);
        let output = succeed(&arguments("session", &port, &["-H", host, "-m", "-"]), big.as_bytes());
        assert!(output.starts_with("Message published\n"));
        assert!(texts(&output) == [&big], "{} bytes came back", output.len());
        for rest in [&["--datagram", "9000"][..], &["--congestion", "reno"], &["--datagram", "65000"]] {
            let output = succeed(&arguments("session", &port, &[&["-H", host], rest].concat()), b"");
            assert!(texts(&output) == [&big], "{rest:?}");
        }
        server.stop(Duration::from_secs(2));
    }
}

#[test]
fn one_block_at_a_time_is_a_window_of_one() {
    let server = Server::start(&["board-server", "-p", "0"]);
    let port = server.address.port().to_string();
    let ended = run(
        &arguments("session", &port, &["-m", "-", "--window", "1", "--stats"]),
        text(140_000, 2).as_bytes(),
    );
    assert_eq!(ended.status, Some(0), "{ended:?}");
    for words in ["goodput ", "window 1 block,", "round trip ", "datagrams", "retransmissions"] {
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
}

#[test]
fn the_original_protocol_uploads_and_plain_datagrams_read() {
    let server = Server::start(&["board-server", "-p", "0"]);
    let port = server.address.port().to_string();
    let big = text(500_000, 3);
    let ended = run(&arguments("blocks", &port, &["-m", "-"]), big.as_bytes());
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("cut to what one datagram carries"), "{}", ended.stderr);
    let output = succeed(&arguments("session", &port, &[]), b"");
    assert!(texts(&output) == [&big], "the whole is there");
}

/// What an original client sends, in whatever order, is answered as the notes' server answers, where that would not die.
#[test]
fn the_original_protocol_byte_for_byte() {
    for address in ["127.0.0.1", "::1"] {
        let server = Server::start(&["board-server", "-l", address, "-p", "0"]);
        let (client, other) = (original(server.address), original(server.address));
        let session = ask(&client, "a?0").strip_prefix("0?").unwrap().to_owned();
        assert!(session.len() <= 16 && session.bytes().all(|byte| byte.is_ascii_digit()), "{session}");
        let block = |rest: &str| format!("b?{session}?{rest}");
        assert_eq!(ask(&client, block("2?3?3????")), "0?1");
        assert_eq!(ask(&client, block("2?3?3????")), "0?1");
        assert_eq!(ask(&client, block("0?3?4?1:hi")), "0?2");
        assert_eq!(ask(&client, block("1?3?9?short")), "y");
        for malformed in
            ["x?3?3?abc", "1?3?3", "3?3?3?abc", "1?4?3?abc", "1?0?3?abc", "-1?3?3?abc", "1?3?x?abc"]
        {
            assert_eq!(ask(&client, block(malformed)), "z", "{malformed}");
        }
        assert_eq!(ask(&other, block("1?3?4? you")), "z", "another's session");
        assert_eq!(ask(&other, format!("c?{session}")), "z", "another's session");
        assert_eq!(ask(&client, block("1?3?4? you")), "0?3");
        assert_eq!(ask(&client, format!("c?{session}")), "0?1");
        assert_eq!(ask(&client, format!("c?{session}")), "0?1", "a repeated close, its answer was lost");
        assert_eq!(ask(&client, "2:0"), "0:0", "delivered once");
        assert!(ask(&client, "3:0").ends_with(":hi you???"));

        let session = ask(&client, "a?0").split_off(2);
        assert_eq!(ask(&client, format!("b?{session}?0?2?3?1:x")), "0?1");
        assert_eq!(ask(&client, format!("c?{session}")), "0?0");
        let unknown = [
            format!("b?{session}?1?2?1?y"),
            "b?1?0?1?3?1:x".into(),
            "c?".into(),
            "b".into(),
            "x".into(),
            "q?0".into(),
            "?".into(),
        ];
        for request in unknown {
            assert_eq!(ask(&client, &request), "z", "{request}");
        }
        assert_eq!(ask(&client, "2:0"), "0:0");
        server.stop(Duration::from_secs(2));
    }
}

fn original(server: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind(if server.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" }).unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn ask(client: &UdpSocket, request: impl AsRef<[u8]>) -> String {
    client.send(request.as_ref()).unwrap();
    let mut response = [0; 1 << 16];
    let length = client.recv(&mut response).expect("every request is answered");
    String::from_utf8_lossy(&response[..length]).into_owned()
}

#[test]
fn fifty_clients_at_once_and_no_text_is_lost_or_mixed() {
    let server = Server::start(&["board-server", "-p", "0"]);
    let port = server.address.port().to_string();
    let sent: Vec<String> = (0..50).map(|number| text(20_000, number)).collect();
    let clients: Vec<Running> = sent
        .iter()
        .map(|text| Running::start(&arguments("session", &port, &["-m", "-", "-l", "1"]), text.as_bytes()))
        .collect();
    // One that dies in the middle of its upload, and one that takes a token and leaves, disturb nobody.
    let dying =
        Running::start(&arguments("session", &port, &["-m", "-", "--window", "1"]), &vec![b'x'; 100 << 20]);
    let gone = original(server.address);
    assert!(ask(&gone, "a?0000000000000001").starts_with("1?"));
    drop((dying, gone));
    for client in clients {
        let ended = client.end();
        assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    }
    let output = succeed(&arguments("session", &port, &[]), b"");
    let got = texts(&output);
    assert_eq!(got.len(), 50, "each is published exactly once");
    assert!(got.iter().copied().collect::<BTreeSet<_>>() == sent.iter().map(String::as_str).collect());
    server.stop(Duration::from_secs(2));
}

/// A server of the notes, as far as a client can tell: it knows nothing of tokens, and its sessions count from 17.
fn old_server(messages: usize) -> (SocketAddr, thread::JoinHandle<Vec<Vec<u8>>>) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let address = socket.local_addr().unwrap();
    let serve = move || {
        let (mut published, mut blocks) = (Vec::new(), Vec::new());
        let mut buffer = vec![0; 1 << 16];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).expect("a client asks");
            let request = buffer[..length].to_vec();
            let fields: Vec<&[u8]> = request.splitn(6, |&byte| byte == b'?').collect();
            let response = match fields[0] {
                b"a" => b"0?17".to_vec(),
                b"b" => {
                    assert_eq!(fields[1], b"17");
                    let index: usize = str::from_utf8(fields[2]).unwrap().parse().unwrap();
                    if index == blocks.len() {
                        blocks.push(fields[5].to_vec());
                    }
                    format!("0?{}", blocks.len()).into_bytes()
                }
                b"c" => {
                    published.push(std::mem::take(&mut blocks).concat());
                    b"0?1".to_vec()
                }
                b"2:0" => b"0:0".to_vec(),
                b"3:0" => b"0:7.0:127.0.0.1:1:it is old".to_vec(),
                _ => panic!("{}", String::from_utf8_lossy(&request[..length.min(80)])),
            };
            socket.send_to(&response, from).unwrap();
            if fields[0] == b"3:0" && published.len() == messages {
                return published;
            }
        }
    };
    (address, thread::spawn(serve))
}

#[test]
fn an_old_server_is_recognised_and_spoken_to_its_way() {
    for rest in [&["-m", "-"][..], &[]] {
        let (address, server) = old_server(rest.len() / 2);
        let big = text(200_000, 4);
        let ended = run(&arguments("session", &address.port().to_string(), rest), big.as_bytes());
        assert_eq!(ended.status, Some(0), "{ended:?}");
        assert!(ended.stderr.contains("knows only the original block protocol"), "{}", ended.stderr);
        assert_eq!(texts(&ended.stdout), ["it is old"]);
        let published = server.join().unwrap();
        assert!(published.iter().all(|message| message == format!("1:{big}").as_bytes()));
    }
}

fn fails(ended: &Ended, status: i32, words: &str) {
    assert_eq!(ended.status, Some(status), "{ended:?}");
    assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
}

#[test]
fn nobody_there_and_no_room_are_said() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    for transport in ["session", "blocks"] {
        let ended =
            run(&arguments(transport, &port, &["-m", "x", "--timeout", "50ms", "--retries", "2"]), b"");
        fails(&ended, 1, "error: nobody answers at 127.0.0.1:");
    }
    drop(silent);
    for transport in ["session", "blocks"] {
        fails(
            &run(&arguments(transport, &port, &["-m", "x"]), b""),
            1,
            "error: nobody listens at 127.0.0.1:",
        );
    }

    let full = Server::start(&["board-server", "-p", "0", "--sessions", "0"]);
    let ended = run(&arguments("session", &full.address.port().to_string(), &["-m", "x"]), b"");
    fails(&ended, 3, "error: the message is not published: the server refuses");
    let full = Server::start(&["board-server", "-p", "0", "--board-messages", "0"]);
    let ended = run(&arguments("session", &full.address.port().to_string(), &["-m", "x"]), b"");
    fails(&ended, 3, "error: the message is not published");
}

#[test]
fn ctrl_c_is_status_130() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    silent.set_read_timeout(Some(PATIENCE)).unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    for transport in ["session", "blocks"] {
        let waiting = Running::start(&arguments(transport, &port, &["-m", "x", "--timeout", "60s"]), b"");
        silent.recv(&mut [0; 99]).unwrap(); // it asks: the handler is installed
        waiting.signal(Signal::SIGINT);
        fails(&waiting.end(), 130, "interrupted");
        silent.set_nonblocking(true).unwrap();
        while silent.recv(&mut [0; 99]).is_ok() {}
        silent.set_nonblocking(false).unwrap();
    }
}

#[test]
fn the_stop_comes_at_once_in_the_middle_of_an_upload() {
    let server = Server::start(&["board-server", "-p", "0"]);
    let port = server.address.port().to_string();
    // One that is at it for long, and repeats what nobody answers any more.
    let slow = Running::start(
        &arguments("session", &port, &["-m", "-", "--window", "1", "--timeout", "100ms"]),
        &vec![b'x'; 100 << 20],
    );
    let client = original(server.address);
    assert_eq!(ask(&client, "2:0"), "0");
    server.stop(Duration::from_secs(2));
    let ended = slow.end();
    assert_eq!(ended.status, Some(1), "{ended:?}");
}
