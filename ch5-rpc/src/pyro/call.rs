//! What is called, with which arguments, and what fails there.
//!
//! ```text
//!   ('<id>', '<method>', (args,), {kwargs}) ──► Invocation ──► Call ──► the object
//!   {'__class__':'builtins.KeyError', '__exception__':True, 'args':('x',), 'attributes':{}} ◄── Exception
//! ```

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, Instant};

use common::core::service::Peer;
use common::support::terminal::line;

use super::message::Version;
use super::serpent::{self, Value, literal};
use super::uri::Uri;

/// A call as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Invocation {
    /// The object's id.
    pub object: String,
    /// The name of the method.
    pub method: String,
    /// Arguments by their place.
    pub args: Vec<Value>,
    /// Arguments by their name: a dictionary, or `None`.
    pub kwargs: Value,
}

/// One call, for the object that is called.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The name of the method.
    pub method: &'a str,
    /// Arguments by their place.
    pub args: &'a [Value],
    /// Arguments by their name: a dictionary, or `None`.
    pub kwargs: &'a Value,
    /// In which Pyro the caller speaks: it wants its own classes back.
    pub version: Version,
    /// The caller's connection.
    pub peer: Peer,
    /// What travels along to the calls that are made for this one.
    pub context: Context,
}

/// What a call gives to the calls that are made for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// Until when its caller waits. Pyro's wire does not say it: then it is [`PATIENCE`].
    pub deadline: Instant,
    /// The number of the chain of calls.
    pub trace: u64,
}

/// How long a caller waits that does not say it.
pub const PATIENCE: Duration = Duration::from_secs(10);

impl Context {
    /// Of a call whose caller waits for so long.
    #[must_use]
    pub fn new(timeout: Duration, trace: u64) -> Context {
        Context { deadline: Instant::now() + timeout, trace }
    }

    /// How much longer its caller waits.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

impl Default for Context {
    fn default() -> Context {
        Context::new(PATIENCE, rand::random())
    }
}

/// What a call ends with when it fails there: a Python exception.
#[derive(Debug, Clone, PartialEq)]
pub struct Exception {
    /// Where its class is from.
    pub origin: Origin,
    /// The class, without its package.
    pub class: Cow<'static, str>,
    /// What was given to it: mostly one text.
    pub args: Vec<Value>,
}

/// The class of the exception that says where an object is now.
const MOVED: &str = "ch5.Moved";

/// Where an exception's class is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Python itself.
    Builtin,
    /// Pyro: in both versions of the same name, in another package.
    Pyro,
    /// Anything else, with its package in the name.
    Other,
}

impl Invocation {
    /// Reads a call from the data of a message.
    ///
    /// # Errors
    /// A sentence for the caller.
    pub fn read(data: &[u8]) -> Result<Invocation, String> {
        let value = serpent::read(data).map_err(|error| error.to_string())?;
        let mut parts = match value {
            Value::Tuple(parts) | Value::List(parts) if parts.len() == 4 => parts.into_iter(),
            _ => return Err("a call is (object, method, arguments, arguments by name)".into()),
        };
        match [(); 4].map(|()| parts.next()) {
            [
                Some(Value::Text(object)),
                Some(Value::Text(method)),
                Some(Value::Tuple(args) | Value::List(args)),
                Some(kwargs @ (Value::Dict(_) | Value::None)),
            ] => Ok(Invocation { object, method, args, kwargs }),
            _ => Err("a call names its object and its method by texts".into()),
        }
    }

    /// Writes it.
    #[must_use]
    pub fn write(self) -> Vec<u8> {
        let Invocation { object, method, args, kwargs } = self;
        serpent::write(&Value::Tuple(vec![object.into(), method.into(), Value::Tuple(args), kwargs]))
    }
}

