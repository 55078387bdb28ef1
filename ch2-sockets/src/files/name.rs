//! The name of a file in the dump: one plain name, which cannot lead out of the directory.
//!
//! A name comes from a stranger and ends up in `open(2)`. So it is parsed once, where it enters, and what has the type
//! [`FileName`] needs no second look:
//!
//! ```text
//!   report.txt      a name
//!   ../secret       `/` leads elsewhere          .upload-7    hidden: those names are the server's own
//!   /etc/passwd     so does an absolute path     a<NUL>b      the kernel would stop reading at the NUL
//!   .  ..           the directory, and its own   a<ESC>[2J    would clear the terminal of whoever lists
//! ```
//!
//! That a *link* inside the directory leads out of it is another matter: see [`dump`](super::dump).

use std::fmt;

use common::support::terminal::is_visible;
use thiserror::Error;

/// The longest name, in bytes: `NAME_MAX` of every Linux file system.
pub const LONGEST: usize = 255;

/// A name that is one component of a path, visible, printable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileName(String);

/// Why something is no name for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadName {
    /// No byte at all.
    #[error("a name is not empty")]
    Empty,
    /// More than 255 bytes.
    #[error("a name has at most {LONGEST} bytes")]
    TooLong,
    /// Begins with a dot: `.`, `..`, hidden files.
    #[error("a name does not begin with a dot")]
    Dot,
    /// Has a `/` in it.
    #[error("a name is no path: it has no `/` in it")]
    Path,
    /// Has NUL, a line break or another character in it of which nothing is seen: [`is_visible`].
    #[error("a name has only characters that can be seen")]
    Invisible,
    /// Not UTF-8.
    #[error("a name is UTF-8")]
    NotText,
}

impl FileName {
    /// Takes what somebody calls a name.
    ///
    /// # Errors
    /// [`BadName`], the first rule it breaks.
    pub fn parse(name: &[u8]) -> Result<FileName, BadName> {
        if name.is_empty() {
            return Err(BadName::Empty);
        }
        if name.len() > LONGEST {
            return Err(BadName::TooLong);
        }
        let text = std::str::from_utf8(name).map_err(|_| BadName::NotText)?;
        match text {
            text if text.contains('/') => Err(BadName::Path),
            text if text.starts_with('.') => Err(BadName::Dot),
            text if !text.chars().all(is_visible) => Err(BadName::Invisible),
            text => Ok(FileName(text.to_owned())),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_name_is_a_name() {
        let longest = "x".repeat(LONGEST);
        for name in ["a", "report.txt", "two words", "a:b", "-rf", "a..b", "täht.txt", &longest] {
            assert_eq!(FileName::parse(name.as_bytes()).unwrap().as_str(), name);
        }
    }

    #[test]
    fn what_leads_elsewhere_or_harms_is_none() {
        let long = "x".repeat(LONGEST + 1);
        for (name, why) in [
            (&b""[..], BadName::Empty),
            (long.as_bytes(), BadName::TooLong),
            (b".", BadName::Dot),
            (b"..", BadName::Dot),
            (b".bashrc", BadName::Dot),
            (b"../x", BadName::Path),
            (b"/etc/passwd", BadName::Path),
            (b"a/b", BadName::Path),
            (b"a/", BadName::Path),
            (b"a\0b", BadName::Invisible),
            (b"a\nb", BadName::Invisible),
            (b"\x1b[2J", BadName::Invisible),
            ("a\u{202e}txt.exe".as_bytes(), BadName::Invisible),
            ("a\u{200b}".as_bytes(), BadName::Invisible),
            (b"\xff", BadName::NotText),
        ] {
            assert_eq!(FileName::parse(name), Err(why), "{}", name.escape_ascii());
        }
    }
}
