//! Where stderr is no terminal `simulate` has no progress bar: a line every five seconds tells how far it is.

use std::process::{Command, Stdio};

use common::support::child_server::ChildServer;

#[test]
fn a_line_every_five_seconds() {
    let program = || Command::new(env!("CARGO_BIN_EXE_ch3-threads"));
    let mut server = program();
    server.args("serve -m epoll --service echo -p 0".split(' ')).stderr(Stdio::null());
    let server = ChildServer::start(&mut server).unwrap();
    let port = server.address.port().to_string();
    let run = |more: &[&str]| {
        let args = ["simulate", "-s", "echo", "-c", "2", "-r", "50", "-d", "5500ms", "-p", &port];
        let output = program().args(args).args(more).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let (loud, quiet) = std::thread::scope(|scope| {
        let quiet = scope.spawn(|| run(&["--quiet"]));
        (run(&[]), quiet.join().unwrap())
    });
    assert!(loud.lines().any(|line| line.contains(" of 6000 ms")), "{loud}");
    assert!(!quiet.contains(" of 6000 ms"), "{quiet}");
}
