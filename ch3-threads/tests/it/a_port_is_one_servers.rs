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
    let second = ChildServer::start(&mut serve(&first.address.port().to_string()));
    let words = format!("{:#}", second.expect_err("it has never listened"));
    assert!(words.contains("Address already in use") && words.contains("-p 0"), "{words}");
}
