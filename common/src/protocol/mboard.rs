//! The message board's text PDUs, requests: code, colon, argument. Notes, chapter 2 (UDP) and *message board over TCP*.
//!
//! ```text
//! 1:Hello world!     PUBLISH        → 0
//! 2:10               LAST           → 0:3:4:5           ids of the last ten, oldest first
//! 3:4                GET            → 0:1795198052.42:127.0.0.1:34234:Hello world!
//! 4:10               LAST, JOINED   → 0:<time> <ip> <port> <text>:<time> …           over TCP only
//! 5:10               LAST, COUNTED  → 0:<length>:<time> <ip> <port> <text><length>:…   over TCP only, ours
//! 7:0                CURRENT TIME   → 0:1795198060.17                                 homework
//! 8:4                DELIVERY TIME  → 0:1795198052.42                                 homework
//! ```
//!
//! A PDU has no length: over UDP it is the datagram, over TCP the whole stream up to the half-close. Texts are bytes, not
//! strings: the board never looks inside.
//!
//! Code 4 is how the notes save the round trips of LAST and one GET per id, and it has a flaw: a `:` in a text reads as the
//! end of that message. It stays exactly so for the course's old clients. Code 5 writes a length before each message instead.
//!
//! Servers write responses with [`response`], clients read them with [`received`].

pub mod received;
pub mod response;

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How the PDUs travel, which decides the codes, the limits and the shortest request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// A datagram each: all codes but 4 and 5.
    Udp,
    /// Blocks over UDP, put together by the session protocol: the same codes, but as long as over TCP.
    Session,
    /// A connection each: all codes.
    Tcp,
}

impl Transport {
    /// The longest request in bytes. One that is longer is a bad format.
    pub const fn request_limit(self) -> usize {
        match self {
            // 2^16 − 32, as the notes' programs have it; a datagram over IPv4 could carry three bytes more.
            Transport::Udp => 65_504,
            Transport::Session | Transport::Tcp => 200 << 20,
        }
    }

    /// The longest response in bytes: [`response`] cuts what would be longer.
    pub const fn response_limit(self) -> usize {
        match self {
            Transport::Udp => 65_504,
            // Room for the time and the address, so that every text that came in can go out.
            Transport::Session | Transport::Tcp => self.request_limit() + 256,
        }
    }

    /// The longest text that one request can publish, in bytes: 65502 over UDP. A client cuts what is longer, and says so.
    pub const fn text_limit(self) -> usize {
        self.request_limit() - b"1:".len()
    }

    /// The shortest request in bytes. The notes' TCP server hangs up on two bytes: over TCP no empty text can be published.
    const fn shortest_request(self) -> usize {
        match self {
            Transport::Udp | Transport::Session => 2,
            Transport::Tcp => 3,
        }
    }
}

/// The number of a message: 0 for the first on the board, then one more for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Id(pub u64);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a client asks. The counts are of the newest messages; 0 means all of them, and so does more than there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request<'a> {
    /// Code 1: put this text on the board. It may be empty, except over TCP.
    Publish(&'a [u8]),
    /// Code 2: the ids of the last so many messages.
    Last(u64),
    /// Code 3: one message.
    Get(Id),
    /// Code 4: the last so many messages with `:` between them. A text with a `:` breaks the list.
    LastJoined(u64),
    /// Code 5: the last so many messages, each with its length before it.
    LastCounted(u64),
    /// Code 7: what the server's clock shows. The number behind it says nothing: a request over TCP has at least three bytes.
    CurrentTime,
    /// Code 8: when this message was delivered to the board, by the server's clock.
    DeliveryTime(Id),
}

/// Why bytes are no request; each has its response code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum BadRequest {
    /// Too short, too long, or the argument is not a number where one must be.
    #[error("bad format")]
    Format,
    /// Not a known code with a colon behind it.
    #[error("unknown control code")]
    UnknownControl,
}

impl<'a> Request<'a> {
    /// Reads a whole PDU.
    ///
    /// A number is decimal digits; spaces and a line end around it are taken, as `echo 2:0 | nc -u …` sends one and the notes'
    /// server takes it. A number too big for 64 bits counts as the biggest: "more than there are".
    ///
    /// # Errors
    /// [`BadRequest`], which is also the answer.
    pub fn parse(pdu: &'a [u8], transport: Transport) -> Result<Request<'a>, BadRequest> {
        if !(transport.shortest_request()..=transport.request_limit()).contains(&pdu.len()) {
            return Err(BadRequest::Format);
        }
        let tcp = transport == Transport::Tcp;
        match pdu {
            [b'1', b':', text @ ..] => Ok(Request::Publish(text)),
            [b'2', b':', count @ ..] => Ok(Request::Last(number(count)?)),
            [b'3', b':', id @ ..] => Ok(Request::Get(Id(number(id)?))),
            [b'4', b':', count @ ..] if tcp => Ok(Request::LastJoined(number(count)?)),
            [b'5', b':', count @ ..] if tcp => Ok(Request::LastCounted(number(count)?)),
            [b'7', b':', any @ ..] => number(any).map(|_| Request::CurrentTime),
            [b'8', b':', id @ ..] => Ok(Request::DeliveryTime(Id(number(id)?))),
            _ => Err(BadRequest::UnknownControl),
        }
    }

    /// The PDU of this request. Its length is not checked: see [`Transport::text_limit`].
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Request::Publish(text) => [b"1:", *text].concat(),
            Request::Last(count) => format!("2:{count}").into_bytes(),
            Request::Get(id) => format!("3:{id}").into_bytes(),
            Request::LastJoined(count) => format!("4:{count}").into_bytes(),
            Request::LastCounted(count) => format!("5:{count}").into_bytes(),
            Request::CurrentTime => b"7:0".to_vec(),
            Request::DeliveryTime(id) => format!("8:{id}").into_bytes(),
        }
    }
}

