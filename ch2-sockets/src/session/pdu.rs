//! The original block protocol's PDUs: text with `?` between the fields. Notes, chapter 2, part 2.
//!
//! ```text
//! a?0                                     OPEN    → 0?<session>
//! b?<session>?<i>?<count>?<len>?<data>    BLOCK   → 0?<distinct blocks stored>     y: another length than announced
//! c?<session>                             CLOSE   → 0?1 delivered, 0?0 incomplete and thrown away
//!                                                 z: not understood, or no such session
//! a?0000000000000001                      OPEN with our number → 1?<token, 16 hex digits>       (an old server: 0?<session>)
//! ```
//!
//! Data may contain `?`: only five are split off. An old server never looks at what follows `a?`, so a number there asks a
//! new one for its extension without an old one noticing; padded, because a reply must not be longer than what asked for it.
//! More zeros make an opening as long as the datagrams that are to follow, and its reply too: the path is asked whether it carries
//! them (RFC 8899 in small).
//!
//! An opening has no check. But it has one form: of sixteen digits and more only a 1 after zeros is one, and what a flipped bit
//! makes of it is none.

/// What asks for the extension: 18 bytes, as many as the reply.
pub const OPEN_EXTENSION: &[u8; 18] = b"a?0000000000000001";

/// An opening of the extension of `length` bytes, at least [`OPEN_EXTENSION`]'s: zeros before the 1 make it longer. The answer is
/// filled up to the same length, so that the path carries datagrams of this length, both ways, if the answer comes.
pub fn open_extension(length: usize) -> Vec<u8> {
    padded(OPEN_EXTENSION, length)
}

/// A text PDU with a number, filled up with zeros before the number.
pub fn padded(pdu: &[u8], length: usize) -> Vec<u8> {
    let (code, number) = pdu.split_at(2);
    [code, &vec![b'0'; length.saturating_sub(pdu.len())], number].concat()
}

/// The original's request for a session.
pub const OPEN: &[u8; 3] = b"a?0";

/// The reply to a block whose data is not as long as it says: send it again.
pub const WRONG_LENGTH: &[u8; 1] = b"y";

/// The reply to what is not understood, or belongs to no session.
pub const NOT_UNDERSTOOD: &[u8; 1] = b"z";

/// What a client sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestPdu<'a> {
    /// A session for the block protocol, please.
    Open,
    /// A token for the extension, please.
    OpenExtension,
    /// One block of a message.
    Block {
        /// Number from the server.
        session: u64,
        /// Which block, from 0.
        index: u64,
        /// How many blocks the message has.
        count: u64,
        /// How long the data is, bytes; that it is so is for the receiver to check.
        length: u64,
        /// A piece of the message.
        data: &'a [u8],
    },
    /// All blocks were sent: deliver the message.
    Close {
        /// Number from the server.
        session: u64,
    },
}

impl<'a> RequestPdu<'a> {
    /// Reads a datagram; `None` if it is none of these.
    pub fn parse(datagram: &'a [u8]) -> Option<RequestPdu<'a>> {
        match datagram {
            [b'a', b'?', zeros @ .., b'1'] if zeros.len() >= 15 => {
                zeros.iter().all(|&digit| digit == b'0').then_some(RequestPdu::OpenExtension)
            }
            [b'a', b'?', number @ ..] if number.len() < 16 => decimal(number).map(|_| RequestPdu::Open),
            [b'b', b'?', rest @ ..] => {
                let mut fields = rest.splitn(5, |&byte| byte == b'?');
                let mut number = || decimal(fields.next()?);
                let (session, index, count, length) = (number()?, number()?, number()?, number()?);
                Some(RequestPdu::Block { session, index, count, length, data: fields.next()? })
            }
            [b'c', b'?', session @ ..] => Some(RequestPdu::Close { session: decimal(session)? }),
            _ => None,
        }
    }

    /// Appends the datagram to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            RequestPdu::Open => out.extend_from_slice(OPEN),
            RequestPdu::OpenExtension => out.extend_from_slice(OPEN_EXTENSION),
            RequestPdu::Block { session, index, count, length, data } => {
                out.extend_from_slice(format!("b?{session}?{index}?{count}?{length}?").as_bytes());
                out.extend_from_slice(data);
            }
            RequestPdu::Close { session } => out.extend_from_slice(format!("c?{session}").as_bytes()),
        }
    }
}

/// What a server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponsePdu {
    /// A session number, a count of blocks, or 1 for delivered and 0 for incomplete: it depends on what was asked.
    Done(u64),
    /// The server speaks our extension: the token for it.
    Token(u64),
    /// The block came with another length: send it again.
    WrongLength,
    /// Not understood.
    NotUnderstood,
}

