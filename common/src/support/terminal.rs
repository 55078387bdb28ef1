//! Text of strangers, shown so that it deceives nobody: names whose characters can all be seen, and a message that stays on its line.
//!
//! | what | why it deceives | [in a name](is_visible) | [on a line](line()) |
//! |---|---|---|---|
//! | a line break | what follows looks like a line of its own, from another author | refused | `\n`, `\r` |
//! | any other control character | a terminal obeys it: moves, erases, renames itself | refused | `U+FFFD` |
//! | U+202E and its like | it changes the order of what follows (Unicode Standard Annex 9) | refused | `U+FFFD` |
//! | U+200B and its like | it is not seen, so two names look like one, and text hides in text | refused | `U+FFFD` |
//! | a joiner, a variation selector | it is not seen either | refused | as it is |
//!
//! Persian, some Indian scripts and many an emoji need the last kind: they stay in a text, and a name can do without.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::LazyLock;

use regex_syntax::hir::{Class, ClassUnicode, HirKind};

/// Characters of which nothing is seen, in the words of the Unicode Standard, and U+2800, a Braille cell without a dot.
static INVISIBLE: LazyLock<ClassUnicode> = LazyLock::new(|| {
    class(concat!(
        r"[[\p{Control}\p{Format}\p{Line_Separator}\p{Paragraph_Separator}\p{Default_Ignorable_Code_Point}\u{2800}]",
        r"--\p{Prepended_Concatenation_Mark}]", // of category Format, and seen: signs of Arabic and Syriac
    ))
});

/// Of these, what must not reach a terminal.
static DECEPTIVE: LazyLock<ClassUnicode> = LazyLock::new(|| {
    let mut deceptive = INVISIBLE.clone();
    deceptive.difference(&class(r"[\t\p{Join_Control}\p{Variation_Selector}]"));
    deceptive
});

/// A set of characters, written as in a regular expression.
fn class(pattern: &str) -> ClassUnicode {
    match regex_syntax::parse(pattern).map(regex_syntax::hir::Hir::into_kind) {
        Ok(HirKind::Class(Class::Unicode(class))) => class,
        other => unreachable!("a constant pattern is one class: {other:?}"),
    }
}

fn contains(class: &ClassUnicode, character: char) -> bool {
    class
        .ranges()
        .binary_search_by(|range| {
            if range.end() < character {
                Ordering::Less
            } else if character < range.start() {
                Ordering::Greater
            } else {
                Ordering::Equal
            }
        })
        .is_ok()
}

/// Whether something is seen of this character. A space is, by what stands around it.
#[must_use]
pub fn is_visible(character: char) -> bool {
    !contains(&INVISIBLE, character)
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

/// The same for bytes that came from a peer: what is no text is shown as `U+FFFD`.
///
/// Every program shows a peer's bytes with this. A test (`strangers` in `common/tests/it`) reads the sources for one that does not.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    line(&String::from_utf8_lossy(bytes)).into_owned()
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

/// Whether a terminal would obey it, or show something else than what was written.
fn deceives(character: char) -> bool {
    !matches!(character, ' '..='~') && contains(&DECEPTIVE, character)
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
        assert!(is_visible('\u{6dd}'), "an Arabic sign of category Format");
    }

    #[test]
    fn a_line_stays_a_line_and_runs_forward() {
        assert_eq!(line("a\r\nb\u{85}c\u{2028}d\u{202e}e"), "a\\r\\nb\u{fffd}c\u{fffd}d\u{fffd}e");
        for character in "\0\x1b\x7f\u{ad}\u{61c}\u{200b}\u{200e}\u{202a}\u{202d}\u{2060}\u{2066}\u{2069}\u{3164}\u{feff}\u{e0041}".chars() {
            assert_eq!(line(&format!("a{character}b")), "a\u{fffd}b", "{character:?}");
        }
        assert_eq!(line("tab\t, C:\\new, 👩\u{200d}🚀 ❤\u{fe0f}"), "tab\t, C:\\new, 👩\u{200d}🚀 ❤\u{fe0f}");
        assert_eq!(*line_of_bytes(b"a\r\n\xff\x1b\0b\n"), *b"a\\r\\n\xff\x1b\0b\\n");
        assert_eq!(*line_of_bytes(b"\xff"), *b"\xff");
        assert_eq!(text(b"a\x1b\xff\n"), "a\u{fffd}\u{fffd}\\n");
    }
}
