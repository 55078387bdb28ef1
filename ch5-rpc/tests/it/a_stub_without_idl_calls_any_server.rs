//! `call` and `describe`, against our server and against Python's.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use common::support::child_server::{ChildProcess, ChildServer};
use nix::sys::signal::Signal;

use crate::calls::python;
use crate::support::{Server, ch5, run, text};

/// What it prints, and nothing else.
fn result(arguments: &[&str]) -> String {
    let output = run(&mut ch5(arguments));
    assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout).trim_end().to_owned()
}

/// The sentence of an error, and status 1.
fn error(arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = run(&mut ch5(arguments));
    assert_eq!((status.code(), text(&stdout).as_str()), (Some(1), ""), "{arguments:?}");
    text(&stderr).trim_end().to_owned()
}

#[test]
fn calls_to_our_board_over_both_wires() {
    for model in ["epoll", "thread-per-connection", "tokio"] {
        let server = Server::start(&["xmlrpc-server", "--validator", "--model", model]);
        for path in ["RPC2", "rpc"] {
            let url = &server.url(path);
            let id = result(&["call", url, "publish", "7", "[\"h\", 1]"]);
            let message = result(&["call", url, "get", &id]);
            assert!(message.ends_with(",\"h\",1,\"7\"]"), "a text, because the signature says so: {message}");
            assert_eq!(result(&["call", url, "last", "1"]), format!("[{id}]"));
            assert_eq!(result(&["call", url, "add", "2", "3"]), "5");
            assert_eq!(result(&["call", url, "add", "2", "0.5"]), "2.5");
            assert_eq!(result(&["call", url, "add", "a", "-1"]), "\"a-1\"");
            assert_eq!(result(&["call", url, "add", "2", "3", "--by-looks"]), "5");
            assert_eq!(result(&["call", url, "div", "-7", "2"]), "-4");
            assert_eq!(
                result(&["call", url, "validator1.echoStructTest", "{\"a\": [null, 1.5]}"]),
                "{\"a\":[null,1.5]}"
            );
            let raw = result(&["call", url, "my_function", "--raw"]);
            assert!(raw.contains("--- the request: ") && raw.contains("my_function"), "{raw}");
            assert!(raw.contains("--- the response: ") && raw.ends_with("---\ntrue"), "{raw}");
            assert!(error(&["call", url, "none"]).contains("error: fault -32601: no such method"));
            assert!(error(&["call", url, "none", "1"]).contains("fault -32601"));
            assert!(error(&["call", url, "get", "x"]).contains("fault -32602"));
            let described = result(&["describe", url]);
            for line in ["publish(string, array) → int", "last() → array", "    Returns x to the power of y."]
            {
                assert!(described.lines().any(|one| one == line), "{line}: {described}");
            }
        }
        assert!(result(&["call", &server.url(""), "last"]).starts_with('['), "without a path it is /RPC2");
        assert_eq!(
            error(&["call", &server.url("other"), "last"]),
            "error: the server refuses the request: 404 Not Found"
        );
        let base64 = "{\"base64\":\"AQ==\"}";
        let id = result(&["call", &server.url("rpc"), "publish", base64, "--by-looks"]);
        assert!(result(&["call", &server.url("RPC2"), "get", &id]).ends_with(&format!(",{base64}]")));
        assert!(server.stop().success());
    }
}

