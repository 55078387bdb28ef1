//! A number with its noun: `1 byte`, `2 bytes`.

use std::fmt::Display;

/// A number of things, in words: the noun is given in the singular, and is an English one without an irregular plural.
///
/// ```
/// use common::support::count::count;
/// assert_eq!([0, 1, 2].map(|number| count(number, "byte")), ["0 bytes", "1 byte", "2 bytes"]);
/// assert_eq!([count(2u64, "reply"), count(2usize, "address")], ["2 replies", "2 addresses"]);
/// ```
pub fn count<N: Copy + Display + PartialEq + From<u8>>(number: N, noun: &str) -> String {
    if number == N::from(1) {
        return format!("{number} {noun}");
    }
    let vowel_before_y = ["ay", "ey", "oy", "uy"].iter().any(|end| noun.ends_with(end));
    match noun.strip_suffix('y') {
        Some(stem) if !vowel_before_y => format!("{number} {stem}ies"),
        _ if ["s", "x", "ch", "sh"].iter().any(|end| noun.ends_with(end)) => format!("{number} {noun}es"),
        _ => format!("{number} {noun}s"),
    }
}

/// A number with `one` behind 1, and with `many` behind every other: for words that [`count`] does not know.
pub fn counted<N: Copy + Display + PartialEq + From<u8>>(number: N, one: &str, many: &str) -> String {
    format!("{number} {}", if number == N::from(1) { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_all_else_is_plural() {
        for (number, noun, text) in [
            (0, "message", "0 messages"),
            (1, "message", "1 message"),
            (2, "message", "2 messages"),
            (1, "reply", "1 reply"),
            (3, "reply", "3 replies"),
            (3, "day", "3 days"),
            (2, "address", "2 addresses"),
            (2, "switch", "2 switches"),
        ] {
            assert_eq!(count(number, noun), text);
        }
        assert_eq!((count(1u64, "byte"), count(1usize, "byte")), ("1 byte".into(), "1 byte".into()));
    }
}
