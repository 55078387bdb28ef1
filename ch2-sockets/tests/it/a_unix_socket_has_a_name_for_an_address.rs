//! AF_UNIX: a path or an abstract name, what the file means, what it leaves behind, and which process is at the other end.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::{run_line, start_line};

#[test]
fn the_file_stays_after_close_and_keeps_the_name() {
    let folder = tempfile::tempdir().unwrap();
    for kind in ["unix-stream", "unix-datagram"] {
        let path = folder.path().join(kind);
        let name = path.to_str().unwrap();
        let ended = run_line(&format!("socket {kind} --bind {name}"));
        assert_eq!(ended.status, Some(0), "{ended:?}");
        let (before, bound) = ended.stdout.split_once("\n2. bind").unwrap();
        assert!(before.contains("(none)") && before.contains("UNCONNECTED"), "{ended:?}");
        assert!(bound.contains("ls -l: srw") && bound.contains("EADDRINUSE"), "{ended:?}");
        let is_stream = kind == "unix-stream";
        assert_eq!(bound.contains("LISTENING"), is_stream, "{ended:?}");
        assert_eq!(bound.contains("SO_PEERCRED: the client is process "), is_stream, "{ended:?}");
        assert!(path.exists());
        let refused = run_line(&format!("socket {kind} --bind {name}"));
        assert_eq!(refused.status, Some(1));
        assert!(refused.stderr.contains("only its file is left; `rm "), "{refused:?}");
    }
}

#[test]
fn an_abstract_name_leaves_nothing_behind() {
    let name = format!("@ch2-test-{}", std::process::id());
    for _ in 0..2 {
        let ended = run_line(&format!("socket unix-stream --bind {name}"));
        assert_eq!(ended.status, Some(0), "{ended:?}");
        assert!(ended.stdout.contains("the name is free again"), "{ended:?}");
    }
    assert!(!Path::new(&name).exists());
}

#[test]
fn a_name_of_the_wrong_family_is_a_wrong_argument() {
    for arguments in [
        "socket udp --bind /tmp/s",
        "socket unix-stream --bind 127.0.0.1:0",
        "socket unix-stream --bind neither",
        "datagram send --bind @s",
        "datagram send --unix @s --bind 127.0.0.1:0",
        "datagram receive --unix @s -p 0",
    ] {
        let ended = run_line(arguments);
        assert_eq!(ended.status, Some(2), "{arguments}: {ended:?}");
    }
}

#[test]
fn a_datagram_tells_the_name_and_the_process_of_its_sender() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("to");
    let [to, from] = [to.to_str().unwrap(), &format!("@ch2-from-{}", std::process::id())];
    let mut receiver = start_line(&format!("datagram receive --unix {to} --count 2 --buffer 1"));
    receiver.line("Waiting");
    let sent = run_line(&format!("datagram send --unix {to} --bind {from} -m ab"));
    assert_eq!(sent.status, Some(0), "{sent:?}");
    assert_eq!(run_line(&format!("datagram send --unix {to} -m c")).status, Some(0));
    let received = receiver.end();
    assert_eq!(received.status, Some(0), "{received:?}");
    let said = received.stdout;
    assert!(said.contains(&format!("from {from}\n   sent by process ")), "{said}");
    assert!(said.contains("the rest, 1 byte, is lost") && said.contains("[a]"), "{said}");
    assert!(said.contains("from a socket without a name") && said.contains("1 byte: [c]"), "{said}");
    assert!(!Path::new(to).exists(), "a receiver takes its file along");

    let sent = run_line(&format!("datagram send --unix {to}"));
    assert_eq!(sent.status, Some(1));
    assert!(sent.stderr.contains("ENOENT"), "{sent:?}");
}

#[test]
fn a_stream_over_a_path_is_the_same_stream() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let name = path.to_str().unwrap();
    let mut receiver = start_line(&format!("stream receive --unix {name}"));
    receiver.line("Waiting");
    let mode = path.symlink_metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o170_000, 0o140_000, "a file of type s: {mode:o}");
    let mut sent = start_line(&format!("stream send --unix {name} --repeat 100000"));
    sent.line("Answer: [received 1200001 bytes]");
    assert_eq!(sent.end().status, Some(0));
    let received = receiver.end();
    assert_eq!(received.status, Some(0), "{received:?}");
    assert!(received.stdout.contains("a socket without a name: process "), "{received:?}");
    assert!(!path.exists());

    // A server that is killed takes nothing along.
    let mut receiver = start_line(&format!("stream receive --unix {name}"));
    receiver.line("Waiting");
    receiver.signal(nix::sys::signal::Signal::SIGKILL);
    receiver.end();
    let sent = run_line(&format!("stream send --unix {name}"));
    assert!(sent.stderr.contains("no socket behind it (ECONNREFUSED)"), "{sent:?}");
}

#[test]
fn ctrl_c_ends_a_receiver_and_its_file() {
    let folder = tempfile::tempdir().unwrap();
    for kind in ["datagram", "stream"] {
        let path = folder.path().join(kind);
        let mut receiver = start_line(&format!("{kind} receive --unix {}", path.display()));
        receiver.line("Waiting");
        assert_eq!(receiver.interrupt().status, Some(130));
        assert!(!path.exists());
    }
}
