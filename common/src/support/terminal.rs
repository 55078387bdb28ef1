//! What strangers write, shown so that it deceives nobody: names whose characters can all be seen, and a message that stays on its line.
//!
//! | what | why it deceives | [in a name](is_visible) | [on a line](line()) |
//! |---|---|---|---|
//! | a line break | what follows looks like a line of its own, by whoever it says | refused | `\n`, `\r` |
//! | any other control character | a terminal obeys it: moves, erases, renames itself | refused | `U+FFFD` |
//! | U+202E and its like | it turns round the order of what follows (Unicode Standard Annex 9) | refused | `U+FFFD` |
//! | U+200B and its like | it is not seen, so two names look like one | refused | as it is |

use std::borrow::Cow;

/// What Unicode 16 gives a character that is to be shown, and of which nothing is seen: `Default_Ignorable_Code_Point`, the rest of
/// the general categories Cf, Zl and Zp as far as a font shows nothing, and U+2800, a Braille cell without a dot.
const INVISIBLE: [(char, char); 21] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d159}', '\u{1d159}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Whether something is seen of this character. A space is, by what stands around it.
///
/// Some letters are made of two characters, of which one is not seen: Persian, some Indian scripts and many an emoji. They are the
/// price; a name can do without.
#[must_use]
pub fn is_visible(character: char) -> bool {
    !character.is_control() && !INVISIBLE.iter().any(|&(first, last)| (first..=last).contains(&character))
}

/// A text for one line of a terminal, which obeys some characters.
///
/// ```
/// assert_eq!(common::support::terminal::line("two\nlines, \x1b[31mred\ttab"), "two\\nlines, \u{fffd}[31mred\ttab");
/// ```
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    if !text.contains(deceives) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            character if deceives(character) => shown.push('\u{fffd}'),
            character => shown.push(character),
        }
    }
    Cow::Owned(shown)
}

/// The same for a file or a pipe, which obey nothing: any bytes, as they are but for the line breaks.
#[must_use]
pub fn line_of_bytes(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        return Cow::Borrowed(text);
    }
    let mut shown = Vec::with_capacity(text.len() + 2);
    for &byte in text {
        match byte {
            b'\n' => shown.extend_from_slice(b"\\n"),
            b'\r' => shown.extend_from_slice(b"\\r"),
            byte => shown.push(byte),
        }
    }
    Cow::Owned(shown)
}

/// Whether it is no character of a line, or changes where the others of the line stand.
fn deceives(character: char) -> bool {
    (character.is_control() && character != '\t')
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_nothing_that_is_not_seen() {
        assert!("Ann-Õie Ж 漢字 😀 e\u{301}".chars().all(is_visible));
        for character in "\0\n\u{7f}\u{85}\u{ad}\u{200b}\u{200d}\u{202e}\u{2066}\u{2028}\u{3164}\u{fe0f}\u{feff}\u{e0041}\u{e01ef}".chars() {
            assert!(!is_visible(character), "{character:?}");
        }
        assert!(INVISIBLE.is_sorted(), "and none overlaps the next");
        assert!(INVISIBLE.windows(2).all(|pair| pair[0].1 < pair[1].0));
    }

    #[test]
    fn a_line_stays_a_line_and_runs_forward() {
        assert_eq!(line("a\r\nb\u{85}c\u{2028}d\u{202e}e"), "a\\r\\nb\u{fffd}c\u{fffd}d\u{fffd}e");
        assert_eq!(line("tab\t, C:\\new, 👩\u{200d}🚀"), "tab\t, C:\\new, 👩\u{200d}🚀");
        assert_eq!(*line_of_bytes(b"a\r\n\xff\x1b\0b\n"), *b"a\\r\\n\xff\x1b\0b\\n");
        assert_eq!(*line_of_bytes(b"\xff"), *b"\xff");
    }
}
