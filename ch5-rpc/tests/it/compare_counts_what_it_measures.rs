//! `compare`: every call that it counts has happened, the bytes of a call are those of its wire, and Ctrl-C leaves nothing running. No
//! test looks at a time.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::support::child_server::ChildProcess;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::{ch5, run, text};

/// A short run with these arguments: what it wrote on stdout, and its JSON.
fn compare(args: &[&str]) -> (String, Value) {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("a.json");
    let output = run(ch5(&["compare", "--quick", "--rounds", "1"]).args(args).arg("--json").arg(&json));
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
    (text(&output.stdout), serde_json::from_slice(&fs::read(json).unwrap()).unwrap())
}

/// The rows of a table by their names.
fn rows<'a>(json: &'a Value, table: &str) -> Vec<(&'a str, &'a Value)> {
    let tables = json["tables"].as_array().unwrap();
    let table = tables.iter().find(|one| one["name"] == table).unwrap_or_else(|| panic!("no {table}"));
    table["rows"].as_array().unwrap().iter().map(|row| (row["name"].as_str().unwrap(), row)).collect()
}

/// Bytes to the server, bytes to the client, connections: of one operation.
fn bytes(json: &Value, contestant: &str, load: &str) -> [f64; 3] {
    let all = json["bytes"].as_array().unwrap();
    let one = all.iter().find(|one| one["contestant"] == contestant && one["load"] == load);
    let one = one.unwrap_or_else(|| panic!("no bytes of {contestant}, {load}: {all:?}"));
    ["to_server", "to_client", "connections"].map(|name| one[name].as_f64().unwrap())
}

#[test]
fn every_answered_publish_is_on_the_board() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("a.html");
    let only = ["--only", "framed,tarpc-bare,tarpc", "--load", "publish,many"];
    let (stdout, json) = compare(&[&only[..], &["--report", page.to_str().unwrap()]].concat());
    let page = fs::read_to_string(page).unwrap();
    for table in ["publish", "many"] {
        for (name, row) in rows(&json, table) {
            assert_eq!(row["skipped"], Value::Null, "{table}, {name}");
            let samples = row["samples"].as_array().unwrap();
            assert_eq!(samples.len(), 1, "{table}, {name}");
            for sample in samples {
                let [answered, on_board] = ["answered", "on_board"].map(|key| sample[key].as_u64().unwrap());
                // The rest is the warm-up.
                assert!(answered > 0 && on_board > answered, "{table}, {name}: {sample}");
            }
            assert!(stdout.contains(&format!("\n  {name} ")), "{stdout}");
            assert!(page.contains(&format!("<td>{name}</td>")), "{name}");
        }
    }
    let goals = json["goals"].as_array().unwrap();
    assert_eq!(goals.len(), 3, "{goals:?}");
}

#[test]
fn the_bytes_of_a_call_are_those_of_its_wire() {
    let only = "raw-udp,tcp-short,tcp-long,framed,tarpc-bare,tarpc,pyro,xml-rpc";
    let (_, json) = compare(&["--only", only, "--load", "publish,binary"]);
    let text = 50.0;
    // "1:" and the text; "0".
    assert_eq!(bytes(&json, "raw-udp", "publish"), [2.0 + text, 1.0, 0.0]);
    assert_eq!(bytes(&json, "tcp-short", "publish"), [2.0 + text, 1.0, 1.0]);
    // The same behind four bytes of length.
    assert_eq!(bytes(&json, "tcp-long", "publish"), [6.0 + text, 5.0, 0.0]);
    // Length 4, procedure 1, length of the text 1, text; length 4, kind 1, id 1.
    assert_eq!(bytes(&json, "framed", "publish"), [6.0 + text, 6.0, 0.0]);
    // Length 4, kind 1, deadline 6, trace id 16, span id 9, sampled 1, id 1, procedure 1, length of the text 1, text, no call id 1; length
    // 4, id 1, done 1, procedure 1, result 1, id of the message 1.
    for name in ["tarpc-bare", "tarpc"] {
        assert_eq!(bytes(&json, name, "publish"), [41.0 + text, 9.0, 0.0], "{name}");
    }
    // The head 40, and a literal: the name of the object comes with each call.
    let literal = "# serpent utf-8 python3.2\n('board','publish',('',),{})";
    assert_eq!(bytes(&json, "pyro", "publish")[0], 40.0 + literal.len() as f64 + text);
    assert_eq!(bytes(&json, "pyro", "publish")[2], 0.0);
    // Four characters for three bytes, and the elements and the head of HTTP.
    let [to_server, ..] = bytes(&json, "xml-rpc", "binary");
    assert!((133_336.0..134_000.0).contains(&to_server), "{to_server}");
}

