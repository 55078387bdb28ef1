//! The text to publish: an argument, or standard input; and what becomes of one that is too long.

use std::io::{self, ErrorKind, Read};

use common::core::stop::Stop;
use common::net::datagram::{Woken, wait};
use common::protocol::mboard;
use common::support::count::count;
use nix::poll::PollFlags;

use super::arguments::ClientTransport;
use super::error::Error;

/// Reads the text. Over UDP it is cut to what a datagram carries, as the notes have it, and that is said; elsewhere too long is
/// an error.
pub fn read(message: &str, transport: ClientTransport, stop: Stop) -> Result<Vec<u8>, Error> {
    let limit = match transport {
        ClientTransport::Udp => mboard::Transport::Udp.text_limit(),
        ClientTransport::Session | ClientTransport::Blocks => mboard::Transport::Session.text_limit(),
        ClientTransport::Tcp => mboard::Transport::Tcp.text_limit(),
    };
    let mut text = if message == "-" { read_input(limit + 1, stop)? } else { message.as_bytes().to_vec() };
    if text.len() > limit && transport != ClientTransport::Udp {
        return Err(Error::TooLong(limit));
    }
    if text.len() > limit {
        tracing::warn!(
            "the text is cut to {}, which is what one datagram carries; --transport session or tcp carries all of it",
            count(limit, "byte")
        );
        text.truncate(limit);
    }
    Ok(text)
}

/// Standard input up to its end, or so many bytes of it. Ctrl-C ends the wait, which a plain read would go on with.
fn read_input(limit: usize, stop: Stop) -> Result<Vec<u8>, Error> {
    let (mut text, mut chunk) = (Vec::new(), vec![0; 64 * 1024]);
    let mut input = io::stdin().lock();
    while text.len() < limit {
        match wait(&io::stdin(), PollFlags::POLLIN, Some(stop.fd()), None)? {
            Woken::Stopped => return Err(Error::Interrupted),
            Woken::Timeout => continue,
            Woken::Ready => {}
        }
        match input.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => text.extend_from_slice(&chunk[..count.min(limit - text.len())]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(text)
}
