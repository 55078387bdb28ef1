//! A number and its noun agree: `1 byte`, `2 bytes`. The sources are read for a message that puts a plural behind any number.

use std::fs;

use crate::sources::{crate_folder, files};

/// What programs count.
const NOUNS: [&str; 31] = [
    "answers",
    "attempts",
    "blocks",
    "bytes",
    "calls",
    "children",
    "clients",
    "connections",
    "datagrams",
    "descriptors",
    "duplicates",
    "entries",
    "events",
    "files",
    "flows",
    "hops",
    "messages",
    "parts",
    "processes",
    "reads",
    "replies",
    "requests",
    "rounds",
    "segments",
    "senders",
    "servers",
    "sessions",
    "signals",
    "threads",
    "timeouts",
    "workers",
];

/// Chapters whose messages were gone through.
const CRATES: [&str; 1] = ["ch2-sockets"];

#[test]
fn no_message_puts_a_plural_behind_any_number() {
    for name in CRATES {
        for file in files(&crate_folder(name).join("src")) {
            let source = fs::read_to_string(&file).expect("a source is text");
            let source = source.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
            let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
            let wrong: Vec<_> = lines.filter(|line| is_wrong(line)).collect();
            assert!(
                wrong.is_empty() || file.ends_with("tests.rs"),
                "{}: {wrong:#?}: use `support::count`",
                file.display()
            );
        }
    }
}

#[test]
fn the_search_finds_what_it_is_for() {
    assert!(is_wrong(r#"println!("{} bytes", n)"#) && is_wrong(r#""{count} more flows are there""#));
    assert!(!is_wrong(r#""{MAX_BYTES} bytes""#), "a constant is not 1");
    assert!(!is_wrong(r#""{} files_list""#) && !is_wrong(r#""{}: bytes""#) && !is_wrong("{ bytes }"));
}

/// Whether a value in a format string has a plural behind it, or one word and a plural.
fn is_wrong(line: &str) -> bool {
    let pieces = line.split('{').skip(1).filter_map(|piece| piece.split_once("} "));
    pieces.filter(|(value, _)| is_a_variable(value)).any(|(_, behind)| {
        let mut words = behind
            .split(' ')
            .map(|word| word.trim_end_matches(['"', ',', ';', ':', '.', ')', '!', '?', '\\']));
        words.next().is_some_and(|word| {
            NOUNS.contains(&word)
                || (word == "more" && words.next().is_some_and(|word| NOUNS.contains(&word)))
        })
    })
}

/// A placeholder of a format string: empty, or a name that is no constant.
fn is_a_variable(value: &str) -> bool {
    let name = value.split(':').next().unwrap_or_default();
    name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
}
