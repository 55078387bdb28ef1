//! An object elsewhere, in whichever wire it is called.

use super::connection::{Connection, Returned};
use super::flat::Flat;
use super::message::{Argument, Target};
use crate::pyro::message::Version;
use crate::pyro::proxy::{CallError, Options, Proxy};
use crate::pyro::serpent::Value;
use crate::pyro::uri::Uri;

/// The wire that is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Wire {
    /// Our own
    Framed,
    /// Pyro 4, as the notes' client
    #[value(name = "4")]
    Pyro4,
    /// Pyro 5
    #[value(name = "5")]
    Pyro5,
}

/// A connection to an object.
///
/// An object that has moved answers with its new reference: the call is made there, once, because nothing was called.
pub struct Stub {
    object: Remote,
    wire: Wire,
    options: Options,
}

enum Remote {
    Pyro(Box<Proxy>),
    Framed(Box<FramedStub>),
}

/// An object that is called in our wire.
pub struct FramedStub {
    uri: Uri,
    connection: Connection,
    methods: Vec<String>,
}

impl Stub {
    /// Connects, and learns the object's methods.
    ///
    /// # Errors
    /// [`CallError::NoServer`], [`CallError::Refused`].
    pub fn connect(uri: &Uri, wire: Wire, options: Options) -> Result<Stub, CallError> {
        let pyro =
            |version| Proxy::connect(uri, Options { version, ..options }).map(Box::new).map(Remote::Pyro);
        let object = match wire {
            Wire::Framed => Remote::Framed(Box::new(FramedStub::connect(uri, options)?)),
            Wire::Pyro4 => pyro(Version::Four)?,
            Wire::Pyro5 => pyro(Version::Five)?,
        };
        Ok(Stub { object, wire, options })
    }

    /// The object's methods, in the order of their names.
    #[must_use]
    pub fn methods(&self) -> &[String] {
        match &self.object {
            Remote::Pyro(proxy) => proxy.methods(),
            Remote::Framed(stub) => &stub.methods,
        }
    }

    /// The object: after a call perhaps where it has moved to.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        match &self.object {
            Remote::Pyro(proxy) => proxy.uri(),
            Remote::Framed(stub) => &stub.uri,
        }
    }

    /// What only our wire can do.
    pub fn framed(&mut self) -> Option<&mut FramedStub> {
        if let Remote::Framed(stub) = &mut self.object { Some(stub) } else { None }
    }

    /// Calls a method with arguments by their place.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn call(&mut self, method: &str, args: Vec<Value>) -> Result<Value, CallError> {
        let result = self.call_here(method, args.clone());
        let Err(CallError::Failed(exception)) = &result else { return result };
        let Some(uri) = exception.moved_to() else { return result };
        *self = Stub::connect(&uri, self.wire, self.options)?;
        self.call_here(method, args)
    }

    fn call_here(&mut self, method: &str, args: Vec<Value>) -> Result<Value, CallError> {
        match &mut self.object {
            Remote::Pyro(proxy) => proxy.call(method, args),
            Remote::Framed(stub) => stub.call(method, &args),
        }
    }
}

impl FramedStub {
    /// Connects, and learns the object's methods.
    ///
    /// # Errors
    /// [`CallError::NoServer`], [`CallError::Refused`].
    pub fn connect(uri: &Uri, options: Options) -> Result<FramedStub, CallError> {
        let connection = Connection::open(&uri.host, uri.port, options)?;
        let mut stub = FramedStub { uri: uri.clone(), connection, methods: Vec::new() };
        let methods = stub.call(super::callee::METHODS, &[]).map_err(|error| match error {
            CallError::Failed(exception) => CallError::Refused(uri.clone(), exception.words()),
            // To ask for the methods has no effect: so nothing was done.
            CallError::Unknown(error) => CallError::NoServer(format!("{}:{}", uri.host, uri.port), error),
            error => error,
        })?;
        let names = methods.items().unwrap_or_default().iter();
        stub.methods = names.filter_map(|name| name.as_text().map(str::to_owned)).collect();
        stub.methods.sort();
        Ok(stub)
    }

    /// Calls a method, with values.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn call(&mut self, method: &str, args: &[Value]) -> Result<Value, CallError> {
        let args = args.iter().map(|arg| Argument::Value(Flat::from(arg))).collect();
        self.call_with(method, args)
    }

    /// Calls a method.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn call_with(&mut self, method: &str, args: Vec<Argument>) -> Result<Value, CallError> {
        let target = Target::Object(self.uri.object.clone());
        let mut call = self.connection.outgoing(target, "", method, args);
        call.is_kept = false;
        match self.connection.call(call)? {
            Returned::Value(value) => Ok(value),
            Returned::Reference(reference) => Ok(reference.uri.into()),
        }
    }

    /// The object.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The connection, over which objects may be exported.
    pub fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }
}
