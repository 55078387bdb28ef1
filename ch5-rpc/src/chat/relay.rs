//! An invocation chain: a chat posts, and calls a chat of another server, which posts and calls the next.
//!
//! ```text
//!   client ── relay(text, [B, C]) ──► A ── relay(text, [C]) ──► B ── relay(text, []) ──► C
//!             trace 4f2a, 1000 ms          the same, 998 ms          the same, 996 ms
//! ```
//!
//! Two things travel along: the time that the first caller still waits, so that nobody works for one that has given up; and the number of
//! the chain, by which its parts are found in the logs of all servers. The result is the tree of the calls.
//!
//! A server calls whatever a reference names, as long as its caller waits. Under a model with one thread its other clients wait, too; and two
//! chats of one such server that relay to each other wait for each other until the time is over.

use std::time::Duration;

use crate::objects::connection::{Connection, Returned};
use crate::objects::flat::Flat;
use crate::objects::message::{Argument, Target};
use crate::pyro::call::{Context, Exception};
use crate::pyro::proxy::{CallError, Options};
use crate::pyro::serpent::Value;
use crate::pyro::uri::Uri;

/// Longest chain.
pub const LONGEST: usize = 16;

/// One call of a chain, and those that were made for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The server's reference, without the object's id: that is nobody's business.
    pub place: String,
    /// The number of the chain.
    pub trace: u64,
    /// How much longer its caller waited when it began.
    pub left: Duration,
    /// How long it took.
    pub took: Duration,
    /// The next one.
    pub next: Option<Box<Node>>,
}

/// Calls the next chats of a chain, of which the first is called from here.
///
/// # Errors
/// The time is over, or what the next says.
pub fn call_next(
    text: &str,
    name: &str,
    chain: &[Uri],
    context: &Context,
) -> Result<Option<Node>, Exception> {
    let Some((next, rest)) = chain.split_first() else { return Ok(None) };
    if context.left().is_zero() {
        let words = format!("the caller's time is over: {} was not called", place(next));
        return Err(Exception::builtin("TimeoutError", words));
    }
    let called = match call_at(next, text, name, rest, context) {
        // It has moved, and nothing was called: once more, where it is.
        Err(CallError::Failed(exception)) if let Some(to) = exception.moved_to() => {
            call_at(&to, text, name, rest, context)
        }
        called => called,
    };
    match called {
        Ok(node) => Ok(node),
        // That the next has moved again is not for the caller: it would follow as if this chat had moved, and post twice.
        Err(CallError::Failed(exception)) if exception.moved_to().is_none() => Err(exception),
        Err(error) => Err(Exception::builtin("RuntimeError", format!("{}: {error}", place(next)))),
    }
}

fn call_at(
    uri: &Uri,
    text: &str,
    name: &str,
    rest: &[Uri],
    context: &Context,
) -> Result<Option<Node>, CallError> {
    let options = Options { timeout: context.left().max(Duration::from_millis(1)), ..Options::default() };
    let mut connection = Connection::open(&uri.host, uri.port, options)?;
    let rest = Value::texts(rest.iter().map(Uri::to_string));
    let args = [text.into(), name.into(), rest].iter().map(|arg| Argument::Value(Flat::from(arg))).collect();
    let mut call = connection.outgoing(Target::Object(uri.object.clone()), "chat.Chat", "relay", args);
    (call.timeout, call.trace, call.is_kept) = (context.left(), context.trace, false);
    match connection.call(call)? {
        Returned::Value(value) => Ok(Node::from_value(&value)),
        Returned::Reference(_) => Ok(None),
    }
}

/// Where an object is.
#[must_use]
pub fn place(uri: &Uri) -> String {
    format!("{}:{}", uri.host, uri.port)
}

impl Node {
    /// As a result.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let micros = |time: Duration| Value::Int(i64::try_from(time.as_micros()).unwrap_or(i64::MAX));
        Value::Tuple(vec![
            self.place.as_str().into(),
            format!("{:016x}", self.trace).into(),
            micros(self.left),
            micros(self.took),
            self.next.as_ref().map_or(Value::None, |next| next.to_value()),
        ])
    }

    /// From a result.
    #[must_use]
    pub fn from_value(value: &Value) -> Option<Node> {
        let [Value::Text(place), Value::Text(trace), Value::Int(left), Value::Int(took), next] =
            value.items()?
        else {
            return None;
        };
        let micros = |time: &i64| u64::try_from(*time).ok().map(Duration::from_micros);
        Some(Node {
            place: place.clone(),
            trace: u64::from_str_radix(trace, 16).ok()?,
            left: micros(left)?,
            took: micros(took)?,
            next: Node::from_value(next).map(Box::new),
        })
    }

    /// As a tree, a line for each call.
    #[must_use]
    pub fn tree(&self) -> Vec<String> {
        let mut lines = vec![format!("trace {:016x}", self.trace)];
        let (mut node, mut depth) = (Some(self), 0);
        while let Some(Node { place, left, took, next, .. }) = node {
            let branch =
                if depth == 0 { String::new() } else { format!("{}└─ ", "   ".repeat(depth - 1)) };
            let what = format!("{branch}relay at {place}");
            lines.push(format!(
                "{what:<44} caller waits {:>5} ms   took {:>7.1} ms",
                left.as_millis(),
                took.as_secs_f64() * 1000.0
            ));
            (node, depth) = (next.as_deref(), depth + 1);
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_chain_is_a_tree() {
        let node = |port: u16, next| Node {
            place: format!("127.0.0.1:{port}"),
            trace: 0x4f2a,
            left: Duration::from_millis(1000 - u64::from(port)),
            took: Duration::from_micros(2500),
            next,
        };
        let chain = node(1, Some(Box::new(node(2, Some(Box::new(node(3, None)))))));
        assert_eq!(Node::from_value(&chain.to_value()), Some(chain.clone()));
        assert_eq!(
            chain.tree(),
            [
                "trace 0000000000004f2a",
                "relay at 127.0.0.1:1                         caller waits   999 ms   took     2.5 ms",
                "└─ relay at 127.0.0.1:2                      caller waits   998 ms   took     2.5 ms",
                "   └─ relay at 127.0.0.1:3                   caller waits   997 ms   took     2.5 ms",
            ]
        );
        assert_eq!(Node::from_value(&Value::None), None);
    }

    #[test]
    fn nobody_is_called_when_the_time_is_over() {
        let context = Context { deadline: Instant::now(), trace: 1 };
        let nobody: Uri = "PYRO:a@127.0.0.1:1".parse().unwrap();
        let refused = call_next("x", "y", &[nobody], &context).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "TimeoutError: the caller's time is over: 127.0.0.1:1 was not called"
        );
        assert_eq!(call_next("x", "y", &[], &context), Ok(None));
    }
}
