//! The callee's side of a connection: finds what is called, checks it, calls it, and keeps results that later calls name. Sans-I/O.
//!
//! ```text
//!   call 1, keep ──► answer, and kept: 1 → reference
//!   call 2: result of 1 ──► the object of that reference      1 has failed: 2 fails with the same, and nothing is called
//! ```
//!
//! Only the newest [`KEPT`] results are kept, and only small ones: what one connection can make a server hold is bounded.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use common::core::service::Peer;

use super::callbacks::exported;
use super::flat::Flat;
use super::message::{ARGUMENTS, Argument, Call, Failure, Outcome, Reference, Target};
use crate::pyro::call::{self, Context, Exception};
use crate::pyro::message::Version;
use crate::pyro::object::Object;
use crate::pyro::serpent::Value;
use crate::pyro::uri::Uri;

/// Most results that are kept for later calls of one connection.
pub const KEPT: usize = 64;

/// The method that every object has: the names of its methods, for a stub that is made at run time.
pub const METHODS: &str = "methods()";

/// What a callee has.
pub trait Exports {
    /// The object that a call means, unless the target is a result.
    fn find(&self, target: &Target) -> Option<Arc<dyn Object>>;

    /// The object that a reference means, if it is here.
    fn at(&self, uri: &Uri) -> Option<Arc<dyn Object>>;
}

/// The results of one connection that later calls may name.
#[derive(Debug, Default)]
pub struct Kept {
    results: VecDeque<(u32, Outcome)>,
}

impl Kept {
    fn keep(&mut self, number: u32, outcome: &Outcome) {
        let is_small = match outcome {
            Outcome::Value(flat) | Outcome::Failed(Failure::Raised { args: flat, .. }) => flat.is_small(),
            Outcome::Reference(_) | Outcome::Failed(_) => true,
        };
        if is_small {
            self.results.push_back((number, outcome.clone()));
        }
        if self.results.len() > KEPT {
            self.results.pop_front();
        }
    }

    /// The result of a call, or how it has failed.
    fn result(&self, number: u32) -> Result<Outcome, Failure> {
        match self.results.iter().find(|(kept, _)| *kept == number) {
            Some((_, Outcome::Failed(failure))) => Err(failure.clone()),
            Some((_, outcome)) => Ok(outcome.clone()),
            None => Err(Failure::NoResult(number)),
        }
    }
}

/// Does one call.
pub fn answer(exports: &impl Exports, kept: &mut Kept, peer: Peer, call: &Call) -> Outcome {
    let outcome = run(exports, kept, peer, call).unwrap_or_else(Outcome::Failed);
    if call.is_kept {
        kept.keep(call.number, &outcome);
    }
    outcome
}

fn run(exports: &impl Exports, kept: &Kept, peer: Peer, call: &Call) -> Result<Outcome, Failure> {
    if call.milliseconds == 0 {
        return Err(Failure::TooLate);
    }
    let object = match &call.target {
        Target::Result(number) => match kept.result(*number)? {
            Outcome::Reference(Reference { uri, .. }) => {
                uri.parse().ok().and_then(|uri| exports.at(&uri)).ok_or(Failure::UnknownObject)?
            }
            _ => return Err(Failure::NotHere(*number)),
        },
        target => exports.find(target).ok_or(Failure::UnknownObject)?,
    };
    let found = object.interface();
    if !call.interface.is_empty() && call.interface != found {
        return Err(Failure::WrongInterface { expected: call.interface.clone(), found: found.into() });
    }
    if call.method == METHODS {
        return Ok(Outcome::Value(Flat::from(&Value::texts(object.methods().iter().copied()))));
    }
    if !object.methods().contains(&call.method.as_str()) {
        return Err(Failure::NoMethod { interface: found.into(), method: call.method.clone() });
    }
    if call.args.len() > ARGUMENTS {
        return Err(Failure::BadArgument(format!("more than {ARGUMENTS} arguments")));
    }
    let args = call.args.iter().map(|argument| value(argument, kept)).collect::<Result<Vec<_>, _>>()?;
    let (kwargs, version) = (&Value::None, Version::Five);
    let context = Context::new(Duration::from_millis(call.milliseconds.into()), call.trace);
    let call = call::Call { method: &call.method, args: &args, kwargs, version, peer, context };
    let result = object.call(&call);
    result.map(|value| outcome(exports, &value)).map_err(|exception: Exception| Failure::from(&exception))
}

fn value(argument: &Argument, kept: &Kept) -> Result<Value, Failure> {
    match argument {
        Argument::Value(flat) => flat.value().map_err(|error| Failure::BadArgument(error.to_string())),
        Argument::Exported(number) => Ok(exported(*number)),
        Argument::Result(number) => match kept.result(*number)? {
            Outcome::Reference(reference) => Ok(reference.uri.into()),
            Outcome::Value(flat) => flat.value().map_err(|error| Failure::BadArgument(error.to_string())),
            Outcome::Failed(failure) => Err(failure),
        },
    }
}

