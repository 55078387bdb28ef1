//! A client that asks and never reads, until its connection takes not one byte more: the others get everything meanwhile. Under one
//! policy it catches up when it reads again, under the other it is hung up on.

use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

use socket2::SockRef;

use crate::support::Server;
use crate::support::guessword::{PATIENCE, Raw, models};
use crate::support::notify;
use crate::support::notify::{fetch, publish, say, serve};

/// Together more than the kernel keeps for one connection: 4 MiB to be sent, and less to be received, see [`stall`].
const LONG_MESSAGES: usize = 24;
const LONG: usize = 256 * 1024;
const SHORT_MESSAGES: usize = 300;

#[test]
fn the_others_get_everything_and_it_catches_up() {
    let long = "x".repeat(LONG);
    for model in models() {
        // Each message is waited for before the next is published: with a pace that would be a round of 15 ms for each, and with a
        // gap three times 5 ms.
        let server = serve(&model, &["--pace", "0"]);
        let mut speaker = Raw::connect(&server);
        for _ in 0..LONG_MESSAGES {
            say(&mut speaker, &long);
        }
        let mut stalled = stall(&server);
        let mut listener = Raw::connect(&server);
        listener.send(&"2:;".repeat(LONG_MESSAGES));
        let mut got = texts(&mut listener.stream, LONG_MESSAGES).len();
        for number in 0..SHORT_MESSAGES {
            say(&mut speaker, &number.to_string());
            listener.up_to(|frame| frame == "7:;");
            got += fetch(&mut listener).len();
        }
        assert_eq!(got, LONG_MESSAGES + SHORT_MESSAGES, "every one as soon as it was published");

        // Now it reads, to the last answer to its questions, and asks once more: nothing is missing.
        let mut caught_up = texts(&mut stalled.stream, LONG_MESSAGES);
        loop {
            let more = fetch(&mut stalled);
            if more.is_empty() {
                break;
            }
            caught_up.extend(more);
        }
        assert!(caught_up[..LONG_MESSAGES].iter().all(|text| *text == long));
        let short: Vec<String> = (0..SHORT_MESSAGES).map(|number| number.to_string()).collect();
        assert_eq!(caught_up[LONG_MESSAGES..], short);
    }
}

#[test]
fn or_it_is_hung_up_on() {
    let server = serve("epoll", &["--when-full", "disconnect"]);
    let mut speaker = Raw::connect(&server);
    // Its own answers fill its connection first, or the kernel would take notifications for it for long.
    for _ in 0..LONG_MESSAGES {
        say(&mut speaker, &"x".repeat(LONG));
    }
    let mut stalled = stall(&server);
    const MANY: usize = 64 * 1024; // three bytes each: three times what may wait
    let batch = publish("").repeat(1024);
    for _ in 0..MANY / 1024 {
        speaker.send(&batch);
        for _ in 0..1024 {
            speaker.up_to(|frame| frame == "0:;");
        }
    }
    let mut bytes = Vec::new();
    let end = stalled.stream.read_to_end(&mut bytes); // or it would wait for ever
    println!("{} bytes, then {end:?}", bytes.len());
    assert!(bytes.len() < LONG * LONG_MESSAGES * 2);
    say(&mut speaker, "the others are served");
}

#[test]
fn the_log_says_who_was_hung_up_on_and_the_others_have_everything() {
    // Notifications alone fill everything in the end.
    hang_up("epoll", false);
}

#[test]
fn who_is_in_the_way_of_a_long_answer_is_hung_up_on_too() {
    // These wait in `send`, or for it to be done.
    for model in models().filter(|model| ["thread-per-connection", "tokio", "io-uring"].contains(&&**model)) {
        hang_up(&model, true);
    }
}

fn hang_up(model: &str, amid_an_answer: bool) {
    println!("model {model}");
    let args = ["board-server", "--model", model, "--when-full", "disconnect", "--outbox-bytes", "3000"];
    let server = Server::with_log(&args);
    let log = &server.process.stderr;
    let [mut listener, mut speaker] = [(); 2].map(|()| Raw::connect(&server));
    if amid_an_answer {
        (0..4).for_each(|_| say(&mut speaker, &"x".repeat(LONG)));
        (0..4).for_each(|_| drop(fetch(&mut listener)));
    }
    let mut stalled = stall(&server);
    let client = format!("Client {}", stalled.stream.local_addr().unwrap());
    let reason = format!("{client} is disconnected: 3000 bytes of notifications wait for it");
    // Its kernel has to be full first, and then ours; with what we keep for it that is some 25 000 notifications of three bytes.
    const BATCH: usize = 100;
    const MOST: usize = 100_000;
    let mut got = Vec::new();
    while log.wait(Duration::ZERO, |log| log.contains(&reason).then_some(())).is_err() {
        assert!(got.len() < MOST, "nobody was hung up on");
        let texts = got.len()..got.len() + BATCH;
        speaker.send(&texts.map(|number| publish(&number.to_string())).collect::<String>());
        (0..BATCH).for_each(|_| drop(speaker.up_to(|frame| frame == "0:;")));
        got.extend(fetch(&mut listener));
    }
    println!("hung up on after {} notifications", got.len());
    assert!(got.iter().enumerate().all(|(number, text)| *text == number.to_string()));
    // By itself, and not only when it reads again.
    let end = log.wait(PATIENCE, |log| log.split_once(&reason)?.1.contains(&client).then_some(()));
    end.expect("its connection ends, long before --stall");
    let mut bytes = Vec::new();
    let end = stalled.stream.read_to_end(&mut bytes); // or it would wait for ever
    println!("{} bytes, then {end:?}", bytes.len());
    assert!(bytes.len() < LONG * 2);
}

/// Asks for everything and reads none of it.
fn stall(server: &Server) -> Raw {
    let mut client = Raw::connect(server);
    SockRef::from(&client.stream).set_recv_buffer_size(64 * 1024).unwrap();
    client.send(&"2:;".repeat(LONG_MESSAGES));
    client
}

/// What so many answers bring together.
fn texts(stream: &mut TcpStream, answers: usize) -> Vec<String> {
    let (mut bytes, mut chunk, mut left) = (Vec::new(), vec![0; 1 << 20], answers);
    let mut frame_begins = true;
    while left > 0 {
        let count = stream.read(&mut chunk).unwrap();
        assert!(count > 0, "the server has hung up");
        for &byte in &chunk[..count] {
            left -= usize::from(frame_begins && byte == b'1');
            frame_begins = byte == b';';
        }
        bytes.extend_from_slice(&chunk[..count]);
        while left == 0 && bytes.last() != Some(&b';') {
            let mut last = [0];
            stream.read_exact(&mut last).unwrap();
            bytes.extend(last);
        }
    }
    let text = String::from_utf8(bytes).unwrap();
    let answers = text.split_inclusive(';').filter(|frame| frame.starts_with("1:"));
    answers.flat_map(notify::lines).map(|line| notify::text(&line)).collect()
}
