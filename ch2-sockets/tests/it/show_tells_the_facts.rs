//! `show rst`, `shutdown`, `reuse`, `close`, `sigpipe`, `self-pipe`, `sendfile`, `cork`, run as a user runs them: facts and counts, never times.

use serde_json::Value;

use crate::support::{run, succeed};

/// The rest of the line that begins with `title`, as words.
#[track_caller]
fn row<'a>(text: &'a str, title: &str) -> Vec<&'a str> {
    let line = text.lines().find_map(|line| line.strip_prefix(title).filter(|rest| rest.starts_with("  ")));
    line.unwrap_or_else(|| panic!("no row `{title}` in\n{text}")).split_whitespace().collect()
}

fn rst_over(address: &str) {
    let text = succeed(&["show", "rst", "--address", address], b"");
    let end = ["0", "(the", "end)"];
    let none = ["none:", "nothing", "is", "left", "of", "it"];
    let expect = |title: &str, cells: &[&[&str]]| assert_eq!(row(&text, title), cells.concat(), "{text}");
    expect("shutdown(SHUT_WR)", &[&end, &["5", "bytes", "5", "bytes", "FIN-WAIT-2"]]);
    expect("close", &[&end, &["5", "bytes", "EPIPE", "FIN-WAIT-2"]]);
    expect("close, and then the other too", &[&end, &["-", "-", "TIME-WAIT"]]);
    expect("close, with bytes unread", &[&["ECONNRESET", "EPIPE", "EPIPE"], &none]);
    expect("close, SO_LINGER 0", &[&["ECONNRESET", "EPIPE", "EPIPE"], &none]);
    expect("close, SO_LINGER 0; other writes", &[&["-", "ECONNRESET", "EPIPE"], &none]);

    let (_, lost) = text.split_once("bytes on their way").unwrap();
    let numbers =
        |title| row(lost, title).iter().map(|word| word.parse::<u64>().unwrap()).collect::<Vec<_>>();
    let (close, abort) = (numbers("close"), numbers("close, SO_LINGER 0"));
    assert_eq!((close[0], close[2]), (close[1], 0), "an orderly close delivers everything");
    assert_eq!(abort[0], abort[1] + abort[2]);
    assert!(abort[2] > 0, "an abort throws away what is still to be sent: {text}");
}

#[test]
fn an_abort_is_econnreset_once_and_then_epipe() {
    rst_over("127.0.0.1");
}

#[test]
fn and_over_ipv6_it_is_the_same() {
    rst_over("::1");
}

#[test]
fn shutdown_acts_on_the_connection_and_close_on_a_descriptor() {
    for address in ["127.0.0.1", "::1"] {
        let text = succeed(&["show", "shutdown", "--address", address], b"");
        let (five, end, waits) = ("5 bytes", "0 (the end)", "would wait");
        for (title, told) in [
            ("shutdown(SHUT_RD)", [five, end, five, waits, five, five, "ESTABLISHED"]),
            ("shutdown(SHUT_WR)", [five, waits, "EPIPE", end, five, five, "FIN-WAIT-2"]),
            ("shutdown(SHUT_RDWR)", [five, end, "EPIPE", end, five, "EPIPE", "FIN-WAIT-2"]),
            ("close", ["-", "-", "-", end, five, "EPIPE", "FIN-WAIT-2"]),
            ("close, and a dup is open", [five, waits, five, waits, five, five, "ESTABLISHED"]),
            ("SHUT_WR, and a dup is open", [five, waits, "EPIPE", end, five, five, "FIN-WAIT-2"]),
        ] {
            assert_eq!(row(&text, title).join(" "), told.join(" "), "{text}");
        }
        assert!(text.contains("the other side sends 5 bytes more, and it reads: 5 bytes"), "{text}");
    }
}

#[test]
fn a_port_is_shared_by_agreement_of_both_sockets() {
    for address in ["127.0.0.1", "::1"] {
        let text = succeed(&["show", "reuse", "--address", address], b"");
        let (no, yes) = ("bind: EADDRINUSE", "listens");
        for (title, told) in [
            ("nothing                  ", [yes, yes, yes, yes]),
            ("TIME-WAIT: the server closed first", [no, no, yes, yes]),
            ("a connection, and no listener", [no, no, yes, yes]),
            ("a socket that is only bound", [no, no, yes, yes]),
            ("a listener", [no, no, no, yes]),
        ] {
            let line = text.lines().find_map(|line| line.strip_prefix(title));
            let line = line.unwrap_or_else(|| panic!("no row `{title}` in\n{text}"));
            let words: Vec<_> = line.split_whitespace().collect();
            assert_eq!(words.join(" "), told.join(" "), "{title}: {text}");
        }
    }
}