#[test]
fn calls_to_a_server_in_python() {
    if python("", &[]).is_none() {
        return;
    }
    let mut command = Command::new("python3");
    command.args(["-c", include_str!("python/server.py")]).stdin(Stdio::null()).stderr(Stdio::null());
    let server = ChildServer::start(&mut command).unwrap();
    let url = &format!("http://{}", server.address);
    assert_eq!(result(&["call", url, "pow", "2", "10"]), "1024");
    let kinds = ["1", "-2.5", "a b", "true", "null", "[1,\"2\"]", "{\"a\":{}}", "2147483648"];
    assert_eq!(
        result(&[&["call", url, "kinds"], &kinds[..7]].concat()),
        r#"[[1,-2.5,"a b",true,null,[1,"2"],{"a":{}}],["int","float","str","bool","NoneType","list","dict"]]"#
    );
    let values = r#"[null,true,-7,2.5,"a<&>€\n",{"base64":"AQ=="},"19980717T14:08:55",{"":[1]}]"#;
    assert_eq!(result(&["call", url, "values"]), values);
    assert_eq!(error(&["call", url, "board", "way"]), "error: fault 1: <class 'ValueError'>:no way");
    assert!(error(&["call", url, "none"]).contains("is not supported"));
    assert!(
        error(&["call", url, "poison"])
            .starts_with("error: the answer is not XML-RPC: a character that XML 1.0")
    );
    assert!(error(&["call", &format!("{url}/other"), "pow"]).contains("404"));
    let described = result(&["describe", url]);
    assert!(described.contains("board(…)\n    Puts a text\n    on the board."), "{described}");
}

/// A server that says this to the first client, whatever it asks; and when it has been asked.
fn says(answer: &'static [u8]) -> (String, Receiver<()>) {
    let (tell, asked) = channel();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/RPC2", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let _ = client.read(&mut [0; 4096]);
        let _ = tell.send(());
        let _ = client.write_all(answer);
        if answer.is_empty() || answer.ends_with(b"...") {
            let _ = client.read(&mut [0; 4096]); // it says no more, until the client goes
        }
    });
    (url, asked)
}

#[test]
fn what_goes_wrong_is_told_and_what_the_caller_knows_then() {
    for (answer, words) in [
        (&b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"[..], "the server refuses the request: 500 Oops"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<html", "the answer is not XML-RPC: "),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n<html",
            "whether the method was executed is not known",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", "the answer is longer than 1000 bytes"),
        (b"SSH-2.0-OpenSSH\r\n", "the answer is not HTTP: "),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n...", "not ended within 300ms; whether the method"),
        (b"", "the call has not ended within 300ms; whether the method"),
    ] {
        let said = error(&["call", &says(answer).0, "last", "--timeout", "300ms", "--limit", "1000"]);
        assert!(said.starts_with("error: ") && said.contains(words), "{said}");
    }
    let (url, _) = says(b"HTTP/1.1 200 OK\r\nContent-Length: 58\r\n\r\n{\"error\":{\"code\":1,\"message\":\"\\u001b[31mred\\nnew\"},\"id\":1}");
    let said = error(&["call", &url.replace("RPC2", "rpc"), "last"]);
    assert_eq!(said, "error: fault 1: \u{fffd}[31mred\\nnew", "a terminal does not obey a server");
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let said = error(&["call", &format!("http://{free}/RPC2"), "last"]);
    assert_eq!(said, format!("error: no server at {free}: Connection refused (os error 111)"));
    let said = error(&["describe", &format!("http://{free}/RPC2")]);
    assert!(said.starts_with(&format!("error: no server at {free}")));
    for wrong in ["https://127.0.0.1/RPC2", "127.0.0.1:7777", "http://127.0.0.1:0/"] {
        assert_eq!(run(&mut ch5(&["call", wrong, "last"])).status.code(), Some(2), "{wrong}");
    }
}

#[test]
fn ctrl_c_ends_a_call_that_waits() {
    let (url, asked) = says(b"");
    let mut client = ChildProcess::spawn(
        ch5(&["call", &url, "last", "--timeout", "60s"]).stdout(Stdio::piped()).stderr(Stdio::piped()),
    )
    .unwrap();
    asked.recv_timeout(Duration::from_secs(20)).unwrap();
    client.signal(Signal::SIGINT).unwrap();
    let ended = client.wait(Duration::from_secs(20)).expect("it has ended");
    assert_eq!(ended.code(), Some(130), "{ended:?}");
}
