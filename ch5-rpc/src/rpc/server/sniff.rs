//! Which protocol a connection speaks, by its first four bytes.
//!
//! ```text
//!   00 00 00 29   a frame of 41 bytes: our calls
//!   'P' 'Y' 'R' 'O'   Pyro; as a length it would be 1.35 GB, which no frame may have
//!   'P' 'O' 'S' 'T'   HTTP, and the same
//! ```
//!
//! A second protocol on the same port begins here: it gets the stream and the bytes that have been read.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use common::core::limits::LINGER_BYTES;
use common::core::stop::STALL_AT_STOP;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::misfit::is_http;

/// What Pyro begins every message with.
const PYRO: &[u8] = b"PYRO";

/// What a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Our calls.
    Rpc,
    /// Python Remote Objects.
    Pyro,
    /// HTTP: a client of XML-RPC, or a browser.
    Http,
}

/// Reads until the protocol is known; the bytes are part of the first message. `None`: the peer has ended or said nothing in this time.
///
/// # Errors
/// What read(2) says.
pub async fn sniff(
    stream: &mut (impl AsyncRead + Unpin),
    time: Duration,
) -> io::Result<Option<(Protocol, BytesMut)>> {
    let mut first = BytesMut::with_capacity(8192);
    let read = async {
        while first.len() < PYRO.len() {
            if stream.read_buf(&mut first).await? == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    };
    match timeout(time, read).await {
        Ok(Ok(true)) => {
            let protocol = if first.starts_with(PYRO) {
                Protocol::Pyro
            } else if is_http(&first) {
                Protocol::Http
            } else {
                Protocol::Rpc
            };
            Ok(Some((protocol, first)))
        }
        Ok(Ok(false)) | Err(_) => Ok(None),
        Ok(Err(error)) => Err(error),
    }
}

/// Tells a client of another kind what is here, and reads on for a moment: a close with unread bytes could overtake the words.
pub async fn refuse(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), words: &[u8]) {
    let say = async {
        stream.write_all(words).await?;
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(LINGER_BYTES as u64), &mut tokio::io::sink()).await
    };
    let _ = timeout(STALL_AT_STOP, say).await;
}
