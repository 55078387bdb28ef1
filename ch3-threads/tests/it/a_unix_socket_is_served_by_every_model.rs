//! A server on a Unix socket: echoed bytes, the end of both sides, the stop, and the file of the socket.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use ch3_threads::model::Model;
use common::support::child_server::ChildProcess;

const BOUND: Duration = Duration::from_secs(20);

fn serve(model: Model, path: &Path, more: &[&str]) -> ChildProcess {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ch3-threads"));
    command.args(["serve", "--service", "echo", "--model", &model.name(), "--unix"]).arg(path).args(more);
    ChildProcess::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped())).unwrap()
}

fn exchange(path: &Path) {
    let mut client = UnixStream::connect(path).unwrap();
    client.set_read_timeout(Some(BOUND)).unwrap();
    let said = vec![b'x'; 100_000];
    let mut heard = vec![0; said.len()];
    for _ in 0..2 {
        client.write_all(&said[..10_000]).unwrap();
        client.read_exact(&mut heard[..10_000]).unwrap();
        assert_eq!(heard[..10_000], said[..10_000]);
    }
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.read(&mut heard).unwrap(), 0, "the server's end");
}

#[test]
fn its_bytes_its_end_and_its_stop() {
    let directory = tempfile::tempdir().unwrap();
    for model in Model::ALL {
        if model == Model::PreforkReuseport || model.available().is_err() {
            continue;
        }
        let path = directory.path().join(model.name());
        // A server that was killed has left its socket behind.
        drop(UnixListener::bind(&path).unwrap());
        let mut server = serve(model, &path, &[]);
        let expected = format!("LISTENING unix:{}", path.display());
        assert_eq!(server.next_line(BOUND), Some(expected), "{}", model.name());
        exchange(&path);
        let idle = (model != Model::OneClient).then(|| {
            exchange(&path);
            let mut idle = UnixStream::connect(&path).unwrap();
            idle.set_read_timeout(Some(BOUND)).unwrap();
            idle.write_all(b"?").unwrap();
            idle.read_exact(&mut [0]).unwrap();
            idle
        });
        let ended = server.stop();
        let words = server.stderr.wait_for_end(BOUND).unwrap();
        assert!(ended.success() && !words.contains("ERROR"), "{}: {words}", model.name());
        assert!(!path.exists(), "{} has left its file", model.name());
        drop(idle);
    }
}

/// A blocking read must return now and then to be judged: the option that makes it do so is not handed down from the listener.
#[test]
fn a_silent_client_has_its_time() {
    let directory = tempfile::tempdir().unwrap();
    for model in [Model::ThreadPerConnection, Model::Epoll] {
        let path = directory.path().join(model.name());
        let mut server = serve(model, &path, &["--first-request", "500ms"]);
        server.next_line(BOUND).unwrap();
        let mut silent = UnixStream::connect(&path).unwrap();
        silent.set_read_timeout(Some(BOUND)).unwrap();
        assert_eq!(silent.read(&mut [0]).unwrap(), 0, "{}", model.name());
    }
}

#[test]
fn what_is_somebody_elses_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (taken, file) = (directory.path().join("taken"), directory.path().join("file"));
    let _other = UnixListener::bind(&taken).unwrap();
    std::fs::write(&file, "no socket").unwrap();
    for (model, path, why) in [
        (Model::Epoll, &taken, "Address already in use"),
        (Model::Epoll, &file, "Address already in use"),
        (Model::PreforkReuseport, &directory.path().join("free"), "a Unix socket has none"),
    ] {
        let mut server = serve(model, path, &[]);
        assert_eq!(server.wait(BOUND).and_then(|ended| ended.code()), Some(1));
        let words = server.stderr.wait_for_end(BOUND).unwrap();
        assert!(words.contains(why), "{words}");
    }
    assert_eq!(std::fs::read(&file).unwrap(), b"no socket");
}
