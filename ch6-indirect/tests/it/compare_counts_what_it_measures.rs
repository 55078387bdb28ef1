//! `compare`: every message that it counts has come, absent programs are skipped loudly, what cheats is found out, and Ctrl-C leaves
//! nothing running. No test looks at a time.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use common::support::child_server::ChildProcess;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::{ch6, run, text};

/// A short run with these arguments: what it wrote on stdout, and its JSON.
fn compare(args: &[&str]) -> (String, Value) {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("a.json");
    let mut command = ch6(&["compare", "--quick", "--unpinned"]);
    let output = run(command.args(args).arg("--json").arg(&json));
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
    (text(&output.stdout), serde_json::from_slice(&fs::read(json).unwrap()).unwrap())
}

/// The row of a contestant in a table.
fn row<'a>(json: &'a Value, table: &str, name: &str) -> &'a Value {
    let tables = json["tables"].as_array().unwrap();
    let table = tables.iter().find(|one| one["name"] == table).unwrap_or_else(|| panic!("no {table}"));
    let rows = table["rows"].as_array().unwrap();
    rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no {name}: {rows:?}"))
}

/// What was published, delivered and confirmed in all of its samples, which there must be.
fn counts(json: &Value, table: &str, name: &str) -> [u64; 3] {
    let row = row(json, table, name);
    let samples = row["samples"].as_array().unwrap();
    assert!(!samples.is_empty(), "{table}, {name}: {row}");
    let sum = |key: &str| samples.iter().map(|sample| sample[key].as_u64().unwrap()).sum();
    ["published", "delivered", "confirmed"].map(sum)
}

/// Why it was not measured.
fn skipped(json: &Value, table: &str, name: &str) -> String {
    row(json, table, name)["skipped"].as_str().unwrap_or("it was measured").to_owned()
}

#[test]
fn every_message_that_was_published_has_come() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("a.html");
    let classes = ["fan-out", "transient", "durable", "one", "publish"];
    let (stdout, json) = compare(&[
        "--only",
        "bare-log,least",
        "--class",
        &classes.join(","),
        "--rounds",
        "2",
        "--report",
        page.to_str().unwrap(),
    ]);
    let page = fs::read_to_string(page).unwrap();
    for class in classes {
        let [published, delivered, confirmed] = counts(&json, class, "least");
        let consumers = match class {
            "fan-out" => 100,
            "publish" => 0,
            _ => 1,
        };
        assert!(published > 0, "{class}");
        assert_eq!(delivered, published * consumers, "{class}");
        let confirms = if matches!(class, "fan-out" | "transient") { 0 } else { published };
        assert_eq!(confirmed, confirms, "{class}");
        assert!(stdout.contains(&format!("{class}: 1 publisher")), "{stdout}");
        assert!(page.contains(&format!("<h2>{class}</h2>")), "{class}");
    }
    let [written, delivered, _] = counts(&json, "publish", "bare-log");
    assert!(written > 0 && delivered == 0, "{written}, {delivered}");
}

#[test]
fn ours_is_measured_beside_others() {
    let only = ["--only", "least,ours", "--class", "fan-out,transient"];
    let (stdout, json) = compare(&only);
    assert_eq!(counts(&json, "transient", "ours")[0], counts(&json, "transient", "ours")[1]);
    let [published, delivered, _] = counts(&json, "fan-out", "ours");
    assert_eq!(delivered, published * 100);
    assert!(stdout.contains("\n  ours "), "{stdout}");
}

#[test]
fn peers_that_are_not_installed_are_skipped_loudly() {
    let only = "rabbitmq-classic,nats,redis,least";
    let mut command = ch6(&["compare", "--quick", "--unpinned", "--only", only, "--class", "transient"]);
    let output = run(command.env("PATH", "/nowhere"));
    let stdout = text(&output.stdout);
    assert!(output.status.success(), "{stdout}");
    for name in ["nats", "redis"] {
        assert!(stdout.contains(&format!("SKIPPED {name}: {name}-server is not installed")), "{stdout}");
    }
    // Its own program is not looked for in the path, but it needs epmd.
    let rabbitmq = stdout.lines().find(|line| line.contains("SKIPPED rabbitmq-classic: ")).unwrap_or(&stdout);
    assert!(rabbitmq.ends_with("is not installed"), "{stdout}");
    assert!(stdout.contains("\n  least "), "{stdout}");
}

#[test]
fn a_broker_that_loses_or_repeats_or_says_no_is_no_result() {
    let faults = [
        (Fault::Loses, "message 3 came where message 2 was expected"),
        (Fault::Repeats, "message 1 came where message 2 was expected"),
        (Fault::Closes, "the channel is closed: 406 PRECONDITION_FAILED"),
        (Fault::HangsUp, "the server has closed the connection"),
    ];
    for (fault, why) in faults {
        let broker = FakeBroker::start(fault);
        let (stdout, json) = compare(&[
            "--broker",
            &broker.address,
            "--only",
            "ours",
            "--class",
            "transient",
            "--rounds",
            "1",
        ]);
        assert_eq!(skipped(&json, "transient", "ours"), why, "{fault:?}");
        assert!(stdout.contains(&format!("SKIPPED ours: {why}")), "{stdout}");
    }
}

