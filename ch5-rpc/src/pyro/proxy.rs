//! The client's side: a connection to an object elsewhere, and calls to it, one at a time.
//!
//! | what a call ends with | what is known |
//! |---|---|
//! | a value | it was done |
//! | [`CallError::NoServer`], [`CallError::Refused`] | it was not begun: it may be tried again |
//! | [`CallError::Failed`] | it failed there, and the exception says how |
//! | [`CallError::Unknown`] | nothing: it was sent, and no answer came |
//!
//! Nothing is sent twice. After an unknown end a proxy is of no more use: an answer that comes late must not be taken for the
//! answer to the next call.

use std::io::{self, Read, Write};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use common::support::terminal::line;
use thiserror::Error;

use super::call::{Exception, Invocation};
use super::message::ANSWER_LIMIT;
use super::message::{EXCEPTION, Header, Kind, META_ON_CONNECT, Message, ONE_WAY, Version, decode};
use super::serpent::{self, Value};
use super::uri::Uri;
use crate::deadline::DeadlineStream;
use crate::misfit::what_answers;

/// Most values in an answer: all names of a name server, with their metadata.
const ANSWER_VALUES: usize = 1_000_000;

/// Why there is no result.
#[derive(Debug, Error)]
pub enum CallError {
    /// No server at this address, or it has hung up before the call. Nothing was called.
    #[error("no server at {0}: {1}")]
    NoServer(String, io::Error),
    /// The server does not let us in: there is no such object. Nothing was called.
    #[error("{}: {}", .0, line(.1))]
    Refused(Uri, String),
    /// The method was called, or could not be, and the server says why.
    #[error(transparent)]
    Failed(#[from] Exception),
    /// Sent, and no answer: it may have been done.
    #[error("no answer: it is not known whether the call was done: {0}")]
    Unknown(io::Error),
}

impl CallError {
    /// What a user is told before the error itself: nobody is there, or the object is gone, or something else is there.
    #[must_use]
    pub fn hint(&self, what: &str, command: &str) -> String {
        use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable};
        match self {
            CallError::NoServer(_, error)
                if [ConnectionRefused, HostUnreachable, NetworkUnreachable].contains(&error.kind()) =>
            {
                format!("no {what}; start one with `{command}`")
            }
            CallError::Refused(_, why) if why.contains("unknown object") => {
                "the object is gone: it was revoked, nobody has referred to it for long, or its server was started anew".into()
            }
            _ => format!("no {what} answers there"),
        }
    }
}

/// How a proxy connects.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How long connecting, with the greeting, may take; and then each call, to the end of its answer.
    pub timeout: Duration,
    /// Ends the waiting, when it is set.
    pub interrupted: &'static AtomicBool,
    /// The wire that is spoken first.
    pub version: Version,
}

/// A connection to an object.
#[derive(Debug)]
pub struct Proxy {
    uri: Uri,
    stream: DeadlineStream<'static>,
    version: Version,
    sequence: u16,
    received: Vec<u8>,
    methods: Vec<String>,
    one_way: Vec<String>,
    is_lost: bool,
}

/// Why a greeting came to nothing.
enum Greeting {
    Failed(CallError),
    OtherVersion(Version),
}

impl From<CallError> for Greeting {
    fn from(error: CallError) -> Greeting {
        Greeting::Failed(error)
    }
}

static NEVER: AtomicBool = AtomicBool::new(false);

impl Default for Options {
    fn default() -> Options {
        Options { timeout: Duration::from_secs(10), interrupted: &NEVER, version: Version::Five }
    }
}

impl Proxy {
    /// Connects, and learns the object's methods. A server of the other version says so in its own, which is spoken then.
    ///
    /// # Errors
    /// [`CallError::NoServer`], [`CallError::Refused`].
    pub fn connect(uri: &Uri, options: Options) -> Result<Proxy, CallError> {
        let until = Instant::now() + options.timeout;
        match Proxy::greet(uri, options, until) {
            Err(Greeting::OtherVersion(version)) => Proxy::greet(uri, Options { version, ..options }, until),
            done => done,
        }
        .map_err(|failed| match failed {
            Greeting::Failed(error) => error,
            Greeting::OtherVersion(_) => {
                CallError::Refused(uri.clone(), "the server speaks neither Pyro 4 nor 5".into())
            }
        })
    }