impl<'a> Call<'a> {
    /// The arguments of a method with these parameters, of which the first `required` must be given: by place, by name, as in Python.
    ///
    /// # Errors
    /// `TypeError`, in Python's words.
    pub fn bind<const N: usize>(
        &self,
        required: usize,
        names: [&str; N],
    ) -> Result<[Option<&'a Value>; N], Exception> {
        let wrong = |what: String| Exception::builtin("TypeError", format!("{}() {what}", self.method));
        if self.args.len() > N {
            return Err(wrong(format!("takes at most {N} arguments ({} given)", self.args.len())));
        }
        let mut bound = [None; N];
        for (place, value) in bound.iter_mut().zip(self.args) {
            *place = Some(value);
        }
        if let Value::Dict(entries) = self.kwargs {
            for (key, value) in entries {
                let index = names.iter().position(|name| key.as_text() == Some(name));
                let unknown = || wrong(format!("got an unexpected keyword argument {}", literal(key)));
                let index = index.ok_or_else(unknown)?;
                if index < self.args.len() {
                    return Err(wrong(format!("got multiple values for argument '{}'", names[index])));
                }
                bound[index] = Some(value);
            }
        }
        match (0..required).find(|&index| bound[index].is_none()) {
            Some(missing) => Err(wrong(format!("missing argument: '{}'", names[missing]))),
            None => Ok(bound),
        }
    }
}

impl Exception {
    /// One of Python's own.
    pub fn builtin(class: &'static str, words: impl Into<String>) -> Exception {
        Exception { origin: Origin::Builtin, class: class.into(), args: vec![Value::Text(words.into())] }
    }

    /// One of Pyro's.
    pub fn pyro(class: &'static str, words: impl Into<String>) -> Exception {
        Exception { origin: Origin::Pyro, class: class.into(), args: vec![Value::Text(words.into())] }
    }

    /// For a call to an object that is not there, or not any more.
    #[must_use]
    pub fn unknown_object() -> Exception {
        Exception::pyro("DaemonError", "unknown object")
    }

    /// For a call to a method that the object does not have.
    #[must_use]
    pub fn no_method(method: &str) -> Exception {
        Exception::builtin("AttributeError", format!("remote object has no exposed method '{method}'"))
    }

    /// For a call to an object that is somewhere else now.
    #[must_use]
    pub fn moved(to: &Uri) -> Exception {
        Exception { origin: Origin::Other, class: MOVED.into(), args: vec![to.to_string().into()] }
    }

    /// Where the object is that has answered with this. Nothing was called.
    #[must_use]
    pub fn moved_to(&self) -> Option<Uri> {
        let is_moved = self.origin == Origin::Other && self.class == MOVED;
        self.args.first().filter(|_| is_moved).and_then(Uri::from_value)
    }

    /// What it says, without its class.
    #[must_use]
    pub fn words(&self) -> String {
        match &self.args[..] {
            [Value::Text(text)] => text.clone(),
            _ => self.to_string(),
        }
    }

    /// As the result of a call.
    #[must_use]
    pub fn to_value(&self, version: Version) -> Value {
        let class = match self.origin {
            Origin::Builtin => format!("builtins.{}", self.class),
            Origin::Pyro => format!("{}.errors.{}", version.package(), self.class),
            Origin::Other => self.class.clone().into_owned(),
        };
        Value::dict([
            ("__class__", class.into()),
            ("__exception__", true.into()),
            ("args", Value::Tuple(self.args.clone())),
            ("attributes", Value::Dict(Vec::new())),
        ])
    }

    /// From the result of a call.
    #[must_use]
    pub fn from_value(value: &Value) -> Option<Exception> {
        let class = value.get("__class__")?.as_text()?;
        let args = value.get("args").and_then(Value::items).unwrap_or_default().to_vec();
        let (origin, class) = match class.split_once('.') {
            Some(("builtins" | "exceptions", class)) => (Origin::Builtin, class),
            Some(("Pyro4" | "Pyro5", rest)) if rest.starts_with("errors.") => (Origin::Pyro, &rest[7..]),
            _ => (Origin::Other, class),
        };
        Some(Exception { origin, class: class.to_owned().into(), args })
    }
}

