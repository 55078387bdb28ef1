//! No program prints the bytes of a peer as they are: `support::terminal` stands between, and the sources are read for a place where
//! it does not.
//!
//! A terminal obeys ESC, and U+202E turns what follows around. So bytes become text for the eyes in one function, and a file that
//! prints what a peer says names it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::sources::{crate_folder, files};

const CRATES: [&str; 6] =
    ["common", "ch2-sockets", "ch3-threads", "ch4-shared-state", "ch5-rpc", "ch6-indirect"];

/// Files that make text of bytes in a way of their own, and why no terminal sees it so.
const OWN_WAY: [(&str, &str); 10] = [
    ("common/src/support/terminal.rs", "the function itself"),
    ("common/src/support/child_server/transcript.rs", "what our own children have said"),
    ("common/src/bench/peers.rs", "the version of a program that is installed here"),
    ("common/src/core/trace.rs", "the name of a thread of ours"),
    ("common/src/protocol/http/exchange.rs", "a protocol prints nothing, and its error is shown by the log"),
    ("common/src/protocol/http/percent.rs", "a protocol prints nothing"),
    ("ch2-sockets/src/files/digest.rs", "hexadecimal digits, looked at before"),
    ("ch6-indirect/src/amqp/json.rs", "it is shown by `inspect`, with `terminal::line`, and by the page"),
    ("ch2-sockets/src/show/sigpipe.rs", "what our own child has said"),
    ("ch3-threads/src/model/fd_passing.rs", "what our own process has written"),
];

/// What a file says that has words of a peer in its hands.
const HEARS: [&str; 9] = [
    "datagram.bytes",
    "Response",
    "Notice",
    "Posted",
    "decode_entry",
    "from_utf8",
    "Event::Message",
    "News::Message",
    "answer.trim",
];

/// What a file says that prints for the eyes.
const PRINTS: [&str; 5] =
    ["writeln!(out", "write!(out", "writeln!(stdout", "printer.print(", "abandon_with_message("];

/// Files that hear and print, but print nothing of what they hear; and those whose words are made harmless elsewhere.
const HARMLESS: [(&str, &str); 4] = [
    ("ch2-sockets/src/files/list.rs", "a `FileName` has only characters that can be seen"),
    ("ch2-sockets/src/parts/receive.rs", "bytes are escaped one by one, as `escape_ascii` does"),
    ("ch2-sockets/src/show/sigpipe.rs", "what our own child has said"),
    ("ch4-shared-state/src/notification/client/interactive/listener.rs", "`line::harmless`"),
];

#[test]
fn bytes_become_text_for_the_eyes_in_one_function() {
    let found = places(|source| source.contains("from_utf8_lossy("));
    assert_eq!(found, names(&OWN_WAY), "found, and known: use `support::terminal::text`");
}

#[test]
fn a_program_that_prints_the_words_of_a_peer_makes_them_harmless() {
    let found = places(|source| prints_a_peer(source) && !source.contains("terminal::"));
    assert_eq!(found, names(&HARMLESS), "found, and known: use `support::terminal::line` or `text`");
    let all = places(prints_a_peer);
    for program in
        ["datagram/receive.rs", "multicast/receive.rs", "stream/send.rs", "guessword/client/script.rs"]
    {
        assert!(all.iter().any(|file| file.ends_with(program)), "the search finds {program}: {all:?}");
    }
}

fn prints_a_peer(source: &str) -> bool {
    HEARS.iter().any(|word| source.contains(word)) && PRINTS.iter().any(|word| source.contains(word))
}

/// The files of all programs of which `is_so` holds, without their tests.
fn places(is_so: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for name in CRATES {
        let folder = crate_folder(name);
        for file in files(&folder.join("src")) {
            let source = fs::read_to_string(&file).expect("a source is text");
            let source = source.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
            let source = source.split_whitespace().collect::<String>(); // wherever its lines are broken
            if !file.ends_with("tests.rs") && is_so(&source) {
                found.insert(Path::new(name).join(file.strip_prefix(&folder).unwrap()).display().to_string());
            }
        }
    }
    found
}

fn names(list: &[(&str, &str)]) -> BTreeSet<String> {
    list.iter().map(|&(name, _)| name.to_owned()).collect()
}
