//! What a datagram of a session is, in a few words: for the recording and the pictures of the lossy link.

use super::datagram::{Ack, Data, Refusal, Side, block_count};

/// What a datagram of the extension is, for the link's pictures; `None` when it is none.
///
/// `request 2/7` is block 2 of seven, counted from 0; `ack 2 +3` says that all before 2 is here, and 3.
pub fn label(bytes: &[u8]) -> Option<String> {
    match bytes.first()? {
        b'D' => {
            let (data, _) = Data::parse(bytes)?;
            let side = match data.side {
                Side::Request => "request",
                Side::Response => "response",
            };
            Some(format!("{side} {}/{}", data.block, block_count(data.length, data.block_size)?))
        }
        b'K' => {
            let (ack, ranges) = Ack::parse(bytes)?;
            let ranges = ranges.map(|(first, end)| match end - first {
                1 => format!(" +{first}"),
                _ => format!(" +{first}-{}", end - 1),
            });
            Some(format!("ack {}{}", ack.cumulative, ranges.collect::<String>()))
        }
        b'X' => Refusal::parse(bytes).map(|_| "refused".into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_of_a_session_say_what_they_are() {
        let data = Data {
            side: Side::Request,
            block_size: 1368,
            token: 1,
            exchange: 0,
            sequence: 9,
            length: 9002,
            block: 6,
        };
        let payload = [b'x'; 9002 - 6 * 1368];
        let mut bytes = data.encode(&payload).to_vec();
        bytes.extend(payload);
        assert_eq!(label(&bytes).as_deref(), Some("request 6/7"));
        bytes[40] ^= 1;
        assert_eq!(label(&bytes), None, "not whole: only its bytes can be shown");

        let ack = Ack {
            side: Side::Response,
            token: 1,
            exchange: 0,
            largest: 9,
            delay: 0,
            cumulative: 2,
            window: 8,
        };
        for (ranges, expected) in
            [(vec![], "ack 2"), (vec![(3, 4), (6, 7)], "ack 2 +3 +6"), (vec![(3, 6)], "ack 2 +3-5")]
        {
            let mut bytes = Vec::new();
            ack.encode(ranges.into_iter(), &mut bytes);
            assert_eq!(label(&bytes).as_deref(), Some(expected));
        }
    }
}
