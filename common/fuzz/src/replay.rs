//! A kept corpus as an ordinary test: every file of it, and seeded mutations, without libFuzzer. Part of the tests of a
//! chapter (`tests/it/fuzz_corpus.rs`), not of the fuzzers.

use std::panic::catch_unwind;
use std::path::Path;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// The mutations are these in every run; a fuzzer is there to find others.
const SEED: u64 = 1;
/// A mutation does not make an input longer than that, bytes.
const LONGEST: usize = 2048;
/// What parsers stumble over.
const TELLING: [&[u8]; 13] = [
    b"0",
    b":",
    b"?",
    b";",
    b" ",
    b"-1",
    b"18446744073709551616",
    b"\0",
    b"\xff",
    b"\xff\xff\xff\xff",
    b"\0\0\0\0",
    b"\n",
    b"[",
];

/// Runs every file of a target's corpus, and so many mutations of them.
///
/// # Panics
/// When the target does, or has no corpus; the message has the input, to be kept as a file of the corpus.
pub fn replay(fuzz: &str, name: &str, mutations: u32, target: fn(&[u8])) {
    let corpus = Path::new(fuzz).join("corpus").join(name);
    let files: Vec<(String, Vec<u8>)> = names(&corpus)
        .into_iter()
        .map(|file| (file.clone(), std::fs::read(corpus.join(&file)).expect("a file of the corpus")))
        .collect();
    assert!(!files.is_empty(), "{name} has no corpus");
    for (file, input) in &files {
        run(target, input, file);
    }
    let mut random = StdRng::seed_from_u64(SEED);
    for number in 0..mutations {
        let (file, input) = &files[random.random_range(0..files.len())];
        let (_, other) = &files[random.random_range(0..files.len())];
        let mut mutant = input.clone();
        for _ in 0..random.random_range(1..=4) {
            mutate(&mut mutant, other, &mut random);
        }
        run(target, &mutant, &format!("mutation {number}, of {file}"));
    }
}

/// The targets that a fuzz directory has, by their files and by their corpora.
pub fn targets(fuzz: &str) -> [Vec<String>; 2] {
    let files = names(&Path::new(fuzz).join("fuzz_targets"));
    [
        files.iter().map(|file| file.trim_end_matches(".rs").to_owned()).collect(),
        names(&Path::new(fuzz).join("corpus")),
    ]
}

fn names(directory: &Path) -> Vec<String> {
    let entries =
        std::fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.expect("its entry").file_name().into_string().expect("a name for people")
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

fn run(target: fn(&[u8]), input: &[u8], what: &str) {
    if catch_unwind(|| target(input)).is_err() {
        panic!("{what}: printf '{}' is an input that it does not bear", input.escape_ascii());
    }
}

fn mutate(input: &mut Vec<u8>, other: &[u8], random: &mut StdRng) {
    let at = random.random_range(0..=input.len());
    let end = random.random_range(at..=input.len().min(at + 16));
    match random.random_range(0..7) {
        0 if at < input.len() => input[at] ^= 1 << random.random_range(0..8),
        1 if at < input.len() => input[at] = random.random(),
        2 => drop(input.drain(at..end)),
        3 => {
            let again = input[at..end].to_vec();
            input.splice(at..at, again);
        }
        4 => {
            let telling = TELLING[random.random_range(0..TELLING.len())];
            input.splice(at..end, telling.iter().copied());
        }
        5 => {
            let from = random.random_range(0..=other.len());
            input.splice(at.., other[from..].iter().copied());
        }
        _ => input.truncate(at),
    }
    input.truncate(LONGEST);
}
