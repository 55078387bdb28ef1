//! One request of the text protocol answered from the board: what UDP, TCP and session servers all call.
//!
//! ```text
//! bytes ──▶ Request::parse ──▶ board ──▶ response::encode_… ──▶ bytes
//! ```

use std::net::SocketAddr;

use super::messages::{Board, Message};
use crate::protocol::UnixTime;
use crate::protocol::mboard::response::{self, Status};
use crate::protocol::mboard::{Request, Transport};

/// The response to the request `pdu`, never longer than [`Transport::response_limit`] and never empty.
///
/// `from` and `now` are what a published message is marked with. The whole answer is copied out, since it crosses a lock and
/// a thread or a process on its way to the socket; [`Board::last_messages`] shares the texts where that is too dear.
pub fn answer(
    pdu: &[u8],
    transport: Transport,
    board: &mut Board,
    from: SocketAddr,
    now: UnixTime,
) -> Vec<u8> {
    let mut response = Vec::new();
    answer_into(&mut response, pdu, transport, board, from, now);
    response
}

/// The same, appended to a buffer that the caller keeps: for the server that answers one request after the other.
pub fn answer_into(
    out: &mut Vec<u8>,
    pdu: &[u8],
    transport: Transport,
    board: &mut Board,
    from: SocketAddr,
    now: UnixTime,
) {
    let request = match Request::parse(pdu, transport) {
        Ok(request) => request,
        Err(bad) => return response::encode_status(bad.into(), out),
    };
    match request {
        Request::Publish(text) => {
            let status = match board.publish(text, from, now) {
                Ok(_) => Status::Ok,
                // The protocol is older than the limit and has no code for it.
                Err(_full) => Status::BadFormat,
            };
            response::encode_status(status, out);
        }
        Request::Last(count) => response::encode_ids(board.last(count), transport, out),
        Request::Get(id) => match board.message(id) {
            Some(message) => response::encode_message(&message.posted(), transport, out),
            None => response::encode_status(Status::MessageNotFound, out),
        },
        Request::CurrentTime => response::encode_time(now, out),
        Request::DeliveryTime(id) => match board.message(id) {
            Some(message) => response::encode_time(message.time, out),
            None => response::encode_status(Status::MessageNotFound, out),
        },
        Request::LastJoined(count) => {
            response::encode_joined(board.last_messages(count).iter().map(Message::posted), transport, out);
        }
        Request::LastCounted(count) => {
            response::encode_counted(board.last_messages(count).iter().map(Message::posted), transport, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::Limits;
    use proptest::prelude::*;
    use std::time::Duration;

    /// A board, and one client of it that asks and reads text.
    struct Client(Board, Transport);

    impl Client {
        fn over(transport: Transport) -> Client {
            Client(Board::default(), transport)
        }

        fn ask(&mut self, request: impl AsRef<[u8]>) -> String {
            let from = SocketAddr::from(([127, 0, 0, 1], 34234));
            let now = UnixTime(Duration::from_millis(1_795_198_052_420));
            let response = answer(request.as_ref(), self.1, &mut self.0, from, now);
            response.escape_ascii().to_string()
        }
    }

    #[test]
    fn the_examples_of_the_board_over_udp() {
        let mut client = Client::over(Transport::Udp);
        assert_eq!(client.ask("2:0"), "0");
        assert_eq!(client.ask("1:x"), "0");
        assert_eq!(client.ask("1:"), "0");
        assert_eq!(client.ask("1:a:b"), "0");
        assert_eq!(client.ask("2:0"), "0:0:1:2");
        assert_eq!(client.ask("2:1"), "0:2");
        assert_eq!(client.ask("2:99"), "0:0:1:2");
        for bad in ["2:x", "2:2:3", "3:abc", "2:-1", "", "1", "9"] {
            assert_eq!(client.ask(bad), "1", "{bad:?}");
        }
        for unknown in ["9:x", "1xhello", "2x", "4:0", "5:0"] {
            assert_eq!(client.ask(unknown), "3", "{unknown:?}");
        }
        assert_eq!(client.ask("3:99"), "2");
        assert_eq!(client.ask("3:99999999999999999999"), "2");
        assert_eq!(client.ask("3:0"), "0:1795198052.42:127.0.0.1:34234:x");
        assert_eq!(client.ask("3:1"), "0:1795198052.42:127.0.0.1:34234:");
        assert_eq!(client.ask("3:2"), "0:1795198052.42:127.0.0.1:34234:a:b");
    }

    #[test]
    fn the_examples_of_the_board_over_tcp() {
        let mut client = Client::over(Transport::Tcp);
        assert_eq!(client.ask("4:0"), "0");
        assert_eq!(client.ask("5:0"), "0");
        for bad in ["", "1", "1:", "4:", "9:", "4:x", "4:-1", "5:x"] {
            assert_eq!(client.ask(bad), "1", "{bad:?}");
        }
        assert_eq!(client.ask("6:0"), "3");
        assert_eq!(client.ask("1:x"), "0");
        assert_eq!(client.ask("1:a:b"), "0");
        assert_eq!(client.ask("2:0"), "0:0:1");
        assert_eq!(client.ask("3:1"), "0:1795198052.42:127.0.0.1:34234:a:b");
        assert_eq!(client.ask("4:0"), "0:1795198052.42 127.0.0.1 34234 x:1795198052.42 127.0.0.1 34234 a:b");
        assert_eq!(client.ask("4:1"), "0:1795198052.42 127.0.0.1 34234 a:b");
        assert_eq!(client.ask("5:1"), "0:33:1795198052.42 127.0.0.1 34234 a:b");
    }

    #[test]
    fn the_times_of_the_homework() {
        for transport in [Transport::Udp, Transport::Session, Transport::Tcp] {
            let mut client = Client::over(transport);
            assert_eq!(client.ask("7:0"), "0:1795198052.42");
            assert_eq!(client.ask("8:0"), "2");
            assert_eq!(client.ask("1:x"), "0");
            let later = UnixTime(Duration::from_secs(1_795_198_060));
            let from = SocketAddr::from(([127, 0, 0, 1], 1));
            let mut ask = |request: &[u8]| answer(request, transport, &mut client.0, from, later);
            assert_eq!(ask(b"7:0"), b"0:1795198060.00");
            assert_eq!(ask(b"8:0"), b"0:1795198052.42", "when it was delivered, and not now");
        }
    }

    #[test]
    fn a_full_board_answers_bad_format() {
        let mut client = Client(Board::new(Limits { bytes: 3, messages: 9 }), Transport::Udp);
        assert_eq!(client.ask("1:abc"), "0");
        assert_eq!(client.ask("1:d"), "1");
        assert_eq!(client.ask("2:0"), "0:0");
    }

    #[test]
    fn a_datagram_carries_what_fits() {
        let mut client = Client::over(Transport::Udp);
        assert_eq!(client.ask([b"1:", vec![b'x'; 65_502].as_slice()].concat()), "0");
        assert_eq!(client.ask([b"1:", vec![b'x'; 65_503].as_slice()].concat()), "1");
        assert_eq!(client.ask("3:0").len(), 65_504);
    }

    proptest! {
        #[test]
        fn any_requests_get_an_answer(
            requests in prop::collection::vec(prop::collection::vec(prop_oneof![b'0'..=b':', any::<u8>()], 0..8), 0..20),
        ) {
            for transport in [Transport::Udp, Transport::Session, Transport::Tcp] {
                let mut client = Client::over(transport);
                for request in &requests {
                    prop_assert!(!client.ask(request).is_empty());
                }
            }
        }
    }
}