/// In a line: what a server says, says it in no line of its own.
impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&line(&self.class))?;
        for (index, arg) in self.args.iter().enumerate() {
            f.write_str(if index == 0 { ": " } else { ", " })?;
            match arg {
                Value::Text(text) => f.write_str(&line(text))?,
                other => f.write_str(&literal(other))?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for Exception {}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(args: &[Value], kwargs: &Value) -> Result<[Option<Value>; 2], String> {
        let peer = Peer::new(([127, 0, 0, 1], 1).into());
        let call =
            Call { method: "post", args, kwargs, version: Version::Five, peer, context: Context::default() };
        call.bind(1, ["msg", "name"])
            .map(|bound| bound.map(Option::<&Value>::cloned))
            .map_err(|exception| exception.to_string())
    }

    #[test]
    fn arguments_are_bound_as_in_python() {
        let (a, b) = (Value::Int(1), Value::Int(2));
        let both = Ok([Some(a.clone()), Some(b.clone())]);
        assert_eq!(bind(&[a.clone(), b.clone()], &Value::None), both);
        assert_eq!(bind(std::slice::from_ref(&a), &Value::dict([("name", b.clone())])), both);
        assert_eq!(bind(&[], &Value::dict([("name", b.clone()), ("msg", a.clone())])), both);
        assert_eq!(bind(std::slice::from_ref(&a), &Value::Dict(vec![])), Ok([Some(a.clone()), None]));
        for (args, kwargs, words) in [
            (vec![], Value::None, "missing argument: 'msg'"),
            (vec![a.clone(); 3], Value::None, "takes at most 2 arguments (3 given)"),
            (vec![a.clone()], Value::dict([("msg", b.clone())]), "got multiple values for argument 'msg'"),
            (vec![a.clone()], Value::dict([("nam", b.clone())]), "got an unexpected keyword argument 'nam'"),
        ] {
            assert_eq!(bind(&args, &kwargs), Err(format!("TypeError: post() {words}")));
        }
    }

    #[test]
    fn an_exception_has_the_class_that_its_caller_knows() {
        let unknown = Exception::unknown_object();
        for (version, class) in
            [(Version::Four, "Pyro4.errors.DaemonError"), (Version::Five, "Pyro5.errors.DaemonError")]
        {
            let value = unknown.to_value(version);
            assert_eq!(value.get("__class__"), Some(&class.into()));
            assert_eq!(Exception::from_value(&value), Some(unknown.clone()));
        }
        assert_eq!(
            Exception::builtin("KeyError", "x").to_value(Version::Four).get("__class__"),
            Some(&"builtins.KeyError".into())
        );
        assert_eq!(unknown.to_string(), "DaemonError: unknown object");
    }

    #[test]
    fn an_exception_stays_on_its_line() {
        let (class, words) = ("Error\nno error", "x\nerror: none\x1b[31m");
        let exception = Exception {
            origin: Origin::Other,
            class: class.into(),
            args: vec![words.into(), 'y'.to_string().into()],
        };
        let shown = r"Error\nno error: x\nerror: none".to_owned() + "\u{fffd}[31m, y";
        assert_eq!(exception.to_string(), shown);
    }

    #[test]
    fn a_call_is_read_as_it_is_written() {
        let call = Invocation {
            object: "6f".into(),
            method: "post".into(),
            args: vec!["hi".into()],
            kwargs: Value::dict([("name", "Ann".into())]),
        };
        assert_eq!(Invocation::read(&call.clone().write()), Ok(call));
        for text in ["('a','b',())", "('a',1,(),{})", "('a','b',1,{})", "('a','b',(),1)", "{}"] {
            assert!(Invocation::read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
