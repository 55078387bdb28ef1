#![expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the method itself would have one lifetime, and any is asked for"
)]
//! The client's stub: looks like the procedures, and sends messages.

use std::io::{self, ErrorKind, Write};
use std::time::Instant;

use super::reply::{CallError, DONE, Malformed};
use super::values::{Marshal, Unmarshal, receive};
use crate::anatomy::record::What;
use crate::anatomy::tap::Tap;

// BEGIN stub
/// Looks like the board, and is a connection to it.
#[derive(Debug)]
pub struct Stub {
    connection: Tap,
    calls: u32,
}

impl Stub {
    /// Calls procedure 0.
    pub fn publish(&mut self, text: &str) -> Result<u64, CallError> {
        self.call(0, |argument| argument.text(text), |result| result.number())
    }

    /// Calls procedure 1.
    pub fn remove(&mut self, id: u64) -> Result<bool, CallError> {
        self.call(1, |argument| argument.number(id), |result| result.flag())
    }

    /// Calls procedure 2.
    pub fn last(&mut self, count: u64) -> Result<Vec<u64>, CallError> {
        self.call(2, |argument| argument.number(count), |result| result.numbers())
    }

    /// Calls procedure 3.
    pub fn get(&mut self, id: u64) -> Result<String, CallError> {
        self.call(3, |argument| argument.number(id), |result| result.text())
    }

    /// What all calls have in common: steps 1 and 2, then 9 and 10.
    fn call<T>(
        &mut self,
        method: u16,
        pack: impl FnOnce(&mut Marshal),
        unpack: impl FnOnce(&mut Unmarshal<'_>) -> Result<T, Malformed>,
    ) -> Result<T, CallError> {
        let begin = Instant::now();
        let call = self.calls;
        self.calls += 1;
        let mut request = Marshal::default();
        request.bytes(&call.to_be_bytes());
        request.bytes(&method.to_be_bytes());
        pack(&mut request);
        let request = request.message();
        self.connection.recorder().since(What::Marshalled, begin);

        self.connection.write_all(&request)?;
        let reply =
            receive(&mut self.connection)?.ok_or_else(|| io::Error::from(ErrorKind::UnexpectedEof))?;

        let begin = Instant::now();
        let mut reply = Unmarshal(&reply);
        if reply.word()? != call {
            return Err(CallError::Garbled("it answers another call".into()));
        }
        if reply.byte()? != DONE {
            return Err(CallError::Failed(reply.text()?));
        }
        let result = unpack(&mut reply)?;
        reply.end()?;
        self.connection.recorder().since(What::Unmarshalled, begin);
        Ok(result)
    }
}
// END stub

impl Stub {
    /// Over this connection.
    pub fn new(connection: Tap) -> Stub {
        Stub { connection, calls: 0 }
    }
}
