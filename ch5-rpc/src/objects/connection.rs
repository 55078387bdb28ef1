//! The client's side of a connection in our protocol: many calls under way, and objects of the client that the server may call.
//!
//! | what a call ends with | what is known |
//! |---|---|
//! | [`Returned`] | it was done |
//! | [`CallError::NoServer`], [`CallError::Refused`] | it was not begun |
//! | [`CallError::Failed`] | it failed there, or was not begun, and the exception says which |
//! | [`CallError::Unknown`] | nothing: it was sent, and no answer came |
//!
//! Leases are renewed by the thread that reads, too: one that neither calls nor serves for a lease loses them.
//!
//! Calls of the server are done by the thread that reads, while it waits for an answer or in [`serve`](Connection::serve).

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::core::service::Peer;

use super::callee::{self, Exports, Kept};
use super::message::{Argument, Call, Failure, Outcome, Reference, Target};
use super::session::{Broken, Event, NotSent, Outgoing, Session};
use crate::deadline::DeadlineStream;
use crate::misfit::what_answers;
use crate::pyro::object::Object;
use crate::pyro::proxy::{CallError, Options};
use crate::pyro::serpent::Value;
use crate::pyro::uri::Uri;

/// How long a read waits before it looks whether a lease is to be renewed.
const LOOK: Duration = Duration::from_millis(100);

/// A connection to a server of objects.
pub struct Connection {
    place: String,
    stream: DeadlineStream<'static>,
    options: Options,
    session: Session,
    exported: Exported,
    /// Results of calls from the other side.
    kept: Kept,
    peer: Peer,
    ended: BTreeMap<u32, Option<Outcome>>,
    expired: BTreeSet<String>,
    is_lost: bool,
}

#[derive(Default)]
struct Exported(Vec<Arc<dyn Object>>);

/// A call that is under way. Its result can be named before it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promise(u32);

/// The result of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Returned {
    /// A value.
    Value(Value),
    /// A reference to an object of the server.
    Reference(Reference),
}

impl Promise {
    /// As the target of another call.
    #[must_use]
    pub fn target(self) -> Target {
        Target::Result(self.0)
    }

    /// As an argument of another call.
    #[must_use]
    pub fn argument(self) -> Argument {
        Argument::Result(self.0)
    }
}

impl Connection {
    /// Connects to the server of an object. Nothing is sent yet.
    ///
    /// # Errors
    /// [`CallError::NoServer`].
    pub fn open(host: &str, port: u16, options: Options) -> Result<Connection, CallError> {
        let place = format!("{host}:{port}");
        let connected = DeadlineStream::connect((host, port), options.timeout, options.interrupted);
        let (stream, address) = connected
            .and_then(|stream| stream.peer().map(|address| (stream, address)))
            .map_err(|error| CallError::NoServer(place.clone(), error))?;
        Ok(Connection {
            place,
            stream,
            options,
            session: Session::default(),
            exported: Exported::default(),
            kept: Kept::default(),
            peer: Peer::new(address),
            ended: BTreeMap::new(),
            expired: BTreeSet::new(),
            is_lost: false,
        })
    }

    /// Exports an object over this connection: an argument with which the server can call it, as long as the connection lasts.
    pub fn export(&mut self, object: Arc<dyn Object>) -> Argument {
        self.exported.0.push(object);
        Argument::Exported(u32::try_from(self.exported.0.len() - 1).expect("so many are never exported"))
    }

    /// A call with the usual time, whose result is kept for later calls.
    #[must_use]
    pub fn outgoing(&self, target: Target, interface: &str, method: &str, args: Vec<Argument>) -> Outgoing {
        Outgoing {
            target,
            interface: interface.into(),
            method: method.into(),
            args,
            timeout: self.options.timeout,
            is_one_way: false,
            is_kept: true,
            trace: rand::random(),
        }
    }

    /// Begins a call: it is sent with the next [`flush`](Connection::flush) or [`wait`](Connection::wait).
    ///
    /// # Errors
    /// Nothing was called: the connection was lost before, too many calls are under way, or it is too long.
    pub fn start(&mut self, call: Outgoing) -> Result<Promise, CallError> {
        let no_server = |error| CallError::NoServer(self.place.clone(), error);
        if self.is_lost {
            return Err(no_server(io::Error::new(ErrorKind::NotConnected, "the connection was lost before")));
        }
        let number = self.session.start(call, Instant::now());
        number.map(Promise).map_err(|error: NotSent| no_server(io::Error::other(error)))
    }

    /// Sends what was begun.
    ///
    /// # Errors
    /// [`CallError::Unknown`].
    pub fn flush(&mut self) -> Result<(), CallError> {
        let bytes = self.session.poll_transmit();
        let now = Instant::now();
        let until = self.session.last_deadline().filter(|until| *until > now);
        self.stream.end_at(until.unwrap_or(now + self.options.timeout));
        self.stream.write_all(&bytes).map_err(|error| self.lost(error))
    }

