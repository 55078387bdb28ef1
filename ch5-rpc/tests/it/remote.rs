//! Servers of remote objects, programs that talk to them, and Python's side of both.

use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use ch5_rpc::pyro::proxy::{Options, Proxy};
use ch5_rpc::pyro::uri::Uri;
use common::support::child_server::ChildProcess;

use crate::support::{Server, ch5, run, text};

/// What is waited for comes much sooner, except on a machine with much else to do.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A name server that is heard of by nobody else.
pub fn names(args: &[&str]) -> Server {
    Server::start(&[&["names", "--discovery-port", "0", "--announce", "off"], args].concat())
}

/// A chat that is heard of by nobody else.
pub fn chat(args: &[&str]) -> Server {
    Server::start(&[&["chat-server", "--announce", "off"], args].concat())
}

/// Its second line.
pub fn uri(server: &Server) -> Uri {
    uri_of(&server.process)
}

/// The second line of a server that was started otherwise.
pub fn uri_of(process: &ChildProcess) -> Uri {
    let line = |text: &str| {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        lines.get(1).and_then(|line| line.strip_prefix("URI ")?.strip_suffix('\n')?.parse().ok())
    };
    process.stdout.wait(PATIENCE, line).unwrap_or_else(|text| panic!("no URI as the second line: {text}"))
}

pub fn proxy(uri: &Uri) -> Proxy {
    Proxy::connect(uri, Options { timeout: PATIENCE, ..Options::default() }).unwrap()
}

/// Runs a client: what it prints, if it ends well.
pub fn client(args: &[&str]) -> String {
    let output = run(&mut ch5(args));
    assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Runs a client that is to fail with status 1: what it says.
pub fn failing(args: &[&str]) -> String {
    let output = run(&mut ch5(args));
    assert_eq!(output.status.code(), Some(1), "{args:?}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stderr)
}

/// Starts a client that goes on by itself.
pub fn background(args: &[&str]) -> ChildProcess {
    ChildProcess::spawn(ch5(args).stdout(Stdio::piped()).stderr(Stdio::piped())).unwrap()
}

/// Waits until a program has printed this.
pub fn wait_for(process: &ChildProcess, words: &str) {
    let found = process.stdout.wait(PATIENCE, |text| text.contains(words).then_some(()));
    found.unwrap_or_else(|so_far| panic!("{words:?} is not in {so_far:?}"));
}

/// The Python to test with: `CH5_PYTHON`, or `python3`, if it has Pyro in both versions.
fn interpreter() -> Option<&'static str> {
    static FOUND: OnceLock<Option<String>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let python = std::env::var("CH5_PYTHON").unwrap_or_else(|_| "python3".into());
        let tried = Command::new(&python).args(["-W", "ignore", "-c", "import Pyro5.api, Pyro4"]).output();
        let why = match tried {
            Ok(output) if output.status.success() => return Some(python),
            Ok(output) => text(&output.stderr).lines().last().unwrap_or_default().to_owned(),
            Err(error) => error.to_string(),
        };
        eprintln!("\nSKIPPED, Python's Pyro is NOT tested: {python}: {why} (CH5_PYTHON names another)\n");
        None
    });
    found.as_deref()
}

/// A Python program, which finds its arguments in `sys.argv[1:]`; `None` where there is no Python with Pyro.
pub fn python(program: &str, args: &[&str]) -> Option<Command> {
    let mut command = Command::new(interpreter()?);
    command.args(["-W", "ignore", "-c", program]).args(args).stdin(Stdio::null());
    Some(command)
}

/// Runs a module of Python, as `python -m`.
pub fn python_module(args: &[&str]) -> Option<Command> {
    let mut command = Command::new(interpreter()?);
    command.args(["-W", "ignore", "-m"]).args(args).stdin(Stdio::null());
    Some(command)
}

/// Runs a script of bash in a network of its own, with a route for multicast by loopback; `None` when such a network cannot be had.
/// `$1` is our program.
pub fn in_a_network_of_its_own(script: &str, args: &[&str]) -> Option<String> {
    let mut command = Command::new("unshare");
    command.args(["-rn", "--kill-child", "timeout", "100", "bash", "-euc"]);
    let prepare = "ip link set lo up && ip route add 239.0.0.0/8 dev lo || exit 77\n";
    command.args([&format!("{prepare}{script}"), "bash", env!("CARGO_BIN_EXE_ch5-rpc")]).args(args);
    match command.stdin(Stdio::null()).output() {
        Ok(ended) if ended.status.success() => Some(text(&ended.stdout)),
        Ok(ended) if ended.status.code() != Some(1) && ended.status.code() != Some(77) => {
            panic!("{script}: {ended:?}")
        }
        other => {
            let why = other.map(|ended| text(&ended.stderr));
            eprintln!("SKIPPED, nothing is checked: no network of its own: {why:?}");
            None
        }
    }
}