#[test]
fn without_close_nothing_ends_as_long_as_the_process_lives() {
    for address in ["127.0.0.1", "::1"] {
        let text = succeed(&["show", "close", "--address", address], b"");
        for words in [
            "it has 5 open descriptors more",
            "to the end of the stream: waits",
            "the server's ends are CLOSE-WAIT",
            "its ends are none",
            "the server reads: 0 (the end)",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        let (before, after) = text.split_once("the server has closed").unwrap();
        assert!(before.contains("wants the port: EADDRINUSE"), "{text}");
        assert!(after.contains("wants the port: it gets it"), "{text}");
    }
}

#[test]
fn who_does_not_ignore_sigpipe_dies_of_it() {
    let text = succeed(&["show", "sigpipe"], b"");
    for (title, told) in [
        ("socket   ignored, as Rust begins", &["ECONNRESET", "EPIPE", "0", "exit", "status", "0"][..]),
        ("socket   handled", &["ECONNRESET", "EPIPE", "1", "exit", "status", "0"]),
        ("socket   default, but MSG_NOSIGNAL", &["ECONNRESET", "EPIPE", "0", "exit", "status", "0"]),
        ("socket   default", &["ECONNRESET", "killed", "by", "SIGPIPE"]),
        ("pipe     ignored, as Rust begins", &["EPIPE", "EPIPE", "0", "exit", "status", "0"]),
        ("pipe     handled", &["EPIPE", "EPIPE", "2", "exit", "status", "0"]),
        ("pipe     default", &["killed", "by", "SIGPIPE"]),
    ] {
        assert_eq!(row(&text, title), told, "{text}");
    }
}

#[test]
fn a_signal_between_the_check_and_select_is_lost_and_every_cure_cures_it() {
    let text = succeed(&["show", "self-pipe", "--timeout", "400ms"], b"");
    let naive = row(&text, "flag and select");
    assert_eq!(naive[..3], ["woken", "by", "EINTR"], "{text}");
    assert!(naive.contains(&"LOST:") && naive.ends_with(&["flag", "set"]), "{text}");
    for (cure, how) in [
        ("self-pipe and select", "woken, readable,"),
        ("ppoll with a mask", "woken by EINTR"),
        ("signalfd and poll", "woken, readable,"),
    ] {
        let told = row(&text, cure).join(" ");
        assert_eq!(told.matches(how).count(), 2, "{cure}: {text}");
        assert!(!told.contains("LOST"), "{text}");
    }
}

#[test]
fn a_handler_never_waits_for_room_in_its_pipe() {
    let text = succeed(&["show", "self-pipe", "--timeout", "1ms", "--flood", "100000"], b"");
    let (_, flood) = text.split_once("a flood of ").unwrap();
    let numbers: Vec<u32> = flood.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [sent, written, refused, read] = numbers[..] else { panic!("{flood}") };
    assert_eq!((sent, written + refused), (100_000, 100_000));
    assert!(refused > 0 && read == written, "{flood}");
}

#[test]
fn header_and_body_are_two_segments_or_one() {
    let text = succeed(&["show", "cork", "--requests", "10"], b"");
    for (way, calls, segments) in [
        ("write, write (Nagle)", "20", "20"),
        ("write, write, TCP_NODELAY", "20", "20"),
        ("cork, write, write, uncork", "40", "10"),
        ("send with MSG_MORE, write", "20", "10"),
        ("one writev", "10", "10"),
    ] {
        assert_eq!(row(&text, way)[..2], [calls, segments], "{text}");
    }
    let paused: u32 = row(&text, "write, write (Nagle)").last().unwrap().parse().unwrap();
    assert!(paused > 0, "Nagle waits for an acknowledgement that is delayed: {text}");
}

#[test]
fn sendfile_and_splice_move_the_same_bytes_in_fewer_calls() {
    let directory = tempfile::tempdir().unwrap();
    let json = directory.path().join("figures.json");
    let path = json.to_str().unwrap();
    // Not a multiple of anything. The round that is not counted compares every byte.
    let text = succeed(&["show", "sendfile", "--size", "3000001", "--rounds", "2", "--json", path], b"");
    let figures: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    assert_eq!((&figures["bytes"], &figures["rounds"]), (&3_000_001.into(), &2.into()));
    let rows = figures["rows"].as_array().unwrap();
    let calls: Vec<u64> = rows.iter().map(|row| row["runs"][1]["system_calls"].as_u64().unwrap()).collect();
    assert_eq!(rows.len(), 3);
    // 46 chunks of 64 KiB: a read and at least a write for each.
    assert!(calls[0] >= 2 * 46 && calls[1] < calls[0], "{calls:?}");
    for row in rows {
        let [lowest, median, highest] =
            ["lowest", "median", "highest"].map(|name| row["throughput_ratio"][name].as_f64().unwrap());
        assert!(0.0 < lowest && lowest <= median && median <= highest, "{row}");
    }
    assert!(text.contains("sendfile") && text.contains("splice"), "{text}");
}

#[test]
fn what_makes_no_sense_is_said_in_a_sentence() {
    for (arguments, hint) in [
        (&["show", "sendfile", "--size", "0"][..], "an empty file has no speed"),
        (&["show", "sendfile", "--size", "much"], "is not a size"),
        (&["show", "rst", "--address", "192.0.2.1"], "Cannot assign requested address"),
        (&["show", "cork", "--header", "0"], "1..=10000"),
    ] {
        let ended = run(arguments, b"");
        assert!(matches!(ended.status, Some(1 | 2)), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(hint), "{arguments:?}: {ended:?}");
    }
}
