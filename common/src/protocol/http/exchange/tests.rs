//! Answers in every split, honest and not.

use proptest::prelude::*;

use super::*;

/// The content of an answer that comes in segments of `size` bytes and ends with the connection.
fn fetch(answer: &[u8], size: usize, limit: u64) -> Result<Vec<u8>, Fault> {
    let (mut exchange, mut content) = (Exchange::new(limit), Vec::new());
    for segment in answer.chunks(size) {
        exchange.receive(segment, &mut content)?;
    }
    exchange.finish()?;
    Ok(content)
}

#[test]
fn every_split_of_an_answer_reads_the_same() {
    let answers: [&[u8]; 3] = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\nServer: old\n\nhello",
    ];
    for answer in answers {
        for size in 1..=answer.len() {
            assert_eq!(fetch(answer, size, 5).unwrap(), b"hello", "in segments of {size}");
        }
    }
}

#[test]
fn what_is_not_a_whole_file_is_an_error_that_says_why() {
    for (answer, words) in [
        (&b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"[..], "404 Not Found"),
        (b"HTTP/1.1 301 Moved\r\nLocation: http://b/\r\n\r\n", "it is at http://b/"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "after 4 of 5 bytes"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhell", "more than the 3 bytes"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", "limit of 6 bytes"),
        (b"HTTP/1.1 200 OK\r\n\r\nunannounced", "limit of 6 bytes"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "two lengths"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n", "no number"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "other than chunked"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe",
            "before the end of its answer, after 2 bytes",
        ),
        (b"220 mail.example ESMTP\r\n\r\n", "not HTTP/1.1"),
        (b"HTTP/1.1 2", "before the end of its answer, after 0 bytes"),
    ] {
        for size in [1, answer.len()] {
            let fault = fetch(answer, size, 6).unwrap_err().to_string();
            assert!(fault.contains(words), "{fault:?} does not contain {words:?}");
        }
    }
    let endless = [b"HTTP/1.1 200 OK\r\nX: ", &[b'x'; HEAD_LIMIT][..]].concat();
    assert!(matches!(fetch(&endless, 1000, 6), Err(Fault::HeadTooLong)));
}
proptest! {
    #[test]
    fn no_bytes_panic_the_client(bytes in proptest::collection::vec(any::<u8>(), 0..300), size in 1..50usize) {
        let _ = fetch(&bytes, size, 100);
        let _ = fetch(&[b"HTTP/1.1 200 OK\r\n", &bytes[..]].concat(), size, 100);
        let _ = fetch(&[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", &bytes[..]].concat(), size, 100);
    }

    #[test]
    fn chunks_of_any_sizes_are_put_together(
        chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..8),
        size in 1..60usize,
    ) {
        let mut answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for chunk in &chunks {
            answer.extend(format!("{:X}\r\n", chunk.len()).bytes());
            answer.extend(chunk);
            answer.extend(b"\r\n");
        }
        answer.extend(b"0\r\n\r\n");
        prop_assert_eq!(fetch(&answer, size, 1000).unwrap(), chunks.concat());
        // Cut anywhere, it is noticed.
        prop_assert!(fetch(&answer[..answer.len() - 1], size, 1000).is_err());
    }
}

#[test]
fn whether_the_connection_stays_is_told() {
    for (head, is_kept) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: TE, Close\r\n\r\n", false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", true),
        ("HTTP/1.1 200 OK\r\n\r\n", false),
    ] {
        let mut exchange = Exchange::new(0);
        exchange.receive(head.as_bytes(), &mut Vec::new()).unwrap();
        assert_eq!(exchange.is_kept(), is_kept, "{head}");
    }
}
