//! Each rule of the table, and requests in every split.

use proptest::prelude::*;

use super::*;

const FILES: Accepts = Accepts { methods: "GET, HEAD", content_limit: 0 };
const CALLS: Accepts = Accepts { methods: "POST", content_limit: 100 };

/// A head of these lines, which has to be accepted.
fn head(lines: &str, accepts: &Accepts) -> RequestHead {
    let bytes = lines.replace('\n', "\r\n") + "\r\n";
    let (length, head) = RequestHead::parse(bytes.as_bytes(), accepts).expect(lines).expect(lines);
    assert_eq!(length, bytes.len());
    head
}

/// How these lines are refused.
fn status(lines: &str, accepts: &Accepts) -> u16 {
    let bytes = lines.replace('\n', "\r\n") + "\r\n";
    match RequestHead::parse(bytes.as_bytes(), accepts) {
        Err(rejection) => rejection.status as u16,
        Ok(_) => panic!("it is accepted: {lines}"),
    }
}

#[test]
fn http_1_1_has_one_good_host() {
    assert_eq!(head("GET / HTTP/1.1\nHost: lab:80\n", &FILES).authority(), Some("lab:80"));
    assert_eq!(head("GET / HTTP/1.1\nHost: [::1]:80\n", &FILES).host(), Some("::1"));
    for host in ["", "Host: a\nHost: a\n", "Host: a\nhost: b\n", "Host: a b\n", "Host: [::1\n", "Host: u@a\n"]
    {
        assert_eq!(status(&format!("GET / HTTP/1.1\n{host}"), &FILES), 400, "{host}");
        assert_eq!(status(&format!("GET http://a/ HTTP/1.1\n{host}"), &FILES), 400, "{host}");
    }
    assert_eq!(head("GET / HTTP/1.0\n", &FILES).authority(), None);
    assert_eq!(status("GET / HTTP/1.0\nHost: a\nHost: a\n", &FILES), 400);
}

#[test]
fn a_target_is_a_path_or_a_url_and_the_url_says_which_host_is_meant() {
    for (target, path, authority) in [
        ("/a/b?c", "/a/b", "lab"),
        ("//a", "//a", "lab"),
        ("/?http://b/", "/", "lab"),
        ("http://other:80/a?b", "/a", "other:80"),
        ("HTTP://other", "/", "other"),
        ("https://[::1]?x", "/", "[::1]"),
        ("/%61%2Fb%3f%25?%zz", "/a/b?%", "lab"),
        ("/%C3%b6", "/\u{f6}", "lab"),
        ("/%ff", "/\u{fffd}", "lab"),
    ] {
        let head = head(&format!("GET {target} HTTP/1.1\nHost: lab\n"), &FILES);
        assert_eq!((head.path(), head.authority()), (path, Some(authority)), "{target}");
    }
    for target in [
        "/%",
        "/%1",
        "/%g1",
        "/%+1",
        "/a%2",
        "http://a/%zz",
        "*",
        "lab:80",
        "lab",
        "ftp://lab/",
        "http:///a",
        "http://u@lab/",
        "http://a:b/",
        "/a#b",
        "?x",
    ] {
        assert_eq!(status(&format!("GET {target} HTTP/1.1\nHost: lab\n"), &FILES), 400, "{target}");
    }
}

