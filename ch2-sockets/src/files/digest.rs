//! The digest that follows the bytes of a file: SHA-256, written as sha256sum(1) writes it.

use sha2::{Digest as _, Sha256};

use super::protocol::{Decoded, Malformed};

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

    /// Takes a digest from the front of `bytes`.
    ///
    /// # Errors
    /// It is none.
    pub fn decode(bytes: &[u8]) -> Decoded<Digest> {
        let digits = &bytes[..bytes.len().min(DIGEST)];
        if !digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(Malformed::Digest);
        }
        let text = String::from_utf8_lossy(digits).into_owned();
        Ok((digits.len() == DIGEST).then_some((Digest(text), DIGEST)))
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