fn number(argument: &[u8]) -> Result<u64, BadRequest> {
    let digits = argument.trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(BadRequest::Format);
    }
    Ok(digits.iter().fold(0u64, |n, digit| n.saturating_mul(10).saturating_add(u64::from(digit - b'0'))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn udp(pdu: &[u8]) -> Result<Request<'_>, BadRequest> {
        Request::parse(pdu, Transport::Udp)
    }

    fn tcp(pdu: &[u8]) -> Result<Request<'_>, BadRequest> {
        Request::parse(pdu, Transport::Tcp)
    }

    #[test]
    fn requests_of_the_notes() {
        assert_eq!(udp(b"1:Hello world!"), Ok(Request::Publish(b"Hello world!")));
        assert_eq!(udp(b"2:10"), Ok(Request::Last(10)));
        assert_eq!(udp(b"3:4325204352"), Ok(Request::Get(Id(4_325_204_352))));
        assert_eq!(tcp(b"4:10"), Ok(Request::LastJoined(10)));
        assert_eq!(tcp(b"5:10"), Ok(Request::LastCounted(10)));
    }

    #[test]
    fn requests_of_the_homework() {
        for transport in [Transport::Udp, Transport::Session, Transport::Tcp] {
            assert_eq!(Request::parse(b"7:0", transport), Ok(Request::CurrentTime));
            assert_eq!(Request::parse(b"8:12", transport), Ok(Request::DeliveryTime(Id(12))));
            for bad in ["7:x", "8:", "8:x"] {
                assert_eq!(Request::parse(bad.as_bytes(), transport), Err(BadRequest::Format), "{bad}");
            }
        }
    }

    #[test]
    fn texts_are_any_bytes() {
        assert_eq!(udp(b"1:"), Ok(Request::Publish(b"")));
        assert_eq!(udp(b"1:a:b\n\xff"), Ok(Request::Publish(b"a:b\n\xff")));
    }

    #[test]
    fn numbers_are_digits_and_nothing_else() {
        for bad in
            ["2:x", "2:2:3", "3:abc", "2:", "2:-1", "2:+1", "2:1_000", "2:1.0", "2: ", "3:1 2", "2:\u{b2}"]
        {
            assert_eq!(udp(bad.as_bytes()), Err(BadRequest::Format), "{bad}");
            assert_eq!(Request::parse(bad.as_bytes(), Transport::Session), Err(BadRequest::Format), "{bad}");
        }
        assert_eq!(tcp(b"4:x"), Err(BadRequest::Format));
        assert_eq!(tcp(b"5:x"), Err(BadRequest::Format));
        assert_eq!(udp(b"2:0\n"), Ok(Request::Last(0)));
        assert_eq!(udp(b"2:99999999999999999999999"), Ok(Request::Last(u64::MAX)));
    }

    #[test]
    fn what_is_no_code_and_colon_is_unknown() {
        for unknown in ["9:x", "1xhello", "2x", "::", "12:0", "\u{0}\u{0}", "4:1", "5:1"] {
            assert_eq!(udp(unknown.as_bytes()), Err(BadRequest::UnknownControl), "{unknown}");
        }
        assert_eq!(tcp(b"6:1"), Err(BadRequest::UnknownControl));
    }

    #[test]
    fn short_requests_are_bad() {
        for short in [b"".as_slice(), b"1", b"2", b":"] {
            assert_eq!(udp(short), Err(BadRequest::Format));
            assert_eq!(tcp(short), Err(BadRequest::Format));
        }
        assert_eq!(tcp(b"1:"), Err(BadRequest::Format));
        assert_eq!(tcp(b"9:"), Err(BadRequest::Format));
    }

    #[test]
    fn the_longest_text_fits_and_one_byte_more_does_not() {
        assert_eq!(Transport::Udp.text_limit(), 65_502);
        let text = vec![b'x'; Transport::Udp.text_limit() + 1];
        let fits = Request::Publish(&text[1..]).encode();
        assert_eq!(fits.len(), 65_504);
        assert_eq!(udp(&fits), Ok(Request::Publish(&text[1..])));
        assert_eq!(udp(&Request::Publish(&text).encode()), Err(BadRequest::Format));
    }

    proptest! {
        #[test]
        fn any_bytes_do_no_harm_and_what_is_read_is_written_alike(
            bytes in prop::collection::vec(prop_oneof![b'0'..=b':', any::<u8>()], 0..40),
        ) {
            for transport in [Transport::Udp, Transport::Session, Transport::Tcp] {
                if let Ok(request) = Request::parse(&bytes, transport) {
                    let encoded = request.encode();
                    prop_assert_eq!(Request::parse(&encoded, transport), Ok(request));
                }
            }
        }
    }
}
