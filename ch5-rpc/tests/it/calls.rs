//! Calls over a socket, byte by byte, and programs in Python.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use ch3_threads::model::Model;

use crate::support::{run, text};

/// One connection.
pub struct Connection(TcpStream);

/// One answer.
pub struct Response {
    pub status: u16,
    pub head: String,
    pub content: Vec<u8>,
}

impl Connection {
    pub fn open(server: SocketAddr) -> Connection {
        let stream = TcpStream::connect(server).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
        Connection(stream)
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    /// Sends as much as the server takes within half a second.
    pub fn send_what_is_taken(&mut self, bytes: &[u8]) {
        self.0.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
        let _ = self.0.write_all(bytes);
    }

    /// The next answer, by its length.
    pub fn receive(&mut self) -> Response {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            // Not `read`: the kernel may interrupt it where an io_uring of this thread is cleared away.
            let whole = self.0.read_exact(&mut byte);
            assert!(whole.is_ok(), "{whole:?} after {}", head.escape_ascii());
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let status = head[9..12].parse().unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        let mut content = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        self.0.read_exact(&mut content).unwrap();
        Response { status, head, content }
    }

    /// Whether the server ends it, without another byte.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.0.read(&mut [0]), Ok(0))
    }

    /// Sends a call of XML-RPC and receives the answer.
    pub fn call(&mut self, method: &str, parameters: &[&str]) -> String {
        self.send(&post("/RPC2", method_call(method, parameters).as_bytes()));
        let response = self.receive();
        assert_eq!(response.status, 200, "{}", response.head);
        String::from_utf8(response.content).unwrap()
    }
}

/// A request for a call; the parameters are written with their types: `<int>7</int>`.
pub fn method_call(method: &str, parameters: &[&str]) -> String {
    let parameters: String =
        parameters.iter().map(|value| format!("<param><value>{value}</value></param>")).collect();
    format!("<methodCall><methodName>{method}</methodName><params>{parameters}</params></methodCall>")
}

/// The request around it.
pub fn post(path: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", content.len());
    [head.as_bytes(), content].concat()
}

/// The models whose handlers share memory and that are possible here.
pub fn sharing_models() -> Vec<Model> {
    let is_possible = |model: &Model| {
        let possible = model.available();
        if let Err(error) = &possible {
            println!("skipped: {}: {error}", model.name());
        }
        possible.is_ok()
    };
    Model::ALL.into_iter().filter(|model| !model.copies_memory()).filter(is_possible).collect()
}

/// Three that differ the most: a loop, threads, tasks.
pub const MODELS: [&str; 3] = ["epoll", "thread-per-connection", "tokio"];

/// Runs a program in Python to its end; `None`, and it is said, where there is no Python of 3.9 or later.
pub fn python(program: &str, arguments: &[&str]) -> Option<Output> {
    let is_new = "import sys, xmlrpc.client; sys.exit(sys.version_info < (3, 9))";
    let found = Command::new("python3").args(["-c", is_new]).stderr(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        eprintln!("\n!! skipped: no python3 of 3.9 or later: XML-RPC with Python is NOT tested\n");
        return None;
    }
    Some(run(Command::new("python3").args(["-c", program]).args(arguments).stdin(Stdio::null())))
}

/// Runs a program that checks something and says so at its end.
pub fn python_agrees(program: &str, arguments: &[&str]) {
    let Some(output) = python(program, arguments) else { return };
    let said = text(&output.stdout);
    assert!(output.status.success() && said.ends_with("agreed\n"), "{said}\n{}", text(&output.stderr));
}
