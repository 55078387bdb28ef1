//! `host:port`, as it stands in a URL and in the field `Host` (RFC 3986 section 3.2).

/// Splits at the end of the host: the host without the brackets of IPv6, possibly empty, and the rest. `None` if it is no host.
pub(super) fn split_host(authority: &str) -> Option<(&str, &str)> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(&byte);
    match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once(']').filter(|(host, _)| {
            host.contains(':') && host.bytes().all(|byte| is_plain(byte) || byte == b':')
        }),
        None => Some(authority.split_at(authority.find(':').unwrap_or(authority.len())))
            .filter(|(host, _)| host.bytes().all(is_plain)),
    }
}

/// Whether it is a host, possibly empty, and after it nothing or a port, possibly empty.
pub(super) fn is_valid(authority: &str) -> bool {
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    split_host(authority)
        .is_some_and(|(_, rest)| rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_and_its_port() {
        for valid in ["", "a", "a.b:80", "a:", "[::1]", "[::1]:9", "127.0.0.1:1", "a%20b"] {
            assert!(is_valid(valid), "{valid}");
        }
        for invalid in [
            "a b",
            "user@a",
            "a:b",
            "a:1:2",
            "[::1",
            "[]",
            "[localhost]",
            "::1",
            "[::1]9",
            "a/b",
            "\u{e9}",
            "a\"b",
        ] {
            assert!(!is_valid(invalid), "{invalid}");
        }
        assert_eq!(split_host("[::1]:9"), Some(("::1", ":9")));
    }
}
