//! The text to publish: an argument, or standard input up to its end.

use std::io::{self, ErrorKind, Read};

use common::core::stop::Stop;
use common::net::datagram::{Woken, wait};
use nix::poll::PollFlags;

use super::args::{BoardClientArgs, ClientTransport};
use super::stopped::Stopped;

/// What a request has besides the text, at most.
const AROUND: usize = 128;

/// The text, if one is to be published. Read before anything is sent, and no further than a message goes.
pub fn read(args: &BoardClientArgs, stop: Stop) -> Result<Option<Vec<u8>>, Stopped> {
    let limit = args.longest() - AROUND;
    let text = match args.message.as_deref() {
        None => return Ok(None),
        Some("-") => read_input(limit + 1, stop)?,
        Some(text) => text.as_bytes().to_vec(),
    };
    let over = match args.transport {
        ClientTransport::Udp => " over UDP, where a call is one datagram",
        _ => "",
    };
    if text.len() > limit { Err(Stopped::TooLong(limit, over)) } else { Ok(Some(text)) }
}

/// Standard input up to its end, or so many bytes of it. Ctrl-C ends the wait.
fn read_input(limit: usize, stop: Stop) -> Result<Vec<u8>, Stopped> {
    let (mut text, mut chunk) = (Vec::new(), vec![0; 64 * 1024]);
    let mut input = io::stdin().lock();
    while text.len() < limit {
        match wait(&io::stdin(), PollFlags::POLLIN, Some(stop.fd()), None)? {
            Woken::Stopped => return Err(Stopped::Interrupted),
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
