//! `Board`: texts for all to read. `publish(text)` and `last(count)`; publishes `Posted` with the text.
//!
//! It keeps nothing itself: persistence is the required interface `Store`, and which store that is, the descriptor says.

use super::{kept, no_such};
use crate::container::message::{Outcome, Value};
use crate::container::program::{Others, Program};

/// The program.
#[derive(Debug)]
pub struct Board;

impl Program for Board {
    fn call(&mut self, method: &str, arguments: &[Value], others: &mut dyn Others) -> Outcome {
        match (method, arguments) {
            ("publish", [Value::Text(text)]) => publish(text, others),
            ("last", [Value::Number(count)]) => {
                others.call("Store", "last", vec![Value::Text("board".into()), Value::Number(*count)])
            }
            _ => no_such("Board", method),
        }
    }
}

/// Two writes. When the second fails, the first is taken back by the container, if the policy says so.
fn publish(text: &str, others: &mut dyn Others) -> Outcome {
    kept(text)?;
    let append = |others: &mut dyn Others, key: &str, text: String| {
        others.call("Store", "append", vec![Value::Text(key.into()), Value::Text(text)])
    };
    let id = append(others, "board", text.to_owned())?;
    append(others, "journal", format!("published {} bytes", text.len()))?;
    others.publish("Posted", Value::Text(text.to_owned()))?;
    Ok(id)
}
