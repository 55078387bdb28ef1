//! The same call in XML over HTTP: a request of `POST /RPC2`, an answer of 200, each with a body of XML.

use std::io::{self, Read, Write};
use std::time::Instant;

use common::protocol::http::{Accepts, Exchange, Keep, Progress, RequestHead, ResponseHead, Status};
use dxr::{Fault, FaultResponse, MethodCall, MethodResponse, TryFromParams, TryFromValue, TryToValue, Value};

use super::by_hand::{CallError, MESSAGE_LIMIT};
use super::procedures::Procedures;
use super::record::{Recorder, What};
use super::tap::Tap;

/// There is no message with this id. The codes of faults are the application's own.
const NO_MESSAGE: i32 = 1;
/// The call itself is wrong: codes that implementations have agreed on.
const NO_METHOD: i32 = -32601;
const WRONG_ARGUMENTS: i32 = -32602;

/// Whether XML 1.0 can carry the text. It has no word for most control characters, and makes a line end of a carriage return.
pub fn is_carried(text: &str) -> bool {
    text.chars().all(|character| match character {
        '\t' | '\n' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        character => character >= ' ',
    })
}

/// Calls over XML-RPC: the client's stub.
#[derive(Debug)]
pub struct Proxy {
    connection: Tap,
}

impl Proxy {
    /// Over this connection.
    pub fn new(connection: Tap) -> Proxy {
        Proxy { connection }
    }

    /// Puts a text on the board and returns its id.
    pub fn publish(&mut self, text: &str) -> Result<u64, CallError> {
        let id: i32 = self.call("publish", &text)?;
        u64::try_from(id).map_err(|_| CallError::Garbled("an id is not negative".into()))
    }

    /// One text. An integer of XML-RPC has 32 bits.
    pub fn get(&mut self, id: i32) -> Result<String, CallError> {
        self.call("get", &id)
    }

    fn call<T: TryFromValue>(&mut self, method: &str, argument: &impl TryToValue) -> Result<T, CallError> {
        let begin = Instant::now();
        let params = vec![argument.try_to_value().map_err(garbled)?];
        let body = MethodCall { name: method.into(), params }.to_xml().map_err(garbled)?;
        let head = format!(
            "POST /RPC2 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let request = [head.as_bytes(), body.as_bytes()].concat();
        self.connection.recorder().since(What::Marshalled, begin);

        self.connection.write_all(&request)?;
        let answer = receive_answer(&mut self.connection)?;

        let begin = Instant::now();
        let answer = String::from_utf8(answer).map_err(garbled)?;
        if let Ok(FaultResponse { fault }) = FaultResponse::from_xml(&answer) {
            return Err(CallError::Failed(format!("fault {}: {}", fault.code(), fault.string())));
        }
        let value =
            MethodResponse::from_xml(&answer).map_err(|_| CallError::Garbled("no answer".into()))?.value;
        let result = T::try_from_value(&value).map_err(garbled)?;
        self.connection.recorder().since(What::Unmarshalled, begin);
        Ok(result)
    }
}

fn garbled(error: impl std::error::Error) -> CallError {
    CallError::Garbled(error.to_string())
}

/// Serves one connection until the client closes it: the skeleton.
///
/// # Errors
/// The connection, or a request that is no HTTP.
pub fn serve(mut connection: Tap, board: &Procedures) -> io::Result<()> {
    let recorder = connection.recorder().clone();
    while let Some(body) = receive_request(&mut connection)? {
        let answer = answer(&body, board, &recorder)?;
        connection.write_all(&answer)?;
    }
    Ok(())
}

/// Steps 4 to 7 of one call.
fn answer(body: &[u8], board: &Procedures, recorder: &Recorder) -> io::Result<Vec<u8>> {
    let begin = Instant::now();
    let text = std::str::from_utf8(body).map_err(invalid)?;
    let call = MethodCall::from_xml(text).map_err(|_| invalid("the body is no call"))?;
    let unpacked = || recorder.since(What::Unmarshalled, begin);
    let result = match call.name.as_ref() {
        "publish" => String::try_from_params(&call.params).map_err(wrong).and_then(|text| {
            unpacked();
            i32::try_from(board.publish(text)).map(Value::Integer).map_err(wrong)
        }),
        "get" => i32::try_from_params(&call.params).map_err(wrong).and_then(|id| {
            unpacked();
            // A negative number is nobody's id.
            let found = board.get(u64::try_from(id).unwrap_or(u64::MAX));
            found.map_err(|_| Fault::new(NO_MESSAGE, format!("there is no message {id}"))).map(Value::String)
        }),
        _ => Err(Fault::new(NO_METHOD, "there is no such method".into())),
    };

    let begin = Instant::now();
    let body = match result {
        Ok(value) => MethodResponse { value }.to_xml(),
        Err(fault) => FaultResponse { fault }.to_xml(),
    };
    let body = body.map_err(io::Error::other)?;
    let head = ResponseHead::new(Status::Ok).content("text/xml", body.len() as u64).keep(Keep::Open).end();
    let answer = [head, body.into_bytes()].concat();
    recorder.since(What::Marshalled, begin);
    Ok(answer)
}

fn wrong(error: impl std::error::Error) -> Fault {
    Fault::new(WRONG_ARGUMENTS, error.to_string())
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// The body of the next request, in as many parts as the network brings it; `None` when the client has closed.
fn receive_request(stream: &mut Tap) -> io::Result<Option<Vec<u8>>> {
    const ACCEPTS: Accepts = Accepts { methods: "POST", content_limit: MESSAGE_LIMIT as u64 };
    let (mut received, mut part) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        if let Some((length, head)) =
            RequestHead::parse(&received, &ACCEPTS).map_err(|rejection| invalid(rejection.why))?
        {
            let (mut body, mut rest) = (head.body().clone(), &received[length..]);
            let content = body.take(&mut rest).map_err(invalid)?;
            if body.is_complete() {
                return Ok(Some(content.to_vec()));
            }
        }
        match stream.read(&mut part)? {
            0 if received.is_empty() => return Ok(None),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            length => received.extend_from_slice(&part[..length]),
        }
    }
}

/// The body of the answer.
fn receive_answer(stream: &mut Tap) -> Result<Vec<u8>, CallError> {
    let (mut exchange, mut body) = (Exchange::new(MESSAGE_LIMIT.into()), Vec::new());
    let mut part = vec![0; 64 * 1024];
    loop {
        let length = stream.read(&mut part)?;
        if length == 0 {
            exchange.finish().map_err(garbled)?;
            return Ok(body);
        }
        if exchange.receive(&part[..length], &mut body).map_err(garbled)? == Progress::Complete {
            return Ok(body);
        }
    }
}
