//! Pyro's wire: remote objects as Python programs know them. Notes, chapter 5: *Pyro*.
//!
//! ```text
//!   Pyro 4 or 5 program ──► message ──► serpent ──► daemon ──► an object's method
//!                           (header,    (the values  (id → object,
//!                            length)     as text)     metadata, exceptions)
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`serpent`] | values as Python literals: how Pyro writes arguments and results |
//! | [`message`] | the frames of both versions on one port, sans-I/O |
//! | [`call`] | what is called, with which arguments; what fails there |
//! | [`uri`] | a reference to an object, `PYRO:<id>@<host>:<port>` |
//! | [`object`] | what can be called |
//! | [`stranger`] | what a server without objects answers |
//! | [`proxy`] | the client's side: calls to an object elsewhere |
//!
//! Serpent is the only serializer. Pyro has pickle, too: it runs code of the sender while it reads. Here a value is a value.

pub mod call;
pub mod message;
pub mod object;
pub mod proxy;
pub mod serpent;
pub mod stranger;
pub mod uri;
