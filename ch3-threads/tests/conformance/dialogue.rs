//! What each service is asked and must answer: the one place that a new service is added to.

use ch3_threads::service::Kind;

/// A request and its answer.
pub type Exchange = (Vec<u8>, Vec<u8>);

/// The services that answer request after request on one connection.
pub const DIALOGUES: [Kind; 4] = [Kind::Echo, Kind::Heavy, Kind::Factor, Kind::Bytes];

/// A `number`-th exchange, different from its neighbours so that a wrong order shows.
pub fn exchange(service: Kind, number: usize) -> Exchange {
    match service {
        Kind::Echo => alike(format!("line {number}\n")),
        Kind::Heavy => alike(format!("{number:036}")),
        Kind::Bytes => (format!("{}\n", 1 + number % 97).into(), vec![b'*'; 1 + number % 97]),
        Kind::Factor => (format!("{}\n", 2 + number).into(), format!("{}\n", factors(2 + number)).into()),
        Kind::Board => unreachable!("it answers once per connection: see `board`"),
        Kind::Hold | Kind::Random => unreachable!("there is nothing to ask"),
    }
}

/// So many exchanges, joined: what is sent in one piece, and what must come back.
pub fn many(service: Kind, count: usize) -> Exchange {
    let (requests, answers): (Vec<_>, Vec<_>) = (0..count).map(|number| exchange(service, number)).unzip();
    (requests.concat(), answers.concat())
}

/// What is no request, and how its answer begins. (To echo, everything is one.)
pub fn garbage(service: Kind) -> &'static [(&'static [u8], &'static [u8])] {
    match service {
        Kind::Bytes => &[
            (b"99999999999\n", b"ERROR more than"),
            (b"12a\n", b"ERROR not a"),
            (b"-1\n", b"ERROR not a"),
            (b"GET / HTTP/1.1\r\n\r\n", b"ERROR not a"),
            (b"\xff\xfe\x00", b"ERROR not a"),
        ],
        Kind::Factor => &[
            (b"many\n", b"ERROR "),
            (b"-1\n", b"ERROR "),
            (b"\n", b"ERROR "),
            (b"340282366920938463463374607431768211456\n", b"ERROR "), // 2^128
            (&[b'7'; 1000], b"ERROR a request has at most 64 bytes"),
        ],
        _ => &[],
    }
}

/// By trial division, as nobody would do it who is in a hurry.
fn factors(number: usize) -> String {
    let (mut rest, mut line) = (number, format!("{number}:"));
    for prime in 2..=number {
        while rest % prime == 0 {
            line += &format!(" {prime}");
            rest /= prime;
        }
    }
    line
}

fn alike(bytes: String) -> Exchange {
    (bytes.clone().into(), bytes.into())
}