#[test]
fn every_contestant_does_what_its_wire_can() {
    let (stdout, json) = compare(&["--load", "read,chatty,at-once,binary"]);
    for table in ["read", "chatty", "at-once", "binary"] {
        let rows = rows(&json, table);
        assert_eq!(rows.len(), 11, "{table}");
        for (name, row) in rows {
            let cannot = match table {
                "at-once" => &["raw-udp", "xml-rpc", "json-rpc", "python-xml-rpc"][..],
                "binary" => &["raw-udp"],
                _ => &[],
            };
            let why = row["skipped"].as_str();
            if why == Some("python3 is not installed") {
                assert!(stdout.contains("SKIPPED python-xml-rpc: python3 is not installed"), "{stdout}");
                continue;
            }
            assert_eq!(why.is_some(), cannot.contains(&name), "{table}, {name}: {why:?}");
        }
    }
}

#[test]
fn the_load_generator_speaks_every_wire_over_tcp() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("a.html");
    let (_, json) =
        compare(&["--load", "served,open", "--rate", "3000,500", "--report", page.to_str().unwrap()]);
    let tables = json["tables"].as_array().unwrap();
    let names: Vec<&str> = tables.iter().map(|table| table["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["served", "open-500", "open-3000"]);
    for table in names {
        let rows = rows(&json, table);
        assert_eq!(rows.len(), 12, "{table}");
        for (name, row) in rows {
            match (name, row["skipped"].as_str()) {
                ("raw-udp", Some("the load generator speaks TCP")) => {}
                ("python-xml-rpc", Some("python3 is not installed")) => {}
                (_, skipped) => assert_eq!(skipped, None, "{table}, {name}"),
            }
            for sample in row["samples"].as_array().unwrap() {
                let [answered, on_board, waiting] =
                    ["answered", "on_board", "waiting"].map(|key| sample[key].as_u64().unwrap());
                // One was published to see what a client sends.
                assert!(answered + waiting > 0 && on_board > answered, "{table}, {name}: {sample}");
                assert!(table != "served" || waiting == 0, "{name}: {sample}");
            }
        }
    }
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("<h2>Latency against offered rate</h2>"));
    for name in ["tcp-short", "tarpc", "pyro", "xml-rpc", "http-echo"] {
        assert!(page.contains(&format!("<title>{name}: latency against offered rate</title>")), "{name}");
    }
}

#[test]
fn the_parts_of_a_call_are_those_of_its_wire() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("a.html");
    let (stdout, json) = compare(&["--load", "publish,where", "--report", page.to_str().unwrap()]);
    for (name, row) in rows(&json, "where") {
        if row["skipped"] == "python3 is not installed" {
            continue;
        }
        let parts = &row["samples"][0]["parts"];
        let in_memory = parts["in_memory_us"].as_array().unwrap();
        // Of Python's server we do not have the code.
        let theirs = in_memory.iter().filter(|part| part.is_null()).count();
        assert_eq!((in_memory.len(), theirs), (5, if name == "python-xml-rpc" { 3 } else { 0 }), "{name}");
        // What is encoded in memory is as long as what goes over the wire.
        let [to_server, to_client, _] = bytes(&json, name, "publish");
        let length = |index: usize| parts["bytes"][index].as_f64().unwrap();
        // In JSON the random numbers of a trace have one to three digits for each byte.
        let is_near = name == "tarpc-json" && (length(0) - to_server).abs() < 40.0;
        assert!(length(0) == to_server || is_near, "{name}: {} {to_server}", length(0));
        let is_ours = name != "python-xml-rpc";
        assert!(!is_ours || (length(1) - to_client).abs() < 2.0, "{name}: {} {to_client}", length(1));
    }
    assert!(stdout.contains("client encodes") && stdout.contains("bare exchange"), "{stdout}");
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("<title>Where the time of a call goes</title>"));
    assert!(page.contains("<title>xml-rpc, server decodes: "));
}

#[test]
fn without_python_its_server_is_skipped_loudly() {
    let mut command = ch5(&["compare", "--quick", "--only", "python-xml-rpc,framed", "--load", "publish"]);
    let output = run(command.env("PATH", "/nowhere"));
    let stdout = text(&output.stdout);
    assert!(output.status.success(), "{stdout}");
    assert!(stdout.contains("SKIPPED python-xml-rpc: python3 is not installed"), "{stdout}");
    assert!(stdout.contains("\n  framed "), "{stdout}");
}

#[test]
fn after_ctrl_c_no_server_is_left() {
    for (contestant, load) in [("framed", "publish"), ("tarpc", "many"), ("tcp-long", "many")] {
        let mut command = ch5(&["compare", "--time", "10m", "--only", contestant, "--load", load]);
        let mut compare = ChildProcess::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped())).unwrap();
        let server = child_that_listens(compare.pid().as_raw());
        compare.signal(Signal::SIGINT).unwrap();
        let ended = compare.wait(Duration::from_secs(60)).expect("Ctrl-C ends it");
        assert_eq!(ended.code(), Some(130), "{contestant}, {load}");
        assert!(
            !Path::new(&format!("/proc/{server}")).exists(),
            "{contestant}, {load}: server {server} is left"
        );
    }
}

/// The server that a process has started, as soon as a client is connected to it. The kernel has no event for this.
fn child_that_listens(parent: i32) -> i32 {
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline {
        let children =
            fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
        let server = children.split_whitespace().next().and_then(|pid| pid.parse().ok());
        if let Some(server) = server.filter(|&server| sockets(parent) > 0 && sockets(server) > 1) {
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
