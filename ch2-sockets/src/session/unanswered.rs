//! Which datagrams a server answers, so that two servers never talk to each other for ever (CVE-2024-2169 is of this class).
//!
//! ```text
//! attacker ── "from B: z" ──▶ A        if A answered that with z, B would answer A's z with z,
//!                   A ── z ──▶ B       and so on, as fast as both can
//! ```
//!
//! One forged datagram is enough to begin that, and nothing ends it. So no answer of ours is ever answered, and nor is what
//! cannot be read at all. The table is in `ch2-sockets/README.md`, section 16.

/// Whether a datagram of text may be a client's request, even one with mistakes in it: then it gets an answer. The rest is
/// an answer of some server, or noise, and gets none.
///
/// The protocol requires an answer to these mistakes: an unknown code (`9:x`, `2x`, `q?0`), and a request that is cut short (an
/// empty one, one byte). Of one byte only those count that no server answers with.
pub fn may_be_request(datagram: &[u8]) -> bool {
    match datagram {
        [] => true,
        [byte] => !b"01234yz".contains(byte),   // the answers of one byte
        [b'0', ..] | [b'1', b'?', ..] => false, // 0:…, 0?…, 1?<token>
        // An opening of the extension is long and has one form. Another one was damaged on the way.
        [b'a', b'?', number @ ..] => number.len() < 16,
        [b'1'..=b'9', ..] | [b'a'..=b'z', b'?', ..] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::pdu::ResponsePdu;
    use super::*;
    use common::protocol::UnixTime;
    use common::protocol::mboard::response::{self, Posted, Status};
    use common::protocol::mboard::{Id, Transport};

    #[test]
    fn no_answer_of_a_server_may_be_a_request() {
        let mut answers = Vec::new();
        let mut add = |write: &dyn Fn(&mut Vec<u8>)| {
            let mut answer = Vec::new();
            write(&mut answer);
            answers.push(answer);
        };
        for status in [
            Status::Ok,
            Status::BadFormat,
            Status::MessageNotFound,
            Status::UnknownControl,
            Status::TransmissionError,
        ] {
            add(&|out| response::encode_status(status, out));
        }
        add(&|out| response::encode_ids([Id(7), Id(8)].into_iter(), Transport::Udp, out));
        let posted = Posted { time: UnixTime::default(), from: ([127, 0, 0, 1], 1).into(), text: b"1:hello" };
        add(&|out| response::encode_message(&posted, Transport::Udp, out));
        for pdu in [
            ResponsePdu::Done(0),
            ResponsePdu::Done(17),
            ResponsePdu::Token(1),
            ResponsePdu::WrongLength,
            ResponsePdu::NotUnderstood,
        ] {
            add(&|out| pdu.encode(out));
        }
        for answer in answers {
            assert!(!may_be_request(&answer), "{}", answer.escape_ascii());
        }
    }

    #[test]
    fn a_request_with_a_mistake_is_answered_and_noise_is_not() {
        for mistake in ["", "9", "9:x", "1xhello", "2x", "2:x", "3", "1:", "q?0", "b", "a", "b?x", "c?"] {
            assert_eq!(may_be_request(mistake.as_bytes()), mistake != "3", "{mistake}");
        }
        for noise in ["zzz", "\u{0}\u{0}", "hello", "Q?0", " 2:0", "a?0000000000000003", "::", "??"] {
            assert!(!may_be_request(noise.as_bytes()), "{noise}");
        }
    }
}
