//! Servers that stall, lie, flood or are not there: each error is told by its URL, the others arrive, and no half of a
//! file is left under its name.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use crate::support::{ch4, run, text};

/// Each path, and what a user must find in the error; `None`: it arrives.
const PATHS: [(&str, Option<&str>); 13] = [
    ("good", None),
    ("chunked", None),
    ("until-end", None),
    ("missing", Some("404 Not Found")),
    ("elsewhere", Some("it is at http://b/")),
    ("backwards", Some("it is at http://b/\u{fffd}gpj.exe")),
    ("silent", Some("sent nothing for 400ms")),
    ("stalls", Some("sent nothing for 400ms")),
    ("short", Some("closed the connection after 5 of 10 bytes")),
    ("long", Some("more than the 3 bytes that it announced")),
    ("huge", Some("limit of 100000 bytes")),
    ("endless", Some("limit of 100000 bytes")),
    ("head", Some("head of the answer is longer")),
];

fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for connection in listener.incoming() {
            thread::spawn(move || answer(&connection.unwrap()));
        }
    });
    address
}

fn answer(mut connection: &TcpStream) {
    let head: Vec<String> = BufReader::new(connection)
        .lines()
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .collect();
    let path =
        head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().trim_start_matches('/');
    let answer = match path {
        "good" => "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood",
        "chunked" => {
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nchu\r\n4\r\nnked\r\n0\r\n\r\n"
        }
        "until-end" => "HTTP/1.0 200 OK\r\n\r\nuntil-end",
        "elsewhere" => "HTTP/1.1 302 Found\r\nLocation: http://b/\r\nContent-Length: 0\r\n\r\n",
        "backwards" => {
            "HTTP/1.1 302 Found\r\nLocation: http://b/\u{202e}gpj.exe\r\nContent-Length: 0\r\n\r\n"
        }
        "silent" => "",
        "stalls" | "short" => "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
        "long" => "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhello",
        "huge" => "HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n",
        "endless" => "HTTP/1.1 200 OK\r\n\r\n",
        "head" => "HTTP/1.1 200 OK\r\nX-Endless: ",
        _ => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    };
    let _ = connection.write_all(answer.as_bytes());
    match path {
        "silent" | "stalls" => drop(connection.read(&mut [0; 64])), // until the client goes
        "endless" | "head" => while connection.write_all(&[b'x'; 4096]).is_ok() {},
        _ => {}
    }
}

#[test]
fn every_failure_is_told_and_the_others_arrive() {
    let address = serve();
    for mode in ["sequential", "threads", "async"] {
        let came = tempfile::tempdir().unwrap();
        let urls = PATHS.map(|(path, _)| format!("http://{address}/{path}"));
        let args = ["--patience", "400ms", "--limit", "100kB", "--output", came.path().to_str().unwrap()];
        let output = run(ch4(&["download", "--mode", mode]).args(args).args(urls));
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{mode}: {errors}");
        assert!(!errors.contains('\u{202e}'), "no terminal obeys a server: {errors:?}");
        for (path, words) in PATHS {
            match words {
                Some(words) => {
                    let start = format!("error: http://{address}/{path}: ");
                    let line = errors.lines().find(|line| line.starts_with(&start));
                    assert!(line.is_some_and(|line| line.contains(words)), "{mode}, {path}: {errors}");
                }
                None => assert_eq!(fs::read_to_string(came.path().join(path)).unwrap(), path, "{mode}"),
            }
        }
        assert_eq!(fs::read_dir(came.path()).unwrap().count(), 3, "{mode}: nothing is left of the others");
    }
}

#[test]
fn who_is_not_there_is_told_before_or_while_the_others_arrive() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap(); // closed again at once
    let came = tempfile::tempdir().unwrap();
    let output_to = ["--output", came.path().to_str().unwrap()];
    for mode in ["sequential", "threads", "async"] {
        let urls = [format!("http://{nobody}/x"), format!("http://{}/good", serve())];
        let output = run(ch4(&["download", "--mode", mode]).args(output_to).args(urls));
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains("Connection refused"), "{}", text(&output.stderr));
        assert_eq!(fs::read(came.path().join("good")).unwrap(), b"good");
    }
    for (url, words) in [("https://localhost/", "TLS"), ("localhost/x", "begins with http://")] {
        let output = run(ch4(&["download"]).args(output_to).arg(url));
        assert!(!output.status.success() && text(&output.stderr).contains(words), "{}", text(&output.stderr));
    }
    let output = run(&mut ch4(&["download", "--output", "/nowhere/at/all", "http://localhost/"]));
    assert!(text(&output.stderr).contains("is not a directory"), "{}", text(&output.stderr));
}

#[test]
fn what_belongs_to_the_server_of_its_own_means_nothing_with_a_url() {
    for option in
        [["--files", "3"], ["--size", "1MB"], ["--seed", "1"], ["--rate", "1MB/s"], ["--latency", "1s"]]
    {
        let output = run(ch4(&["download", "http://127.0.0.1:1/file"]).args(option));
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains("with a URL there is none"), "{option:?}: {output:?}");
    }
}
