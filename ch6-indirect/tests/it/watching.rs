//! Brokers that are watched: where their page is, and what the API says.

pub mod browser;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Stdio;
use std::time::Duration;

use common::protocol::http::{Exchange, Fault, Progress};
use common::support::child_server::ChildServer;
use serde_json::Value;

use crate::support::ch6;

/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A broker with its page.
pub struct Watched {
    pub broker: ChildServer,
    pub http: SocketAddr,
}

impl Watched {
    /// Starts one on free ports.
    pub fn start(args: &[&str]) -> Watched {
        let mut command = ch6(&["broker", "-p", "0", "--log", "warn"]);
        let mut broker = ChildServer::start(command.args(args).stderr(Stdio::piped())).unwrap();
        loop {
            let line = broker.process.next_line(PATIENCE).expect("it says where its page is");
            if let Some(url) = line.strip_prefix("HTTP http://") {
                let http = url.trim_end_matches('/').parse().unwrap();
                return Watched { broker, http };
            }
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}/", self.http)
    }

    /// Asks as guest: the status and what is told.
    pub fn ask(&self, method: &str, path: &str, content: &Value) -> (u16, Value) {
        let text = if content.is_null() { String::new() } else { content.to_string() };
        let fields = "Authorization: Basic Z3Vlc3Q6Z3Vlc3Q=\r\nContent-Type: application/json\r\n";
        let (status, body) = self.send(method, &format!("/api{path}"), fields, &text);
        (status, if body.is_empty() { Value::Null } else { serde_json::from_str(&body).unwrap() })
    }

    /// Does it, and it is done.
    #[track_caller]
    pub fn done(&self, method: &str, path: &str, content: &Value) -> Value {
        let (status, told) = self.ask(method, path, content);
        assert!(status < 300, "{method} {path}: {status} {told}");
        told
    }

    /// One request over a connection of its own.
    pub fn send(&self, method: &str, path: &str, fields: &str, content: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.http).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (host, length) = (self.http, content.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\nConnection: close\r\n{fields}\r\n{content}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let status = std::str::from_utf8(&bytes[9..12]).unwrap().parse().unwrap();
        let (mut exchange, mut body) = (Exchange::new(1 << 30), Vec::new());
        match exchange.receive(&bytes, &mut body) {
            Ok(Progress::Complete) => {}
            Ok(Progress::More) => exchange.finish().unwrap(),
            Err(Fault::Status(_)) => {
                let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
                body = bytes[end + 4..].to_vec();
            }
            Err(fault) => panic!("{fault}"),
        }
        (status, String::from_utf8(body).unwrap())
    }
}
