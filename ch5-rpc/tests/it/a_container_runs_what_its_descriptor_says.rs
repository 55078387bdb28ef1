//! `container`: descriptors checked and drawn, and components deployed on nodes of their own.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::support::child_server::ChildProcess;
use tempfile::TempDir;

use crate::support::{ch5, run, text};

const EXAMPLE: &str = include_str!("../../src/container/example.toml");
const MINUTE: Duration = Duration::from_secs(60);

fn file(folder: &TempDir, descriptor: &str) -> PathBuf {
    let path = folder.path().join("descriptor.toml");
    std::fs::write(&path, descriptor).unwrap();
    path
}

/// A deployment that runs: its process, and the address of its page.
struct Deployed {
    process: ChildProcess,
    page: SocketAddr,
    said: Vec<String>,
}

impl Deployed {
    fn start(descriptor: &str, folder: &TempDir) -> Deployed {
        let mut command = ch5(&["--log", "info", "container", "deploy"]);
        command.arg(file(folder, descriptor)).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = ChildProcess::spawn(&mut command).unwrap();
        let mut said = Vec::new();
        while said.last().is_none_or(|line: &String| !line.starts_with("DEPLOYED")) {
            let line = process.next_line(MINUTE);
            said.push(line.unwrap_or_else(|| panic!("{said:?} {}", text(&process.stderr.bytes()))));
        }
        let page =
            said.iter().find_map(|line| line.strip_prefix("open http://")?.strip_suffix('/')?.parse().ok());
        Deployed { page: page.unwrap_or_else(|| panic!("{said:?}")), process, said }
    }

    /// One request of a browser; the status and the page.
    fn ask(&self, method: &str, path: &str, more: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.page).unwrap();
        stream.set_read_timeout(Some(MINUTE)).unwrap();
        let host = if more.contains("Host:") { String::new() } else { format!("Host: {}\r\n", self.page) };
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\n{host}{more}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap_or_else(|| panic!("{answer:?}")).parse().unwrap();
        (status, answer)
    }

    /// Asks until the page has this.
    fn until(&self, part: &str) -> String {
        let begin = Instant::now();
        loop {
            let (_, page) = self.ask("GET", "/", "", "");
            if page.contains(part) {
                return page;
            }
            assert!(begin.elapsed() < MINUTE, "{part}: {page}");
        }
    }

    /// Stops it; what it and its nodes have logged.
    fn stop(mut self) -> String {
        let ended = self.process.stop();
        let log = self.process.stderr.wait_for_end(MINUTE).unwrap();
        assert_eq!(ended.code(), Some(0), "{log}");
        log
    }
}

#[test]
fn the_example_is_printed_and_fits_together() {
    let folder = TempDir::new().unwrap();
    let printed = text(&run(&mut ch5(&["container", "example"])).stdout);
    assert_eq!(printed, EXAMPLE);
    let output = run(ch5(&["container", "check"]).arg(file(&folder, &printed)));
    assert_eq!(
        text(&output.stdout),
        "it fits together; the components start in this order: store, board, chat, page\n"
    );
}

#[test]
fn a_dependency_that_is_missing_mistyped_or_circular_is_refused_with_both_names() {
    let folder = TempDir::new().unwrap();
    for (from, to, why) in [
        (
            "Store = \"store\" }\npublishes",
            "Store = \"disk\" }\npublishes",
            "`board` requires Store from `disk`",
        ),
        (
            "Chat = \"chat\"",
            "Chat = \"board\"",
            "`page` requires Chat from `board`, but `board` provides Board",
        ),
        ("provides = [\"Store\"]", "provides = [\"Store\"]\nrequires = { Board = \"board\" }", "a circle: "),
        (
            "program = \"memory-store\"",
            "program = \"abacus\"",
            "`store` runs the program `abacus`, which is none of",
        ),
        ("consumes = { Posted = \"board\" }", "", "the program `chat` consumes Posted, but the descriptor"),
        ("rate = 100 ", "rate = -1", "line 18"),
    ] {
        assert!(EXAMPLE.contains(from), "{from}");
        let path = file(&folder, &EXAMPLE.replacen(from, to, 1));
        for command in ["check", "deploy"] {
            let output = run(ch5(&["container", command]).arg(&path));
            assert_eq!(output.status.code(), Some(1), "{to}");
            assert_eq!(text(&output.stdout), "", "nothing has started");
            assert!(text(&output.stderr).contains(why), "{why}: {}", text(&output.stderr));
        }
    }
}

#[test]
fn the_graph_is_drawn_in_every_format() {
    for (format, part) in [("text", "Store ──► store"), ("dot", "digraph"), ("svg", "<svg ")] {
        let output = run(&mut ch5(&["container", "graph", "--format", format]));
        assert!(output.status.success() && text(&output.stdout).contains(part), "{format}");
    }
}

