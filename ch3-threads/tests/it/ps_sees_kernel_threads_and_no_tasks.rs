//! `show user-threads`: what the system knows of threads and of tasks, and what a blocking call of one of them stops.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

#[test]
fn threads_are_in_the_table_and_tasks_are_not() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ch3-threads"));
    let output = command.args("show user-threads --count 3".split(' ')).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let (kernel, user) = said.split_once("3 user threads").unwrap();
    for name in ["kernel-1", "kernel-2", "kernel-3"] {
        let row: Vec<&str> = kernel.lines().find(|line| line.ends_with(name)).unwrap().split(' ').collect();
        let row: Vec<&str> = row.into_iter().filter(|field| !field.is_empty()).collect();
        assert!(row[0] != row[1] && row[2] == "4", "a number of its own, and four in all: {said}");
    }
    let rows: Vec<&str> = user.lines().filter(|line| line.ends_with("ch3-threads")).collect();
    assert!(rows.len() == 1 && rows[0].contains("    1 "), "one kernel thread for all tasks: {said}");
    assert!(user.contains("all 3 ran in the kernel thread "), "{said}");
}

#[test]
fn a_blocking_call_stops_the_other_tasks_and_no_thread() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ch3-threads"));
    let output = command.args("show user-threads --count 5".split(' ')).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    for (who, steps) in [
        ("kernel threads, read(2)", "4000 of 4000"),
        ("user threads, read(2)", "0 of 4000"),
        ("user threads, .await", "4000 of 4000"),
    ] {
        let row = said.lines().find_map(|line| line.strip_prefix(who)).unwrap();
        assert!(row.trim_start().starts_with(steps), "{who}: {said}");
    }
}

/// What it shows is what the system says: `ps` would read the same.
#[test]
fn during_the_pause_the_system_lists_what_was_shown() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ch3-threads"));
    let mut child = command
        .args("show user-threads --count 6 --pause 1h".split(' '))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut story = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut story).unwrap();
    let tasks = std::fs::read_dir(format!("/proc/{}/task", child.id())).unwrap().count();
    child.kill().unwrap();
    child.wait().unwrap();
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(tasks, 7, "{story}{said}");
    assert!(said.contains("kernel-6"), "it was shown before the pause: {said}");
}