#[test]
fn a_method_that_is_not_served_is_405_whatever_it_brings() {
    let post = "POST / HTTP/1.1\nHost: a\n";
    for more in ["", "Content-Length: 4\n", "Transfer-Encoding: chunked\n", "Expect: 100-continue\n"] {
        assert_eq!(status(&format!("{post}{more}"), &FILES), 405, "{more}");
    }
    for other in
        ["OPTIONS * HTTP/1.1\nHost: a\n", "CONNECT a:80 HTTP/1.1\nHost: a\n", "get / HTTP/1.1\nHost: a\n"]
    {
        assert_eq!(status(other, &FILES), 405, "{other}");
    }
    let answer = RequestHead::parse(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", &CALLS).unwrap_err().response();
    assert!(answer.starts_with(b"HTTP/1.1 405 Method Not Allowed\r\nAllow: POST\r\n"));
}

#[test]
fn content_is_taken_up_to_the_limit_and_its_end_is_clear() {
    let get = "GET / HTTP/1.1\nHost: a\n";
    assert_eq!(head(&format!("{get}Content-Length: 0\n"), &FILES).body(), &Body::Length(0));
    assert_eq!(status(&format!("{get}Content-Length: 1\n"), &FILES), 413);
    assert_eq!(status(&format!("{get}Transfer-Encoding: chunked\n"), &FILES), 413);

    let post = "POST / HTTP/1.1\nHost: a\n";
    assert_eq!(head(post, &CALLS).body(), &Body::Length(0));
    assert_eq!(head(&format!("{post}Content-Length: 100\n"), &CALLS).body(), &Body::Length(100));
    assert!(matches!(head(&format!("{post}Transfer-Encoding: Chunked\n"), &CALLS).body(), Body::Chunked(_)));
    for (more, refused) in [
        ("Content-Length: 101\n", 413),
        ("Content-Length: 4\nContent-Length: 4\n", 400),
        ("Content-Length: 4\nContent-Length: 5\n", 400),
        ("Content-Length: 4, 4\n", 400),
        ("Content-Length: +4\n", 400),
        ("Content-Length: \n", 400),
        ("Content-Length: 99999999999999999999\n", 400),
        ("Content-Length: 4\nTransfer-Encoding: chunked\n", 400),
        ("Transfer-Encoding: gzip\n", 400),
        ("Transfer-Encoding: chunked, gzip\n", 400),
        ("Transfer-Encoding: gzip, chunked\n", 501),
        ("Transfer-Encoding: chunked, chunked\n", 400),
        ("Transfer-Encoding: chunked, gzip, chunked\n", 400),
        ("Transfer-Encoding: \n", 400),
    ] {
        assert_eq!(status(&format!("{post}{more}"), &CALLS), refused, "{more}");
    }
    assert_eq!(status("POST / HTTP/1.0\nTransfer-Encoding: chunked\n", &CALLS), 400);
}

/// RFC 9110 section 2.5: a second number that is greater than ours changes nothing that we must know.
#[test]
fn later_versions_of_http_1_are_served_as_1_1() {
    for lines in ["GET / HTTP/1.2\nHost: a\n", "\nGET / HTTP/1.9\nHost: a\nX: HTTP/1.9\n"] {
        assert_eq!(head(lines, &FILES).version(), Version::Http11);
    }
    for first in ["GET / HTTP/1.10", "GET / HTTP/2.1", "GET / HTTP/0.9", "GET / http/1.2"] {
        let refused = status(&format!("{first}\nHost: a\n"), &FILES);
        assert!([400, 505].contains(&refused), "{first}: {refused}");
    }
    assert_eq!(status("GET / HTTP/1.2\n", &FILES), 400, "no Host");
}

#[test]
fn an_unknown_expectation_is_refused() {
    for line in ["Expect: 100-continue\n", "Expect: 100-Continue,\n"] {
        head(&format!("GET / HTTP/1.1\nHost: a\n{line}"), &FILES);
    }
    assert_eq!(status("GET / HTTP/1.1\nHost: a\nExpect: 100-continue, tea\n", &FILES), 417);
    head("GET / HTTP/1.0\nExpect: tea\n", &FILES);
}

#[test]
fn the_connection_stays_open_as_its_version_says() {
    for (lines, keep) in [
        ("GET / HTTP/1.1\nHost: a\n", Keep::Open),
        ("GET / HTTP/1.1\nHost: a\nConnection: keep-alive, Upgrade\n", Keep::Open),
        ("GET / HTTP/1.1\nHost: a\nConnection: TE, Close\n", Keep::Close),
        ("GET / HTTP/1.1\nHost: a\nConnection: close\nConnection: TE\n", Keep::Close),
        ("GET / HTTP/1.0\n", Keep::Close),
        ("GET / HTTP/1.0\nConnection: Keep-Alive\n", Keep::OpenSaid),
        ("GET / HTTP/1.0\nConnection: close, keep-alive\n", Keep::Close),
    ] {
        assert_eq!(head(lines, &FILES).keep(), keep, "{lines}");
    }
}

#[test]
fn what_is_no_head_is_refused() {
    for (lines, refused) in [
        ("hello\n", 400),
        ("GET / HTTP/1.1\nHost : a\n", 400),
        ("GET / HTTP/1.1\nHost: a\n folded\n", 400),
        ("GET / HTTP/2.0\nHost: a\n", 505),
        ("PRI * HTTP/2.0\n", 505),
    ] {
        assert_eq!(status(lines, &FILES), refused, "{lines}");
    }
    let long = "x".repeat(HEAD_LIMIT);
    assert_eq!(status(&format!("GET /{long} HTTP/1.1\nHost: a\n"), &FILES), 414);
    assert_eq!(status(&format!("GET / HTTP/1.1\nHost: a\nX: {long}\n"), &FILES), 431);
    let fields = |count| format!("GET / HTTP/1.1\nHost: a\n{}", "a: b\n".repeat(count));
    head(&fields(FIELD_LIMIT - 1), &FILES);
    assert_eq!(status(&fields(FIELD_LIMIT), &FILES), 431);
}

#[test]
fn an_answer_to_head_has_no_content() {
    let rejection = RequestHead::parse(b"HEAD * HTTP/1.1\r\nHost: a\r\n\r\n", &FILES).unwrap_err();
    assert!(rejection.response().ends_with(b"\r\n\r\n"));
}

/// The lines of heads that are nearly good.
fn line() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "Host: a",
        "Connection: keep-alive, Upgrade",
        "Connection: close",
        "Content-Length: 5",
        "Transfer-Encoding: chunked",
        "Expect: 100-continue",
        "X : y",
        "",
    ])
}

