//! A number that nobody means, and a name that is given twice, are wrong usage: status 2 with the valid range, and nothing is printed.

use std::process::Command;

#[test]
fn numbers_without_sense_and_names_given_twice_are_refused_before_anything_is_printed() {
    for (line, hint) in [
        ("compare --time-scale nan", "a number from 0.001 to 1000"),
        ("compare --time-scale inf", "a number from 0.001 to 1000"),
        ("compare --time-scale 1e300", "a number from 0.001 to 1000"),
        ("compare --grace nan", "a number from 0 to 10"),
        ("compare -n 0", "a number from 1 to 1000"),
        ("compare --workers 0", "a number from 1 to 10000"),
        ("compare -c 0", "a number from 1 to 1000000"),
        ("compare --threads 99999999999", "a number from 1 to 1024"),
        ("compare --delay 99h", "a time from 0s to 60m"),
        ("compare -m epoll,epoll", "'epoll' is given twice for '--models"),
        ("compare -m epoll -m poll,epoll", "'epoll' is given twice for '--models"),
        ("compare -s echo,echo", "'echo' is given twice for '--scenario"),
        ("compare --with x --with x", "--with 'x' is given twice"),
        ("compare -s patience --rate 5", "belongs to echo"),
        ("compare --faulty rst=1,rst=2", "rst is given twice"),
        ("simulate -s echo --rate nan", "a number from 0.001 to 1000000000"),
        ("simulate -s echo --rate inf", "a number from 0.001 to 1000000000"),
        ("simulate -s echo --window 0", "a number from 1 to 1000000"),
        ("simulate -s echo --duration 0", "a time from 1ms to"),
        ("simulate --time-scale 0", "a number from 0.001 to 1000"),
        ("simulate -c 99999999999999999999", "a number from 1 to 1000000"),
        ("serve --workers 0", "a number from 1 to 10000"),
        ("serve --backlog 2147483647", "a number from 0 to 1000000"),
        ("serve --connections 0", "a number from 1 to 10000000"),
        ("show lock --time-scale nan", "a number from 0"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_ch3-threads")).args(line.split(' ')).output().unwrap();
        let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        assert_eq!((output.status.code(), stdout.as_str()), (Some(2), ""), "{line}: {stderr}");
        let stderr = stderr.split_whitespace().collect::<Vec<_>>().join(" "); // clap breaks lines
        assert!(stderr.contains(hint), "{line}: {stderr}");
    }
}
