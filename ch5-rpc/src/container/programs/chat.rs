//! `Chat`: `say(name, text)` and `last(count)`. It consumes `Posted`, and tells the chat of it.

use super::{kept, no_such};
use crate::container::message::{Outcome, Value};
use crate::container::program::{Others, Program};

/// The program.
#[derive(Debug)]
pub struct Chat;

impl Program for Chat {
    fn call(&mut self, method: &str, arguments: &[Value], others: &mut dyn Others) -> Outcome {
        match (method, arguments) {
            ("say", [Value::Text(name), Value::Text(text)]) => {
                kept(name)?;
                kept(text)?;
                append(others, format!("{name}: {text}"))
            }
            ("last", [Value::Number(count)]) => {
                others.call("Store", "last", vec![Value::Text("chat".into()), Value::Number(*count)])
            }
            _ => no_such("Chat", method),
        }
    }

    fn event(&mut self, event: &str, value: &Value, others: &mut dyn Others) -> Outcome {
        match (event, value) {
            ("Posted", Value::Text(text)) => append(others, format!("* new on the board: {text}")),
            _ => no_such("Chat", event),
        }
    }
}

fn append(others: &mut dyn Others, line: String) -> Outcome {
    others.call("Store", "append", vec![Value::Text("chat".into()), Value::Text(line)])
}
