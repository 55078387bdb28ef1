//! What each service is asked and must answer: the one place that a new service is added to.

use ch3_threads::service::ServiceKind;

/// A request and its answer.
pub type Exchange = (Vec<u8>, Vec<u8>);

/// The services that answer request after request on one connection.
pub const DIALOGUES: [ServiceKind; 4] =
    [ServiceKind::Echo, ServiceKind::Heavy, ServiceKind::Bytes, ServiceKind::Factor];

/// A `number`-th exchange, different from its neighbours so that a wrong order shows.
pub fn exchange(service: ServiceKind, number: usize) -> Exchange {
    match service {
        ServiceKind::Echo => alike(format!("line {number}\n")),
        ServiceKind::Heavy => alike(format!("{number:036}")),
        ServiceKind::Bytes => (format!("{}\n", 1 + number % 97).into(), vec![b'*'; 1 + number % 97]),
        ServiceKind::Factor => (format!("{}\n", 1_u64 << (number % 60)).into(), power_of_two(number % 60)),
        ServiceKind::Hold | ServiceKind::Random => unreachable!("there is nothing to ask"),
        ServiceKind::Board => unreachable!("a connection has one request"),
    }
}

/// So many exchanges, joined: what is sent in one piece, and what must come back.
pub fn many(service: ServiceKind, count: usize) -> Exchange {
    let (requests, answers): (Vec<_>, Vec<_>) = (0..count).map(|number| exchange(service, number)).unzip();
    (requests.concat(), answers.concat())
}

/// What is no request, how its answer begins, and that the connection ends with it. (To echo, everything is one.)
pub fn garbage(service: ServiceKind) -> &'static [(&'static [u8], &'static [u8])] {
    match service {
        ServiceKind::Bytes => &[
            (b"99999999999\n", b"ERROR more than"),
            (b"12a\n", b"ERROR not a"),
            (b"-1\n", b"ERROR not a"),
            (b"GET / HTTP/1.1\r\n\r\n", b"ERROR not a"),
            (b"\xff\xfe\x00", b"ERROR not a"),
        ],
        ServiceKind::Factor => &[(&[b'1'; 100], b"ERROR a request has at most")],
        _ => &[],
    }
}

/// As factor(1) writes the factors of 2^exponent.
fn power_of_two(exponent: usize) -> Vec<u8> {
    let factors = " 2".repeat(exponent);
    format!("{}:{factors}\n", 1_u64 << exponent).into()
}

fn alike(bytes: String) -> Exchange {
    (bytes.clone().into(), bytes.into())
}