proptest! {
    #[test]
    fn no_bytes_panic_and_every_split_gives_the_same(
        garbage in prop::collection::vec(any::<u8>(), 0..100),
        first in prop::sample::select(vec!["GET / HTTP/1.1", "GET /%41 HTTP/1.3", "POST http://b/?c HTTP/1.0", "HEAD * HTTP/1.1", "GET / HTTP/3"]),
        lines in prop::collection::vec(line(), 0..6),
        size in 1..40usize,
    ) {
        let good = format!("{first}\r\nHost: a\r\n{}\r\n", lines.join("\r\n"));
        for bytes in [&garbage[..], &[good.as_bytes(), &garbage].concat()] {
            for accepts in [&FILES, &CALLS] {
                let whole = RequestHead::parse(bytes, accepts);
                // A server asks again whenever more has come, until there is an answer.
                let ends = (size..bytes.len()).step_by(size).chain([bytes.len()]);
                let in_pieces = ends.map(|end| RequestHead::parse(&bytes[..end], accepts)).find(|one| *one != Ok(None));
                prop_assert_eq!(in_pieces.unwrap_or(Ok(None)), whole);
            }
        }
    }
}

#[test]
fn a_name_in_the_path_may_contain_a_slash_and_the_query_is_read() {
    let head = |target: &str| {
        let bytes = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        RequestHead::parse(bytes.as_bytes(), &FILES).unwrap().unwrap().1
    };
    let names = |target: &str| head(target).segments().collect::<Vec<_>>();
    assert_eq!(names("/queues/%2F/a%2fb?c=/d"), ["queues", "/", "a/b"]);
    assert_eq!(names("http://a/x"), ["x"]);
    assert_eq!((names("http://a?x=1"), head("http://a?x=1").path()), (vec![String::new()], "/"));
    let queried = head("/?a=1&a=2&b=x+y%2B&c&d=%");
    let of = |name| queried.parameter(name);
    assert_eq!((of("a").as_deref(), of("b").as_deref()), (Some("1"), Some("x y+")));
    assert_eq!((of("c").as_deref(), of("d"), of("e")), (Some(""), None, None));
    assert_eq!(head("/a").parameter("a"), None);
}
