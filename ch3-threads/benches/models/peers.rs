//! The peers: servers and generators of others, found on this machine, tuned, and started as they should be.
//!
//! | peer | what is asked of it | tuned by |
//! |---|---|---|
//! | redis | `ECHO` of the same bytes (RESP) | nothing is written to disk |
//! | nginx | a fixed answer with a body of the same size | one worker, keep-alive without end, no log |
//! | Python's socketserver | the bytes back, `TCP_NODELAY` | a long backlog, no limit of children |

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use common::bench::peers::{Peer, redis_server};
use common::loadgen::Exchange;
use common::support::child_server::{ChildServer, free_port};
use tempfile::TempDir;

use super::loads::Load;

/// The programs of others, and a folder for what they want on disk.
#[derive(Debug)]
pub struct Peers {
    redis: Peer,
    nginx: Peer,
    python: Peer,
    wrk: Peer,
    redis_benchmark: Peer,
    folder: TempDir,
}

/// How a server is started.
pub struct Launch {
    /// Its command.
    pub command: Command,
    /// The port it was told; `None` when it says one itself.
    pub port: Option<u16>,
}

impl Launch {
    /// Starts it and waits until it listens.
    ///
    /// # Errors
    /// It does not come up.
    pub fn start(mut self) -> anyhow::Result<ChildServer> {
        let command = self.command.stderr(Stdio::piped());
        match self.port {
            Some(port) => ChildServer::start_on(port, command),
            None => ChildServer::start(command),
        }
    }
}

impl Peers {
    /// Looks for all of them.
    ///
    /// # Errors
    /// There is no folder for temporary files.
    pub fn find() -> anyhow::Result<Peers> {
        let folder =
            tempfile::Builder::new().prefix("ch3-bench-").tempdir().context("no temporary folder")?;
        fs::write(folder.path().join("peer.py"), PYTHON)?;
        Ok(Peers {
            redis: Peer::at("redis", "redis-server", &["--version"]),
            nginx: Peer::find("nginx", &["-v"]),
            python: find_python(),
            // It knows no --version, but says it with the complaint.
            wrk: Peer::find("wrk", &["--version"]),
            redis_benchmark: Peer::find("redis-benchmark", &["--version"]),
            folder,
        })
    }

    /// A line for each.
    pub fn versions(&self) -> Vec<String> {
        [&self.redis, &self.nginx, &self.python, &self.wrk, &self.redis_benchmark]
            .map(Peer::describe)
            .to_vec()
    }

    /// redis, in memory only.
    ///
    /// # Errors
    /// It is not there, or no port is free.
    pub fn redis(&self) -> anyhow::Result<Launch> {
        let port = free_port()?;
        let mut command = redis_server(&self.redis, port)?;
        command.arg("--dir").arg(self.folder.path());
        Ok(Launch { command, port: Some(port) })
    }

    /// nginx with one worker, which answers everything with a body of `bytes`.
    ///
    /// # Errors
    /// It is not there, no port is free, or its folder cannot be written.
    pub fn nginx(&self, bytes: usize) -> anyhow::Result<Launch> {
        let port = free_port()?;
        let prefix = self.folder.path().join("nginx");
        fs::create_dir_all(&prefix)?;
        let body = "x".repeat(bytes);
        let configuration = format!(
            "worker_processes 1; daemon off; pid nginx.pid; error_log stderr crit;
             events {{ worker_connections 8192; multi_accept on; }}
             http {{ access_log off; default_type text/plain; keepalive_requests 1000000000; keepalive_timeout 1h;
                 server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200 \"{body}\"; }} }} }}"
        );
        fs::write(prefix.join("nginx.conf"), configuration)?;
        let mut command = self.nginx.command()?;
        command.arg("-p").arg(&prefix).args(["-e", "stderr", "-c", "nginx.conf"]);
        Ok(Launch { command, port: Some(port) })
    }

    /// One of socketserver's two concurrent servers; `service` is `echo` or `bytes`.
    ///
    /// # Errors
    /// Python is not there.
    pub fn python(&self, mixin: &str, service: &str) -> anyhow::Result<Launch> {
        let mut command = self.python.command()?;
        command.arg(self.folder.path().join("peer.py")).args([mixin, service]);
        Ok(Launch { command, port: None })
    }

    /// wrk, on one thread.
    ///
    /// # Errors
    /// It is not there.
    pub fn wrk(&self, target: SocketAddr, connections: usize, seconds: u64) -> anyhow::Result<Command> {
        let mut command = self.wrk.command()?;
        command.args([
            "-t1",
            &format!("-c{connections}"),
            &format!("-d{seconds}s"),
            &format!("http://{target}/"),
        ]);
        Ok(command)
    }

    /// redis-benchmark with `requests` times `ECHO` of `bytes`.
    ///
    /// # Errors
    /// It is not there.
    pub fn redis_benchmark(&self, target: SocketAddr, load: &Load, requests: u64) -> anyhow::Result<Command> {
        let mut command = self.redis_benchmark.command()?;
        command.args(["-h", "127.0.0.1", "-p", &target.port().to_string(), "-c", &load.clients.to_string()]);
        command.args(["-n", &requests.to_string(), "--csv", "ECHO", &"x".repeat(load.bytes)]);
        Ok(command)
    }
}

/// What redis is asked and answers: `ECHO` in RESP.
pub fn redis_exchange(bytes: usize) -> Option<Exchange> {
    let payload = "x".repeat(bytes);
    let ask = format!("*2\r\n$4\r\nECHO\r\n${bytes}\r\n{payload}\r\n");
    Exchange::exactly(ask.into(), format!("${bytes}\r\n{payload}\r\n").into())
}

/// What nginx is asked, and how long its answer is: its head has a date in it and so no fixed bytes, but a fixed length.
pub fn nginx_exchange(target: SocketAddr, bytes: usize) -> anyhow::Result<Option<Exchange>> {
    let ask = format!("GET / HTTP/1.1\r\nHost: {target}\r\n\r\n");
    let mut stream = TcpStream::connect(target)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(ask.as_bytes())?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).context("nginx did not answer")?;
        head.extend(byte);
    }
    Ok(Exchange::of_length(ask.into(), head.len() + bytes))
}

/// The interpreter itself: what `python3` names may be a script that looks for it at every start.
fn find_python() -> Peer {
    let named = Peer::find("python3", &["-c", "import sys; print(sys.executable)"]);
    match named.version() {
        Some(path) => Peer::at("python", path, &["--version"]),
        None => named,
    }
}

const PYTHON: &str = r#"
import signal, socket, socketserver, sys

mixin, service = sys.argv[1:]

class Handler(socketserver.BaseRequestHandler):
    def setup(self):
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def handle(self):
        try:
            while data := self.request.recv(65536):
                self.request.sendall(data if service == "echo" else b"*" * int(data))
        except ConnectionError:
            pass

class Server(getattr(socketserver, mixin), socketserver.TCPServer):
    allow_reuse_address = True
    request_queue_size = 4096
    daemon_threads = True
    max_children = 100_000

    @property
    def block_on_close(self):  # the threads end with the process; children are waited for, so that they are counted
        return mixin == "ForkingMixIn"

signal.signal(signal.SIGTERM, lambda *_: sys.exit())
with Server(("127.0.0.1", 0), Handler) as server:
    print("LISTENING 127.0.0.1:%d" % server.server_address[1], flush=True)
    server.serve_forever()
"#;
