//! The dispatch table of the skeleton, written by hand: what an RPC compiler makes of an IDL. Its signatures are what a client without an
//! IDL asks for (`system.methodSignature`).

mod board;
mod functions;
mod system;
mod validator;

use super::method::Methods;

/// The procedures of the server; with `validator`, also those that suites of other implementations ask for.
#[must_use]
pub fn all(validator: bool) -> Methods {
    let ours = board::METHODS.iter().chain(system::METHODS);
    let asked_for = validator::METHODS.iter().chain(functions::METHODS).filter(|_| validator);
    Methods::new(ours.chain(asked_for).collect())
}

#[cfg(test)]
mod tests;