impl ResponsePdu {
    /// Reads a datagram; `None` if it is none of these.
    pub fn parse(datagram: &[u8]) -> Option<ResponsePdu> {
        match datagram {
            [b'0', b'?', number @ ..] => decimal(number).map(ResponsePdu::Done),
            [b'1', b'?', zeros @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] => {
                let token = &datagram[2 + zeros.len()..];
                zeros
                    .iter()
                    .all(|&digit| digit == b'0')
                    .then(|| hexadecimal(token))
                    .flatten()
                    .map(ResponsePdu::Token)
            }
            b"y" => Some(ResponsePdu::WrongLength),
            b"z" => Some(ResponsePdu::NotUnderstood),
            _ => None,
        }
    }

    /// Appends the datagram to `out`.
    pub fn encode(self, out: &mut Vec<u8>) {
        match self {
            ResponsePdu::Done(number) => out.extend_from_slice(format!("0?{number}").as_bytes()),
            ResponsePdu::Token(token) => out.extend_from_slice(format!("1?{token:016x}").as_bytes()),
            ResponsePdu::WrongLength => out.extend_from_slice(WRONG_LENGTH),
            ResponsePdu::NotUnderstood => out.extend_from_slice(NOT_UNDERSTOOD),
        }
    }
}

/// Digits only, as many as a `u64` has: no sign, no space, not nothing.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(digits).ok()?.parse().ok()
}

/// Sixteen hex digits.
fn hexadecimal(digits: &[u8]) -> Option<u64> {
    if digits.len() != 16 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u64::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_examples() {
        assert_eq!(RequestPdu::parse(b"a?0"), Some(RequestPdu::Open));
        assert_eq!(RequestPdu::parse(b"a?7"), Some(RequestPdu::Open));
        assert_eq!(RequestPdu::parse(OPEN_EXTENSION), Some(RequestPdu::OpenExtension));
        assert_eq!(
            RequestPdu::parse(b"b?17?0?3?5?a?b?c"),
            Some(RequestPdu::Block { session: 17, index: 0, count: 3, length: 5, data: b"a?b?c" })
        );
        assert_eq!(
            RequestPdu::parse(b"b?17?0?3?5?"),
            Some(RequestPdu::Block { session: 17, index: 0, count: 3, length: 5, data: b"" })
        );
        assert_eq!(RequestPdu::parse(b"c?17"), Some(RequestPdu::Close { session: 17 }));
    }

    #[test]
    fn what_is_not_a_pdu_is_refused() {
        let cases: [&[u8]; 16] = [
            b"a?0000000000000003",
            b"a?0000000010000001",
            b"",
            b"a",
            b"b",
            b"c",
            b"a?",
            b"c?",
            b"c?x",
            b"c?-1",
            b"c?+1",
            b"b?1?2?3",
            b"b?1?2?3?4",
            b"d?1",
            b"c?99999999999999999999",
            b"c? 1",
        ];
        for bytes in cases {
            assert_eq!(RequestPdu::parse(bytes), None, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_token_has_sixteen_digits() {
        let mut bytes = Vec::new();
        ResponsePdu::Token(0xab).encode(&mut bytes);
        assert_eq!(bytes, b"1?00000000000000ab");
        assert_eq!(bytes.len(), OPEN_EXTENSION.len());
        assert_eq!(ResponsePdu::parse(&bytes), Some(ResponsePdu::Token(0xab)));
        assert_eq!(ResponsePdu::parse(b"1?ab"), None);
        let longer = padded(&bytes, 1400);
        assert_eq!((longer.len(), ResponsePdu::parse(&longer)), (1400, Some(ResponsePdu::Token(0xab))));
        assert_eq!(RequestPdu::parse(&open_extension(1400)), Some(RequestPdu::OpenExtension));
        assert_eq!((&open_extension(0)[..], open_extension(1400).len()), (&OPEN_EXTENSION[..], 1400));
    }

    proptest! {
        #[test]
        fn any_bytes_do_no_harm(bytes: Vec<u8>) {
            let _ = (RequestPdu::parse(&bytes), ResponsePdu::parse(&bytes));
        }

        #[test]
        fn nearly_right_bytes_do_no_harm(bytes in "[abc01][?][0-9?x]{0,40}") {
            let _ = (RequestPdu::parse(bytes.as_bytes()), ResponsePdu::parse(bytes.as_bytes()));
        }

        #[test]
        fn a_block_comes_back_as_it_was(session: u64, index: u64, count: u64, length: u64, data: Vec<u8>) {
            let block = RequestPdu::Block { session, index, count, length, data: &data };
            let mut bytes = Vec::new();
            block.encode(&mut bytes);
            prop_assert_eq!(RequestPdu::parse(&bytes), Some(block));
        }

        #[test]
        fn a_response_comes_back_as_it_was(number: u64) {
            for response in [ResponsePdu::Done(number), ResponsePdu::Token(number), ResponsePdu::WrongLength] {
                let mut bytes = Vec::new();
                response.encode(&mut bytes);
                prop_assert_eq!(ResponsePdu::parse(&bytes), Some(response));
            }
        }
    }
}
