//! A number that nobody means is wrong usage: status 2 with the valid range, and nothing is printed.

use crate::support::{ch4, run, text};

#[test]
fn numbers_without_sense_are_refused_before_anything_is_printed() {
    for (line, hint) in [
        ("simulate --rate nan", "a number from 0.001 to 1000000000"),
        ("simulate --rate inf", "a number from 0.001 to 1000000000"),
        ("simulate --players 5 --leave nan", "a number from 0.001 to 1000000000"),
        ("simulate --subscribers 0", "a number from 1 to 1000000"),
        ("simulate --window 0", "a number from 1 to 1000000000"),
        ("simulate --bytes 1", "a number from"),
        ("simulate --time 0", "a time from 1ms to"),
        ("verify --clients 0", "a number from 1 to 256"),
        ("verify --seeds 0", "a number from 1 to 1000000"),
        ("board-server --outbox-bytes 18446744073709551615", "a number from 1 to"),
        ("board-client --count 0", "a number from 1 to"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let output = run(&mut ch4(&words));
        let [stdout, stderr] = [&output.stdout, &output.stderr].map(|bytes| text(bytes));
        assert_eq!((output.status.code(), stdout.as_str()), (Some(2), ""), "{line}: {stderr}");
        let stderr = stderr.split_whitespace().collect::<Vec<_>>().join(" "); // clap breaks lines
        assert!(stderr.contains(hint), "{line}: {stderr}");
    }
}
