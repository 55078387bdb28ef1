//! Real members over IP multicast on the loopback: all print the same messages in the same order, and a dead one is left behind.

use std::process::Stdio;
use std::time::Duration;

use common::support::child_server::{ChildProcess, free_port};

use nix::sys::signal::Signal;

use crate::support::{ch6, text};

const PATIENCE: Duration = Duration::from_secs(30);

/// A member that sends these lines, and stays until it is ended.
fn member(number: u32, port: u16, lines: &str, suspect: &str) -> ChildProcess {
    let number = number.to_string();
    let port = port.to_string();
    let arguments = [
        "group",
        "member",
        &number,
        "--interface",
        "127.0.0.1",
        "--group",
        "239.6.6.6",
        "--port",
        &port,
        "--loss",
        "10%",
        "--suspect",
        suspect,
        "--time",
        "60s",
    ];
    let input = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(input.path(), lines).unwrap();
    let stdin = std::fs::File::open(input.path()).unwrap();
    let mut command = ch6(&arguments);
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    ChildProcess::spawn(&mut command).unwrap()
}

/// Waits until a member has printed a line that ends so.
fn has_printed(member: &ChildProcess, ending: &str) -> bool {
    let found = |text: &str| text.lines().any(|line| line.ends_with(ending)).then_some(());
    member.stdout.wait(PATIENCE, found).is_ok()
}

/// The messages that a member has printed, in its order.
fn messages(member: &ChildProcess) -> Vec<String> {
    let lines = text(&member.stdout.bytes());
    lines.lines().filter(|line| line.starts_with('m')).map(String::from).collect()
}

#[test]
fn in_one_order() {
    let port = free_port().unwrap();
    let mut first = member(1, port, "", "5s");
    assert!(has_printed(&first, "view 1: m1"), "it founds the group");
    let lines = |name: &str| (0..20).map(|number| format!("{name} {number}\n")).collect::<String>();
    let second = member(2, port, &lines("two"), "5s");
    let third = member(3, port, &lines("three"), "5s");
    // The first was there from the beginning: it gets all.
    let all = |text: &str| (text.lines().filter(|line| line.starts_with('m')).count() == 40).then_some(());
    assert!(first.stdout.wait(PATIENCE, all).is_ok(), "{}", text(&first.stdout.bytes()));
    let expected = messages(&first);
    // One that joined later has missed what was delivered in the views before it.
    for member in [&second, &third] {
        assert!(has_printed(member, &expected[39]), "{}", text(&member.stdout.bytes()));
        let found = messages(member);
        assert!(expected.ends_with(&found), "{expected:?}\n{found:?}");
    }
    first.kill();
    // Who came first is the first of the view.
    let without_it = |text: &str| {
        text.lines().any(|line| line.ends_with(": m2 m3") || line.ends_with(": m3 m2")).then_some(())
    };
    assert!(second.stdout.wait(PATIENCE, without_it).is_ok(), "{}", text(&second.stdout.bytes()));
}

#[test]
fn one_that_was_asleep_comes_back_with_a_new_name() {
    let port = free_port().unwrap();
    let first = member(1, port, "", "1s");
    let founds = |text: &str| text.contains("view 1: m1\n").then_some(());
    assert!(first.stdout.wait(PATIENCE, founds).is_ok());
    let second = member(2, port, "", "1s");
    let is_in = |text: &str| text.lines().any(|line| line.ends_with(": m1 m2")).then_some(());
    assert!(second.stdout.wait(PATIENCE, is_in).is_ok());
    second.signal(Signal::SIGSTOP).unwrap();
    let is_alone = |text: &str| text.lines().any(|line| line.ends_with(": m1, not primary")).then_some(());
    assert!(first.stdout.wait(PATIENCE, is_alone).is_ok(), "{}", text(&first.stdout.bytes()));
    second.signal(Signal::SIGCONT).unwrap();
    let comes_back = |text: &str| text.contains("excluded; comes back as m102\n").then_some(());
    assert!(second.stdout.wait(PATIENCE, comes_back).is_ok(), "{}", text(&second.stdout.bytes()));
}
