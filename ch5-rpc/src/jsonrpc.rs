//! JSON-RPC 2.0 at `/rpc` of the same server: the same procedures, another wire. <https://www.jsonrpc.org/specification>
//!
//! ```text
//!   {"jsonrpc":"2.0","method":"get","params":[7],"id":1}        ──►  {"jsonrpc":"2.0","result":[…],"id":1}
//!   {"jsonrpc":"2.0","method":"publish","params":{"msg":"a"}}   ──►  nothing: without id it is a notification
//!   [ …, … ]                                                    ──►  [ …, … ]   a batch, in its order
//! ```
//!
//! A notification is the call semantics "maybe": the caller cannot know whether it was executed. The HTTP around it is answered with 204.

pub mod read;
pub mod write;

use crate::document::Document;
use crate::procedures::arguments::Arguments;
use crate::procedures::fault::Fault;
use crate::procedures::method::Context;
use crate::procedures::value::{MOST_VALUES, Value};

/// The answer to a document; `None` when it asks for none.
pub fn respond(text: &str, context: &mut Context<'_>) -> Option<Document> {
    match read::document(text, MOST_VALUES) {
        Err(fault) => Some(error(&fault, &Value::Nil)),
        Ok(Value::Array(batch)) => batch_of(batch, context),
        Ok(request) => one(request, context),
    }
}

/// The answer to what is no text.
#[must_use]
pub fn unreadable(fault: &Fault) -> Document {
    error(fault, &Value::Nil)
}

fn batch_of(batch: Vec<Value>, context: &mut Context<'_>) -> Option<Document> {
    if batch.is_empty() {
        return Some(error(&Fault::not_a_call("an empty batch"), &Value::Nil));
    }
    if let Err(fault) = context.begin_several(batch.len()) {
        return Some(error(&fault, &Value::Nil));
    }
    let mut answers: Option<Document> = None;
    for request in batch {
        let Some(answer) = one(request, context) else { continue };
        let begun = answers.is_some();
        let document = answers.get_or_insert_default();
        document.push_str(if begun { "," } else { "[" });
        document.append(answer);
    }
    if let Some(document) = &mut answers {
        document.push_str("]");
    }
    answers
}

/// The answer to one request; `None` to a notification, even to one that fails.
fn one(request: Value, context: &mut Context<'_>) -> Option<Document> {
    let request = match Request::of(request) {
        Ok(request) => request,
        Err(why) => return Some(error(&Fault::not_a_call(why), &Value::Nil)),
    };
    let outcome = match request.parameters {
        Value::Struct(named) => context.call_named(&request.method, named),
        Value::Array(values) => context.call(&request.method, Arguments::positional(values)),
        _ => context.call(&request.method, Arguments::positional(Vec::new())),
    };
    let id = request.id?;
    Some(match outcome {
        Ok(result) => {
            let mut document = Document::default();
            document.push_str("{\"jsonrpc\":\"2.0\",\"result\":");
            write::value(&result, &mut document);
            end(&id, &mut document);
            document
        }
        Err(fault) => error(&fault, &id),
    })
}

struct Request {
    method: String,
    /// An array, a struct, or nil where there are none.
    parameters: Value,
    id: Option<Value>,
}

impl Request {
    fn of(request: Value) -> Result<Request, &'static str> {
        let Value::Struct(mut members) = request else { return Err("a request is an object") };
        if members.remove("jsonrpc") != Some(Value::text("2.0")) {
            return Err("a request has \"jsonrpc\": \"2.0\"");
        }
        let Some(Value::Text(method)) = members.remove("method") else {
            return Err("the method of a request is a string");
        };
        let parameters = members.remove("params").unwrap_or(Value::Nil);
        let id = members.remove("id");
        match (&parameters, &id) {
            (_, Some(Value::Bool(_) | Value::Bytes(_) | Value::Array(_) | Value::Struct(_))) => {
                Err("the id of a request is a string, a number or null")
            }
            (Value::Nil | Value::Array(_) | Value::Struct(_), _) => Ok(Request { method, parameters, id }),
            _ => Err("the params of a request are an array or an object"),
        }
    }
}

fn error(fault: &Fault, id: &Value) -> Document {
    // Only the codes from -32000 to -32099 are free for the errors of the methods themselves.
    let code = if fault.code == -32500 { -32000 } else { fault.code };
    let mut document = Document::default();
    document.push_str("{\"jsonrpc\":\"2.0\",\"error\":");
    write::value(
        &Value::members([("code", Value::Int(code.into())), ("message", Value::text(&fault.text))]),
        &mut document,
    );
    end(id, &mut document);
    document
}

fn end(id: &Value, document: &mut Document) {
    document.push_str(",\"id\":");
    write::value(id, document);
    document.push_str("}");
}

#[cfg(test)]
mod tests;
