//! `%` and two hexadecimal digits: a byte that a URL cannot carry as it is (RFC 3986 section 2.1).

/// What a path says when each of them is the byte that it stands for; `None` when a `%` stands before something else. What is not
/// UTF-8 then is nobody's name.
pub(super) fn decode(path: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(path.len()), path);
    while let Some((plain, coded)) = rest.split_once('%') {
        bytes.extend_from_slice(plain.as_bytes());
        let digits = coded.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &coded[2..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some(
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    )
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn percent_and_two_digits_are_a_byte() {
        for (path, says) in
            [("/a", "/a"), ("/%61%2Fb%3f%25", "/a/b?%"), ("/%C3%b6", "/\u{f6}"), ("/%ff", "/\u{fffd}")]
        {
            assert_eq!(decode(path).as_deref(), Some(says), "{path}");
        }
        for path in ["/%", "/%1", "/%g1", "/%+1", "/a%2", "/%%", "/%\u{e9}"] {
            assert_eq!(decode(path), None, "{path}");
        }
    }
}
