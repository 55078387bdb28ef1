//! A process that cannot be forked, now or in the place of a dead one, and a descriptor that finds no place in the table of its receiver:
//! the client is refused, the log says why, and the next client is served. The limits of a running process are changed with prlimit(1).

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::support::child_server::ChildServer;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};

const BOUND: Duration = Duration::from_secs(20);

fn skipped(why: &str) {
    eprintln!("\nSKIPPED, nothing is checked: {why}\n");
}

/// Who a server runs as whose processes the kernel counts: it does not count those of root.
fn as_nobody() -> &'static [&'static str] {
    let is_root = geteuid().is_root();
    if is_root { &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] } else { &[] }
}

fn command(words: &[&str]) -> Command {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).stdin(Stdio::null());
    command
}

/// Sets the soft limit of a process, and leaves the hard one. As its owner: not every root may.
fn limit(owner: &[&str], process: Pid, option: &str, soft: &str) -> Result<(), String> {
    let [pid, limit] = [process.to_string(), format!("--{option}={soft}:")];
    match command(&[owner, &["prlimit", "--pid", &pid, &limit]].concat()).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => Err(format!("prlimit: {error}")),
    }
}

/// One client that is echoed, or not.
fn is_served(server: SocketAddr) -> bool {
    let mut client = TcpStream::connect(server).unwrap();
    client.set_read_timeout(Some(BOUND)).unwrap();
    let mut heard = [0; 5];
    client.write_all(b"hello").is_ok() && client.read_exact(&mut heard).is_ok() && heard == *b"hello"
}

fn told(server: &ChildServer, words: &str) {
    let heard = server.process.stderr.wait(BOUND, |log| log.contains(words).then_some(()));
    heard.unwrap_or_else(|log| panic!("{words:?} is not in {log}"));
}

/// The processes that a server has forked.
fn children(server: &ChildServer) -> Option<Vec<Pid>> {
    let parent = server.process.pid();
    let Ok(children) = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")) else {
        skipped("this kernel does not list the children of a process");
        return None;
    };
    let children: Vec<Pid> =
        children.split_whitespace().map(|pid| Pid::from_raw(pid.parse().unwrap())).collect();
    assert!(!children.is_empty());
    Some(children)
}

/// Until a process sleeps: it has all that it needs for its next client.
fn until_it_waits(process: Pid) {
    let began = Instant::now();
    let sleeps = |stat: String| stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('S'));
    while !fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(sleeps) {
        assert!(began.elapsed() < BOUND, "{process} does not wait");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn serve(owner: &[&str], program: &Path, model: &str) -> Result<ChildServer, String> {
    let serve = ["serve", "--service", "echo", "--model", model, "-p", "0"];
    let program = program.display().to_string();
    ChildServer::start(command(&[owner, &[&program], &serve].concat()).stderr(Stdio::piped()))
        .map_err(|error| format!("{error:#}"))
}

/// The program where every user can run it.
fn for_everybody(directory: &Path) -> PathBuf {
    let program = directory.join("ch3-threads");
    fs::set_permissions(directory, Permissions::from_mode(0o755)).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_ch3-threads"), &program).unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    program
}

/// A server of nobody, and how many processes it may have.
fn serve_as_nobody(directory: &Path, model: &str) -> Result<(ChildServer, String), String> {
    let server = match serve(as_nobody(), &for_everybody(directory), model) {
        Err(why) if as_nobody().is_empty() => panic!("{why}"),
        started => started?,
    };
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.process.pid())).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max processes")).unwrap();
    let soft = line.split_whitespace().next().unwrap().to_owned();
    Ok((server, soft))
}

#[test]
fn a_fork_that_fails() {
    let directory = tempfile::tempdir().unwrap();
    let (server, before) = match serve_as_nobody(directory.path(), "fork-per-connection") {
        Ok(started) => started,
        Err(why) => return skipped(&why),
    };
    assert!(is_served(server.address));
    if let Err(why) = limit(as_nobody(), server.process.pid(), "nproc", "1") {
        return skipped(&why);
    }
    assert!(!is_served(server.address), "without a process nobody serves");
    told(&server, "is refused: no process for it: Resource temporarily unavailable");
    limit(as_nobody(), server.process.pid(), "nproc", &before).unwrap();
    assert!(is_served(server.address), "a failed fork is no end of the server");
    assert!(server.stop().success());
}

#[test]
fn a_dead_worker_that_cannot_be_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let (server, before) = match serve_as_nobody(directory.path(), "prefork") {
        Ok(started) => started,
        Err(why) => return skipped(&why),
    };
    let Some(children) = children(&server) else { return };
    if let Err(why) = limit(as_nobody(), server.process.pid(), "nproc", "1") {
        return skipped(&why);
    }
    children.iter().for_each(|&child| kill(child, Signal::SIGKILL).unwrap());
    told(&server, "no process for ");
    limit(as_nobody(), server.process.pid(), "nproc", &before).unwrap();
    assert!(is_served(server.address), "it is tried again until there is one");
    assert!(server.stop().success());
}

#[test]
fn a_descriptor_without_a_place() {
    let server = serve(&[], Path::new(env!("CARGO_BIN_EXE_ch3-threads")), "fd-passing").unwrap();
    let Some(children) = children(&server) else { return };
    for &child in &children {
        until_it_waits(child);
        // Fewer than it has: the kernel cuts off the descriptor of the next message (MSG_CTRUNC).
        if let Err(why) = limit(&[], child, "nofile", "4") {
            return skipped(&why);
        }
    }
    // Each child, and one of them once more: it is idle again after it.
    for _ in 0..=children.len() {
        assert!(!is_served(server.address), "without a descriptor nobody serves");
    }
    told(&server, "no descriptor left for a client: it is refused");
    for child in children {
        limit(&[], child, "nofile", "64").unwrap();
    }
    for _ in 0..3 {
        assert!(is_served(server.address), "the child is idle again");
    }
    assert!(server.stop().success());
}