#[test]
fn two_nodes_are_one_application() {
    let folder = TempDir::new().unwrap();
    let deployed = Deployed::start(EXAMPLE, &folder);
    assert_eq!(
        deployed.said.iter().filter(|line| line.starts_with("node ")).count(),
        2,
        "{:?}",
        deployed.said
    );
    let (status, page) = deployed.ask("POST", "/publish", "", "text=hello & <b>\r\n");
    assert_eq!(status, 200);
    assert!(page.contains("<li>hello &amp; &lt;b&gt;</li>"), "{page}");
    deployed.ask("POST", "/say", "", "name=Ann\r\ntext=hi\r\n");
    let page = deployed.until("* new on the board: hello");
    assert!(page.contains("<li>Ann: hi</li>"), "{page}");
    let log = deployed.stop();
    for line in ["on front: page → board: Board publish: done", "on back: board → chat: Posted event: done"]
    {
        assert!(log.contains(line), "{line}: {log}");
    }
    // A connection for each call between nodes, and for the wiring, is no news.
    assert!(!log.contains("connected"), "{log}");
}

#[test]
fn the_store_is_exchanged_by_a_line_of_the_descriptor_and_then_survives() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("texts.redb");
    let program = format!("program = \"file-store\"\nsettings = {{ path = {:?} }}", path.to_str().unwrap());
    let descriptor = EXAMPLE.replacen("program = \"memory-store\"", &program, 1);
    let deployed = Deployed::start(&descriptor, &folder);
    deployed.ask("POST", "/publish", "", "text=kept\r\n");
    deployed.stop();
    let deployed = Deployed::start(&descriptor, &folder);
    deployed.until("<li>kept</li>");
    deployed.stop();
}

#[test]
fn what_fails_halfway_is_taken_back_over_the_network() {
    let folder = TempDir::new().unwrap();
    let full = "program = \"memory-store\"\nsettings = { room = \"1\" }";
    let deployed = Deployed::start(&EXAMPLE.replacen("program = \"memory-store\"", full, 1), &folder);
    let (_, page) = deployed.ask("POST", "/publish", "", "text=half\r\n");
    assert!(page.contains("the store is full: 1 texts") && !page.contains("half"), "{page}");
    // There is room again, as if the call had not been.
    let (_, page) = deployed.ask("POST", "/say", "", "name=Ann\r\ntext=hi\r\n");
    assert!(page.contains("<li>Ann: hi</li>"), "{page}");
    deployed.stop();
}

#[test]
fn strangers_reach_nothing_past_the_page() {
    let folder = TempDir::new().unwrap();
    let deployed = Deployed::start(EXAMPLE, &folder);
    for (more, body) in [
        ("Origin: http://evil.example\r\n", "text=x\r\n"),
        ("Host: evil.example\r\nOrigin: http://evil.example\r\n", "text=x\r\n"),
    ] {
        assert_eq!(deployed.ask("POST", "/publish", more, body).0, 403, "{more}");
    }
    let ours = format!("Origin: http://{}\r\n", deployed.page);
    assert_eq!(deployed.ask("POST", "/publish", &ours, "text=ours\r\n").0, 200);
    assert_eq!(deployed.ask("GET", "/elsewhere", "", "").0, 404);
    // No message of a node: a frame of another kind, and one that is too long.
    for bytes in [&[0, 0, 0, 3, 9, 9, 9][..], &[0, 255, 255, 255]] {
        let mut stream = TcpStream::connect(deployed.page).unwrap();
        stream.set_read_timeout(Some(MINUTE)).unwrap();
        stream.write_all(bytes).unwrap();
        let mut rest = Vec::new();
        assert!(stream.read_to_end(&mut rest).is_err() || rest.is_empty(), "{bytes:?} {rest:?}");
    }
    deployed.until("<li>ours</li>");
    deployed.stop();
}

#[test]
fn a_node_that_dies_ends_the_deployment() {
    let folder = TempDir::new().unwrap();
    let mut deployed = Deployed::start(EXAMPLE, &folder);
    let children =
        std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", deployed.process.pid())).unwrap();
    let children: Vec<i32> = children.split_whitespace().map(|child| child.parse().unwrap()).collect();
    assert_eq!(children.len(), 2);
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(children[0]), nix::sys::signal::Signal::SIGKILL)
        .unwrap();
    let ended = deployed.process.wait(MINUTE);
    let ended = ended.unwrap_or_else(|| panic!("it goes on: {}", text(&deployed.process.stderr.bytes())));
    assert_eq!(ended.code(), Some(1));
    let stderr = deployed.process.stderr.wait_for_end(MINUTE).unwrap();
    assert!(stderr.contains("has died"), "{stderr}");
    assert!(TcpStream::connect(deployed.page).is_err(), "nothing is left");
}

#[test]
fn a_deployment_that_is_killed_leaves_no_node() {
    let folder = TempDir::new().unwrap();
    let deployed = Deployed::start(EXAMPLE, &folder);
    deployed.process.signal(nix::sys::signal::Signal::SIGKILL).unwrap();
    let begin = Instant::now();
    while TcpStream::connect(deployed.page).is_ok() {
        assert!(begin.elapsed() < MINUTE, "the node still listens");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_node_by_itself_is_refused() {
    let folder = TempDir::new().unwrap();
    let output = run(ch5(&["container", "node", "--node", "back"]).arg(file(&folder, EXAMPLE)));
    assert!(text(&output.stderr).contains("`container deploy` starts nodes"), "{}", text(&output.stderr));
}