    fn greet(uri: &Uri, options: Options, until: Instant) -> Result<Proxy, Greeting> {
        let no_server = |error| CallError::NoServer(format!("{}:{}", uri.host, uri.port), error);
        let place = (uri.host.as_str(), uri.port);
        let connected = DeadlineStream::connect(place, options.timeout, options.interrupted);
        let mut stream = connected.map_err(no_server)?;
        stream.end_at(until);
        let mut proxy = Proxy {
            uri: uri.clone(),
            stream,
            version: options.version,
            sequence: 0,
            received: Vec::new(),
            methods: Vec::new(),
            one_way: Vec::new(),
            is_lost: false,
        };
        let flags = if options.version == Version::Four { META_ON_CONNECT } else { 0 };
        let hello = Value::dict([("handshake", "hello".into()), ("object", uri.object.as_str().into())]);
        let header = Header::new(options.version, Kind::Connect, flags, 0);
        let answer = proxy.exchange(header, &serpent::write(&hello)).map_err(no_server)?;
        if answer.header.version != options.version {
            return Err(Greeting::OtherVersion(answer.header.version));
        }
        let said = serpent::read(&answer.data).map_err(|error| no_server(io::Error::other(error)))?;
        if answer.header.kind != Kind::ConnectOk {
            let why = said.as_text().unwrap_or("the connection was refused").to_owned();
            return Err(CallError::Refused(uri.clone(), why).into());
        }
        let names = |key: &str| {
            let names =
                said.get("meta").and_then(|meta| meta.get(key)).and_then(Value::items).unwrap_or_default();
            names.iter().filter_map(|name| name.as_text().map(str::to_owned)).collect::<Vec<_>>()
        };
        (proxy.methods, proxy.one_way) = (names("methods"), names("oneway"));
        proxy.methods.sort();
        Ok(proxy)
    }

    /// The object's methods, in the order of their names.
    #[must_use]
    pub fn methods(&self) -> &[String] {
        &self.methods
    }

    /// The object.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Calls a method with arguments by their place.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn call(&mut self, method: &str, args: Vec<Value>) -> Result<Value, CallError> {
        self.call_with(method, args, Value::Dict(Vec::new()))
    }

    /// Calls a method with arguments by place and by name. A method that the server has declared one-way gives `None` at once.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn call_with(&mut self, method: &str, args: Vec<Value>, kwargs: Value) -> Result<Value, CallError> {
        if self.is_lost {
            let closed = io::Error::new(io::ErrorKind::NotConnected, "the connection was lost before");
            return Err(CallError::NoServer(format!("{}:{}", self.uri.host, self.uri.port), closed));
        }
        self.stream.begin();
        self.sequence = self.sequence.wrapping_add(1);
        let is_one_way = self.one_way.iter().any(|name| name == method);
        let header =
            Header::new(self.version, Kind::Invoke, if is_one_way { ONE_WAY } else { 0 }, self.sequence);
        let call = Invocation { object: self.uri.object.clone(), method: method.to_owned(), args, kwargs };
        let data = call.write();
        let result = if is_one_way {
            self.stream.write_all(&header.frame(&data)).map(|()| None)
        } else {
            self.exchange(header, &data).map(Some)
        };
        let lost = |error| {
            self.is_lost = true;
            CallError::Unknown(error)
        };
        let Some(answer) = result.map_err(lost)? else { return Ok(Value::None) };
        let value = match serpent::read_up_to(ANSWER_VALUES, &answer.data) {
            Ok(value) => value,
            Err(error) => {
                self.is_lost = true;
                return Err(CallError::Unknown(io::Error::other(error)));
            }
        };
        match answer.header.has(EXCEPTION) {
            false => Ok(value),
            true => Err(Exception::from_value(&value)
                .unwrap_or_else(|| Exception::pyro("ProtocolError", "an exception without a class"))
                .into()),
        }
    }

    /// Sends a message, and waits for its answer.
    fn exchange(&mut self, header: Header, data: &[u8]) -> io::Result<Message> {
        self.stream.write_all(&header.frame(data))?;
        let mut chunk = [0; 16 * 1024];
        let answer = loop {
            let decoded = decode(&self.received, ANSWER_LIMIT).map_err(|error| {
                what_answers(&self.received).map_or_else(|| io::Error::other(error), io::Error::other)
            })?;
            if let Some((message, consumed)) = decoded {
                self.received.drain(..consumed);
                break message;
            }
            match self.stream.read(&mut chunk)? {
                0 => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server has hung up")),
                count => self.received.extend_from_slice(&chunk[..count]),
            }
        };
        let kinds: &[Kind] = match header.kind {
            Kind::Connect => &[Kind::ConnectOk, Kind::ConnectFail],
            _ => &[Kind::Result],
        };
        if !kinds.contains(&answer.header.kind) || answer.header.sequence != header.sequence {
            return Err(io::Error::other("the answer is of another call"));
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_stays_on_its_line() {
        let uri: Uri = "PYRO:a@127.0.0.1:1".parse().unwrap();
        let refused = CallError::Refused(uri, "no\nerror: none".into());
        assert_eq!(refused.to_string(), r"PYRO:a@127.0.0.1:1: no\nerror: none");
    }
}
