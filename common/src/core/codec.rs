//! How requests leave their process: only the model whose handlers are processes needs it.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::protocol::frame;

/// How requests are written for another process, and read there.
pub struct RequestCodec<R> {
    pub(super) encode: fn(&R) -> Vec<u8>,
    pub(super) decode: fn(&[u8]) -> Option<R>,
}

/// Longest encoded request: the board's 200 MiB, and what frames it.
const ENCODED_LIMIT: u32 = 201 * 1024 * 1024;

impl<R: Serialize + DeserializeOwned> RequestCodec<R> {
    /// With serde and bincode, as [`frame`] writes them.
    #[must_use]
    pub fn serde() -> RequestCodec<R> {
        RequestCodec {
            encode: |request| {
                let mut bytes = Vec::new();
                frame::encode(request, ENCODED_LIMIT, &mut bytes)
                    .expect("a request is within its protocol's limit");
                bytes
            },
            decode: |bytes| match frame::decode(bytes, ENCODED_LIMIT) {
                Ok(Some((request, used))) if used == bytes.len() => Some(request),
                _ => None,
            },
        }
    }
}
