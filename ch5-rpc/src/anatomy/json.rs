//! The calls as JSON, for a program.

use serde_json::{Value, json};

use super::describe::Anatomy;
use super::forms::Forms;

/// An object for each call, and the forms of some values; times in nanoseconds since the call.
pub(super) fn json(calls: &[Anatomy], forms: &[Forms]) -> String {
    let calls: Vec<Value> = calls.iter().map(call).collect();
    format!("{:#}\n", json!({ "calls": calls, "forms": forms }))
}

fn call(call: &Anatomy) -> Value {
    let steps: Vec<Value> = call
        .steps
        .iter()
        .map(|step| {
            json!({
                "step": step.number,
                "title": step.title,
                "handed_over": step.handed,
                "from_ns": step.span.from,
                "took_ns": step.span.took(),
                "lanes": step.lanes.iter().map(|(lane, _)| lane.name()).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "transport": call.transport.name(),
        "text_bytes": call.text,
        "whole_ns": call.whole(),
        "steps": steps,
        "said": call.messages.said,
        "request": call.messages.request,
        "response": call.messages.response,
        "other_endings": call.others,
    })
}