    /// Waits for the end of a call.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn wait(&mut self, promise: Promise) -> Result<Returned, CallError> {
        loop {
            match self.ended.remove(&promise.0) {
                Some(Some(outcome)) => return returned(outcome),
                Some(None) => {
                    let words = "the server has said nothing in time";
                    return Err(CallError::Unknown(io::Error::new(ErrorKind::TimedOut, words)));
                }
                None if self.is_lost => {
                    let words = "the connection was lost";
                    return Err(CallError::Unknown(io::Error::new(ErrorKind::NotConnected, words)));
                }
                None if !self.session.is_under_way(promise.0) => {
                    let words = "its result was taken before, or it is one-way";
                    return Err(CallError::Unknown(io::Error::other(words)));
                }
                None => {}
            }
            let until = self.session.deadline().unwrap_or_else(Instant::now);
            self.read_until(until)?;
        }
    }

    /// Calls and waits.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn call(&mut self, call: Outgoing) -> Result<Returned, CallError> {
        let is_one_way = call.is_one_way;
        let promise = self.start(call)?;
        if is_one_way {
            return self.flush().map(|()| Returned::Value(Value::None));
        }
        self.wait(promise)
    }

    /// Holds a lease of an object whose reference came from elsewhere. Those in answers of this connection are held anyway.
    pub fn hold(&mut self, id: &str) {
        self.session.hold(id);
    }

    /// Gives the lease of an object back.
    ///
    /// # Errors
    /// [`CallError::Unknown`].
    pub fn release(&mut self, id: &str) -> Result<(), CallError> {
        self.session.release(id);
        self.flush()
    }

    /// Whether the lease of this object is over: this program was away for too long. The answer counts once.
    pub fn take_expired(&mut self, id: &str) -> bool {
        self.expired.remove(id)
    }

    /// Lets the server call, for so long, or until it has called.
    ///
    /// # Errors
    /// The connection is lost.
    pub fn serve(&mut self, time: Duration) -> Result<(), CallError> {
        self.read_until(Instant::now() + time)
    }

    /// Sends what waits, and reads once, or until this time.
    fn read_until(&mut self, until: Instant) -> Result<(), CallError> {
        self.flush()?;
        let mut chunk = [0; 16 * 1024];
        loop {
            let now = Instant::now();
            self.session.handle_timeout(now);
            if self.handle_events() > 0 || now >= until {
                return self.flush();
            }
            self.stream.end_at(until.min(now + LOOK));
            match self.stream.read(&mut chunk) {
                Ok(0) => {
                    return Err(self.lost(io::Error::new(ErrorKind::UnexpectedEof, "the server has hung up")));
                }
                Ok(count) => {
                    let done = self.session.handle_bytes(&chunk[..count], Instant::now());
                    if done.is_err() {
                        self.handle_events(); // what came before the error
                    }
                    // Of Pyro's wire the error itself says more: what helps.
                    let other = what_answers(&chunk[..count]).filter(|_| !chunk.starts_with(b"PYRO"));
                    done.map_err(|error| match (&error, other) {
                        (Broken::Message(_), Some(other)) => self.lost(io::Error::other(other)),
                        _ => self.lost(io::Error::other(error)),
                    })?;
                }
                Err(error) if error.kind() == ErrorKind::TimedOut => {}
                Err(error) => return Err(self.lost(error)),
            }
        }
    }

    fn handle_events(&mut self) -> usize {
        let mut count = 0;
        while let Some(event) = self.session.poll_event() {
            count += 1;
            match event {
                Event::Answered(number, outcome) => drop(self.ended.insert(number, Some(outcome))),
                Event::TimedOut(number) => drop(self.ended.insert(number, None)),
                Event::Called(call) => self.answer(&call),
                Event::Expired(id) => drop(self.expired.insert(id)),
            }
        }
        count
    }

    fn answer(&mut self, call: &Call) {
        let outcome = callee::answer(&self.exported, &mut self.kept, self.peer, call);
        if !call.is_one_way {
            self.session.answer(call.number, outcome);
        }
    }

    fn lost(&mut self, error: io::Error) -> CallError {
        self.is_lost = true;
        CallError::Unknown(error)
    }
}

impl Exports for Exported {
    fn find(&self, target: &Target) -> Option<Arc<dyn Object>> {
        let Target::Exported(number) = target else { return None };
        self.0.get(*number as usize).cloned()
    }

    fn at(&self, _uri: &Uri) -> Option<Arc<dyn Object>> {
        None
    }
}

fn returned(outcome: Outcome) -> Result<Returned, CallError> {
    match outcome {
        Outcome::Reference(reference) => Ok(Returned::Reference(reference)),
        Outcome::Value(flat) => match flat.value() {
            Ok(value) => Ok(Returned::Value(value)),
            Err(error) => Err(CallError::Unknown(io::Error::other(error))),
        },
        Outcome::Failed(failure) => Err(failed(&failure)),
    }
}

fn failed(failure: &Failure) -> CallError {
    CallError::Failed(failure.exception())
}