#[test]
fn after_ctrl_c_no_server_is_left() {
    for (contestant, class) in [("least", "transient"), ("ours", "transient"), ("least", "one")] {
        let mut command = ch6(&["compare", "--time", "10m", "--only", contestant, "--class", class]);
        let command = command.arg("--unpinned").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut compare = ChildProcess::spawn(command).unwrap();
        let server = child_with_connections(compare.pid().as_raw());
        compare.signal(Signal::SIGINT).unwrap();
        let ended = compare.wait(Duration::from_secs(60)).expect("Ctrl-C ends it");
        assert_eq!(ended.code(), Some(130), "{contestant}, {class}");
        assert!(!Path::new(&format!("/proc/{server}")).exists(), "{contestant}: server {server} is left");
        compare.stderr.wait_for_end(Duration::from_secs(60)).unwrap();
        let said = text(&compare.stderr.bytes());
        assert!(said.contains("interrupted: what is above is not complete"), "{said}");
    }
}

/// The server that a process has started, as soon as a client is connected to it. The kernel has no event for this.
fn child_with_connections(parent: i32) -> i32 {
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline {
        let children =
            fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
        let server = children.split_whitespace().next().and_then(|pid| pid.parse().ok());
        if let Some(server) = server.filter(|&server| sockets(parent) > 1 && sockets(server) > 2) {
            return server;
        }
        sleep(Duration::from_millis(5));
    }
    panic!("it has started no server");
}

/// How many sockets a process has open.
fn sockets(process: i32) -> usize {
    let Ok(files) = fs::read_dir(format!("/proc/{process}/fd")) else { return 0 };
    let is_socket = |file: &fs::DirEntry| {
        fs::read_link(file.path()).is_ok_and(|target| target.to_string_lossy().starts_with("socket:"))
    };
    files.flatten().filter(is_socket).count()
}

/// What is wrong with a broker.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    Loses,
    Repeats,
    Closes,
    HangsUp,
}

/// A broker that says yes to everything, and sends its consumers what the fault is, whatever is published.
struct FakeBroker {
    address: String,
}

impl FakeBroker {
    fn start(fault: Fault) -> FakeBroker {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        // It ends with the test: each of its threads waits for a socket.
        thread::spawn(move || {
            for stream in listener.incoming() {
                thread::spawn(move || serve(stream.unwrap(), fault));
            }
        });
        FakeBroker { address }
    }
}

fn serve(mut stream: TcpStream, fault: Fault) {
    let mut header = [0; 8];
    if stream.read_exact(&mut header).is_err() {
        return;
    }
    let start =
        [&[0, 10, 0, 10, 0, 9, 0, 0, 0, 0, 0, 0, 0, 5][..], b"PLAIN", &[0, 0, 0, 5], b"en_US"].concat();
    let _ = stream.write_all(&frame(1, 0, &start));
    loop {
        let mut head = [0; 7];
        if stream.read_exact(&mut head).is_err() {
            return;
        }
        let size = u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize;
        let mut payload = vec![0; size + 1];
        if stream.read_exact(&mut payload).is_err() {
            return;
        }
        if head[0] != 1 {
            continue;
        }
        let answer: &[u8] = match payload[..4] {
            [0, 10, 0, 11] => &[0, 10, 0, 30, 0, 1, 0, 2, 0, 0, 0, 0],
            [0, 10, 0, 40] => &[0, 10, 0, 41, 0],
            [0, 20, 0, 10] => &[0, 20, 0, 11, 0, 0, 0, 0],
            [0, 50, 0, 10] => &[0, 50, 0, 11, 1, b'q', 0, 0, 0, 0, 0, 0, 0, 0],
            [0, 60, 0, 10] => &[0, 60, 0, 11],
            [0, 60, 0, 20] => &[0, 60, 0, 21, 1, b'c'],
            _ => continue,
        };
        let channel = u16::from_be_bytes([head[1], head[2]]);
        let _ = stream.write_all(&frame(1, channel, answer));
        if payload[..4] == [0, 60, 0, 20] {
            let numbers: &[u64] = match fault {
                Fault::Loses => &[0, 1, 3],
                Fault::Repeats => &[0, 1, 1],
                Fault::Closes | Fault::HangsUp => &[0],
            };
            let deliveries: Vec<u8> =
                numbers.iter().zip(1..).flat_map(|(&number, tag)| delivery(tag, number)).collect();
            let _ = stream.write_all(&deliveries);
            match fault {
                Fault::Closes => {
                    let text = b"PRECONDITION_FAILED";
                    let close = [&[0, 20, 0, 40, 1, 150, 19][..], text, &[0, 0, 0, 0]].concat();
                    let _ = stream.write_all(&frame(1, 1, &close));
                }
                Fault::HangsUp => return,
                Fault::Loses | Fault::Repeats => {}
            }
        }
    }
}

fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let size = u32::try_from(payload.len()).unwrap();
    [&[kind][..], &channel.to_be_bytes(), &size.to_be_bytes(), payload, &[0xCE]].concat()
}

fn delivery(tag: u64, number: u64) -> Vec<u8> {
    let method = [&[0, 60, 0, 60, 1, b'c'][..], &tag.to_be_bytes(), &[0, 0, 1, b'q']].concat();
    let header = [&[0, 60, 0, 0][..], &8u64.to_be_bytes(), &[0, 0]].concat();
    [frame(1, 1, &method), frame(2, 1, &header), frame(3, 1, &number.to_be_bytes())].concat()
}
