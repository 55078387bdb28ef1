//! Two servers do not share a port, not even where one server has a listening socket for each of its processes.

use std::process::{Command, Stdio};

use common::support::child_server::ChildServer;

fn serve(port: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ch3-threads"));
    command.args([
        "serve",
        "--service",
        "echo",
        "--model",
        "prefork-reuseport",
        "--workers",
        "2",
        "-p",
        port,
    ]);
    command.stderr(Stdio::piped());
    command
}

#[test]
fn a_second_server_is_refused() {
    let first = ChildServer::start(&mut serve("0")).unwrap();
    let second = serve(&first.address.port().to_string()).output().unwrap();
    let words = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(1), "{words}");
    assert!(words.contains("Address already in use") && words.contains("-p 0"), "{words}");
    assert!(second.stdout.is_empty(), "it has never listened");
}
