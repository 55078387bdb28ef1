//! The digest that follows the bytes of a file: SHA-256, written as sha256sum(1) writes it.

use sha2::{Digest as _, Sha256};

/// Hexadecimal digits of a digest.
pub const DIGEST: usize = 64;

/// The digest of a file, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest(String);

impl Digest {
    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads exactly [`DIGEST`] digits.
    #[must_use]
    pub fn parse(digits: &[u8]) -> Option<Digest> {
        let whole = digits.len() == DIGEST && digits.iter().all(Digest::is_digit);
        whole.then(|| Digest(String::from_utf8_lossy(digits).into_owned()))
    }

    /// Whether a byte is a digit of a digest: 0 to 9, a to f.
    #[must_use]
    pub fn is_digit(byte: &u8) -> bool {
        matches!(byte, b'0'..=b'9' | b'a'..=b'f')
    }
}

/// Computes the digest of a file while its bytes go by.
#[derive(Default)]
pub struct Digester(Sha256);

impl Digester {
    /// More bytes of the file.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all of them.
    #[must_use]
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}
