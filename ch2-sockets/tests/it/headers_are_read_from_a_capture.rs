//! `headers`: what was sent is captured and read field by field; who may not capture is told another way.

use std::io::{self, Write};

use crate::support::{Ended, run};

/// Runs `headers`; `None` where capturing is not allowed.
fn headers(arguments: &[&str]) -> Option<Ended> {
    let ended = run(&[&["headers"], arguments].concat(), b"");
    if ended.status == Some(0) {
        return Some(ended);
    }
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("CAP_NET_RAW") && ended.stderr.contains("tshark"), "{ended:?}");
    // Not `eprintln!`, which the harness keeps to itself when a test passes.
    let _ = writeln!(io::stderr(), "\nSKIPPED: the capture is NOT tested: {}\n", ended.stderr.trim());
    None
}

#[test]
fn a_datagram_is_shown_field_by_field() {
    let Some(ended) = headers(&["udp", "-m", "a\u{1b}b"]) else { return };
    for words in [
        "3 bytes of payload",
        "0-1  ",
        "source port",
        "11: 8 of the header and 3 of payload",
        "6-7  ",
        "payload, 3 bytes: [a\u{fffd}b]",
        "Where the notes err:",
        "over IPv4 at most 65507 bytes",
    ] {
        assert!(ended.stdout.contains(words), "{words}: {ended:?}");
    }
}

#[test]
fn a_connection_begins_with_syn_and_ends_with_fin_in_both_directions() {
    let Some(ended) = headers(&["tcp", "--brief"]) else { return };
    let lines: Vec<_> = ended.stdout.lines().collect();
    for (line, words) in [
        (lines[0], ["client -> server  SYN   ", "sequence 0 ", "acknowledgment - "]),
        (lines[1], ["server -> client  SYN, ACK", "sequence 0 ", "acknowledgment 1 "]),
        (lines[2], ["client -> server  ACK   ", "sequence 1 ", "acknowledgment 1 "]),
        (lines[3], ["client -> server  ", "sequence 1 ", "12 bytes of payload"]),
    ] {
        assert!(words.iter().all(|words| line.contains(words)), "{words:?}: {line}");
    }
    assert!(lines.iter().any(|line| line.contains("acknowledgment 13 ")), "SYN and 12 bytes: {lines:?}");
    for direction in ["client -> server", "server -> client"] {
        let fins = lines.iter().filter(|line| line.contains(direction) && line.contains("FIN")).count();
        assert_eq!(fins, 1, "{direction}: {lines:?}");
    }

    let ended = headers(&["tcp"]).expect("it was allowed before");
    for words in [
        "upper 4 bits: 10 words of 4 bytes, so 40 bytes",
        "2: maximum segment size ",
        "14-15 ",
        "acknowledgment number  0: means nothing",
        "they say: window size (4 bytes)",
    ] {
        assert!(ended.stdout.contains(words), "{words}: {ended:?}");
    }
}
