//! A procedure, and how one is found and called. XML and JSON call the same.
//!
//! ```text
//!   name, parameters ──► Context::call ──► found? ──► as many as a signature says? ──► Method::run ──► a value, or a fault
//! ```
//!
//! The table of them is in [`methods`](crate::procedures::methods).

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::arguments::Arguments;
use super::board::MessageBoard;
use super::fault::Fault;
use super::value::Value;

/// The most calls in one request: in a `system.multicall`, or in a batch of JSON-RPC.
pub const MOST_CALLS: usize = 1000;

/// A procedure.
pub struct Method {
    /// As it is called.
    pub name: &'static str,
    /// What it does, for its caller.
    pub help: &'static str,
    /// For each way to call it: the type of the result, then those of the parameters.
    pub signatures: &'static [&'static [&'static str]],
    /// What the parameters are called, for JSON-RPC.
    pub parameters: &'static [&'static str],
    /// Does the work.
    pub run: fn(&mut Context<'_>, Arguments) -> Result<Value, Fault>,
}

/// The procedures that a server has, by name.
pub struct Methods(Vec<&'static Method>);

impl Methods {
    /// All of these.
    #[must_use]
    pub fn new(mut methods: Vec<&'static Method>) -> Methods {
        methods.sort_by_key(|method| method.name);
        Methods(methods)
    }

    /// Their names, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|method| method.name)
    }

    /// The one with this name.
    ///
    /// # Errors
    /// There is none.
    pub fn find(&self, name: &str) -> Result<&'static Method, Fault> {
        let found = self.0.binary_search_by(|method| method.name.cmp(name));
        found.map(|at| self.0[at]).map_err(|_| Fault::no_method())
    }
}

/// What a procedure sees of the request that calls it.
pub struct Context<'a> {
    /// The board.
    pub board: &'a MessageBoard,
    /// The address of the caller.
    pub sender: SocketAddr,
    /// All procedures.
    pub methods: &'a Methods,
    /// How much the answers of several calls in one request may be together, bytes; `None` for a call alone.
    pub shared_limit: Option<u64>,
    /// That limit, if it is needed.
    pub answer_limit: u64,
}

impl Context<'_> {
    /// Calls a procedure.
    ///
    /// # Errors
    /// There is none, it does not take these parameters, or it has failed.
    pub fn call(&mut self, name: &str, arguments: Arguments) -> Result<Value, Fault> {
        let method = self.methods.find(name)?;
        let count = arguments.count();
        if !method.signatures.iter().any(|signature| signature.len() == count + 1) {
            return Err(Fault::parameters(format!(
                "{count} parameters, which {} does not take",
                method.name
            )));
        }
        (method.run)(self, arguments)
    }

    /// Calls a procedure with parameters that have names.
    ///
    /// # Errors
    /// As [`call`](Context::call), and a name that no parameter has.
    pub fn call_named(&mut self, name: &str, parameters: BTreeMap<String, Value>) -> Result<Value, Fault> {
        let method = self.methods.find(name)?;
        self.call(name, Arguments::named(parameters, method.parameters)?)
    }

    /// Several calls follow in this request.
    ///
    /// # Errors
    /// Too many, or several are being called already.
    pub fn begin_several(&mut self, calls: usize) -> Result<(), Fault> {
        if calls > MOST_CALLS {
            return Err(Fault::not_a_call(format!("more than {MOST_CALLS} calls in one request")));
        }
        match self.shared_limit.replace(self.answer_limit) {
            None => Ok(()),
            Some(_) => Err(Fault::parameters("system.multicall inside another or a batch")),
        }
    }

    /// So many bytes become part of the answer.
    ///
    /// # Errors
    /// The answers of several calls have become too long: one request of 1000 calls must not ask for 1000 times the longest message.
    pub fn add_to_answer(&mut self, bytes: u64) -> Result<(), Fault> {
        if let Some(left) = &mut self.shared_limit {
            *left = left.checked_sub(bytes).ok_or_else(|| {
                Fault::application("the answers of one request become too long: call this alone")
            })?;
        }
        Ok(())
    }
}