/// A reference to an object that is here says what it refers to.
fn outcome(exports: &impl Exports, value: &Value) -> Outcome {
    let reference = Uri::from_value(value).and_then(|uri| {
        let interface = exports.at(&uri)?.interface().into();
        Some(Reference { uri: uri.to_string(), interface })
    });
    reference.map_or_else(|| Outcome::Value(Flat::from(value)), Outcome::Reference)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// An object that counts its calls, and makes references to itself.
    #[derive(Default)]
    struct Counter(Mutex<Vec<String>>);

    impl Object for Counter {
        fn interface(&self) -> &'static str {
            "Counter"
        }

        fn methods(&self) -> &'static [&'static str] {
            &["me", "elsewhere", "fail", "echo", "long"]
        }

        fn call(&self, call: &call::Call<'_>) -> Result<Value, Exception> {
            self.0.lock().unwrap().push(call.method.into());
            match call.method {
                "me" => Ok("PYRO:6f@127.0.0.1:1".into()),
                "elsewhere" => Ok("PYRO:6f@127.0.0.1:2".into()),
                "long" => Ok("x".repeat(5000).into()),
                "fail" => Err(Exception::builtin("KeyError", "x")),
                _ => Ok(call.args[0].clone()),
            }
        }
    }

    struct One(Arc<Counter>);

    impl Exports for One {
        fn find(&self, target: &Target) -> Option<Arc<dyn Object>> {
            (*target == Target::Object("6f".into())).then(|| self.0.clone() as Arc<dyn Object>)
        }

        fn at(&self, uri: &Uri) -> Option<Arc<dyn Object>> {
            (uri.port == 1).then(|| self.find(&Target::Object(uri.object.clone()))).flatten()
        }
    }

    struct Bench {
        exports: One,
        kept: Kept,
        number: u32,
    }

    impl Bench {
        fn new() -> Bench {
            Bench { exports: One(Arc::default()), kept: Kept::default(), number: 0 }
        }

        fn call(&mut self, target: Target, method: &str, args: Vec<Argument>) -> Outcome {
            self.with(target, method, args, |_| {})
        }

        fn with(
            &mut self,
            target: Target,
            method: &str,
            args: Vec<Argument>,
            change: impl FnOnce(&mut Call),
        ) -> Outcome {
            self.number += 1;
            let mut call = Call {
                number: self.number,
                target,
                interface: "Counter".into(),
                method: method.into(),
                args,
                milliseconds: 1,
                is_one_way: false,
                is_kept: true,
                trace: 0,
            };
            change(&mut call);
            answer(&self.exports, &mut self.kept, Peer::new(([127, 0, 0, 1], 1).into()), &call)
        }

        fn done(&self) -> Vec<String> {
            self.exports.0.0.lock().unwrap().clone()
        }
    }

    fn object() -> Target {
        Target::Object("6f".into())
    }

    fn text(text: &str) -> Outcome {
        Outcome::Value(Flat::from(&text.into()))
    }

    #[test]
    fn a_result_is_called_and_given_on_before_its_caller_knows_it() {
        let mut bench = Bench::new();
        let Outcome::Reference(reference) = bench.call(object(), "me", vec![]) else {
            panic!("no reference")
        };
        assert_eq!((&*reference.uri, &*reference.interface), ("PYRO:6f@127.0.0.1:1", "Counter"));
        let hello = vec![Argument::Value(Flat::from(&"hello".into()))];
        assert_eq!(bench.call(Target::Result(1), "echo", hello), text("hello"));
        assert_eq!(bench.call(object(), "echo", vec![Argument::Result(2)]), text("hello"));
        let me = bench.call(object(), "echo", vec![Argument::Result(1)]);
        assert!(matches!(me, Outcome::Reference(_)), "{me:?}");
    }

    #[test]
    fn the_failure_of_the_first_is_the_failure_of_those_that_build_on_it() {
        let mut bench = Bench::new();
        let failed = bench.call(object(), "fail", vec![]);
        assert_eq!(bench.call(Target::Result(1), "echo", vec![Argument::Result(1)]), failed);
        assert_eq!(bench.call(Target::Result(2), "me", vec![]), failed, "and of those that build on those");
        assert_eq!(bench.call(object(), "echo", vec![Argument::Result(1)]), failed);
        assert_eq!(bench.done(), ["fail"], "nothing else was called");
    }

    #[test]
    fn a_call_that_cannot_be_is_not_begun() {
        let mut bench = Bench::new();
        let mut refused = |target, change: fn(&mut Call)| match bench.with(target, "me", vec![], change) {
            Outcome::Failed(failure) => failure.to_string(),
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(Target::Object("70".into()), |_| {}), "unknown object");
        assert_eq!(refused(Target::Exported(0), |_| {}), "unknown object");
        assert_eq!(
            refused(object(), |call| call.interface = "User".into()),
            "the object's interface is Counter, not User"
        );
        assert_eq!(
            refused(object(), |call| call.method = "post".into()),
            "the interface Counter has no method 'post'"
        );
        assert_eq!(refused(object(), |call| call.milliseconds = 0), "not begun: the caller's time was over");
        assert_eq!(refused(Target::Result(99), |_| {}), "not begun: the result of call 99 is not there");
        let many = |call: &mut Call| call.args = vec![Argument::Exported(0); ARGUMENTS + 1];
        assert_eq!(refused(object(), many), "not begun: more than 32 arguments");
        bench.call(object(), "elsewhere", vec![]);
        let number = bench.number;
        assert_eq!(
            bench.call(Target::Result(number), "me", vec![]),
            Outcome::Failed(Failure::NotHere(number)),
            "it refers to another server"
        );
        assert_eq!(bench.done(), ["elsewhere"]);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut bench = Bench::new();
        bench.call(object(), "long", vec![]);
        let none = |number| Outcome::Failed(Failure::NoResult(number));
        assert_eq!(bench.call(object(), "echo", vec![Argument::Result(1)]), none(1), "too long to be kept");
        bench.with(object(), "me", vec![], |call| call.is_kept = false);
        assert_eq!(bench.call(object(), "echo", vec![Argument::Result(3)]), none(3), "not to be kept");
        bench.call(object(), "me", vec![]); // 5
        for _ in 1..KEPT {
            bench.call(object(), "me", vec![]);
        }
        assert!(matches!(bench.call(Target::Result(5), "me", vec![]), Outcome::Reference(_)));
        assert_eq!(bench.call(Target::Result(5), "me", vec![]), none(5), "too many came after it");
    }
}
