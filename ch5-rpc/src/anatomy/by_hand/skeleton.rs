//! The server's stub, the skeleton: takes messages, and calls the procedures.

use std::io::{self, Write};
use std::time::Instant;

use super::reply::{DONE, FAILED, Malformed};
use super::values::{Marshal, Unmarshal, receive};
use crate::anatomy::procedures::{NoMessage, Procedures};
use crate::anatomy::record::{Recorder, What};
use crate::anatomy::tap::Tap;

// BEGIN skeleton
/// Unpacks the arguments, calls the procedure, packs its result.
type Entry = fn(&Procedures, Arguments<'_>) -> Result<Answer, Malformed>;
/// The bytes of a result, or the text of an error.
type Answer = Result<Marshal, String>;

/// The dispatch table: a procedure's number is its place.
const TABLE: [Entry; 4] = [publish, remove, last, get];

fn publish(board: &Procedures, mut arguments: Arguments<'_>) -> Result<Answer, Malformed> {
    let text = arguments.bytes.text()?;
    arguments.end()?;
    let id = board.publish(text);
    Ok(done(|result| result.number(id)))
}

fn remove(board: &Procedures, mut arguments: Arguments<'_>) -> Result<Answer, Malformed> {
    let id = arguments.bytes.number()?;
    arguments.end()?;
    let was_there = board.remove(id);
    Ok(done(|result| result.flag(was_there)))
}

fn last(board: &Procedures, mut arguments: Arguments<'_>) -> Result<Answer, Malformed> {
    let count = arguments.bytes.number()?;
    arguments.end()?;
    let ids = board.last(count);
    Ok(done(|result| result.numbers(&ids)))
}

fn get(board: &Procedures, mut arguments: Arguments<'_>) -> Result<Answer, Malformed> {
    let id = arguments.bytes.number()?;
    arguments.end()?;
    match board.get(id) {
        Ok(text) => Ok(done(|result| result.text(&text))),
        Err(error @ NoMessage(_)) => Ok(Err(error.to_string())),
    }
}

/// What all calls have in common: steps 4 and 5, then 7. A request that cannot be read has no reply.
fn dispatch(board: &Procedures, request: &[u8], recorder: &Recorder) -> Result<Vec<u8>, Malformed> {
    let begin = Instant::now();
    let mut request = Unmarshal(request);
    let call = request.word()?;
    let method = request.short()?;
    let entry = TABLE.get(usize::from(method)).ok_or(Malformed("there is no such procedure"))?;
    let answer = entry(board, Arguments { bytes: request, begin, recorder })?;

    let begin = Instant::now();
    let mut reply = Marshal::default();
    reply.bytes(&call.to_be_bytes());
    match answer {
        Ok(result) => {
            reply.bytes(&[DONE]);
            reply.bytes(&result.into_bytes());
        }
        Err(error) => {
            reply.bytes(&[FAILED]);
            reply.text(&error);
        }
    }
    let reply = reply.message();
    recorder.since(What::Marshalled, begin);
    Ok(reply)
}
// END skeleton

/// Arguments that are being unpacked since `begin`.
struct Arguments<'a> {
    bytes: Unmarshal<'a>,
    begin: Instant,
    recorder: &'a Recorder,
}

impl Arguments<'_> {
    /// Nothing may be left over; the unpacking is done.
    fn end(&self) -> Result<(), Malformed> {
        self.bytes.end()?;
        self.recorder.since(What::Unmarshalled, self.begin);
        Ok(())
    }
}

fn done(pack: impl FnOnce(&mut Marshal)) -> Answer {
    let mut result = Marshal::default();
    pack(&mut result);
    Ok(result)
}

/// Serves one connection until the client closes it.
///
/// # Errors
/// The connection, or a request that cannot be read.
pub fn serve(mut connection: Tap, board: &Procedures) -> io::Result<()> {
    while let Some(request) = receive(&mut connection)? {
        let reply = dispatch(board, &request, connection.recorder())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        connection.write_all(&reply)?;
    }
    Ok(())
}
