//! Values and errors, as the objects of a chat need them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::chat::room::Refused;
use crate::chat::store::{CALL_ID, StoreError};
use crate::pyro::call::Exception;
use crate::pyro::serpent::{Value, literal};

impl From<Refused> for Exception {
    fn from(refused: Refused) -> Exception {
        let class = if refused == Refused::Name { "ValueError" } else { "RuntimeError" };
        Exception::builtin(class, refused.to_string())
    }
}

pub(super) fn not_stored(error: &StoreError) -> Exception {
    Exception::builtin("OSError", format!("it cannot be stored or read: {error}"))
}

/// By what a call is known when it comes again: a text that its caller makes.
pub(super) fn call_id(id: Option<&Value>) -> Result<Option<&str>, Exception> {
    match id {
        None | Some(Value::None) => Ok(None),
        Some(Value::Text(id)) if (1..=CALL_ID).contains(&id.len()) => Ok(Some(id)),
        Some(_) => Err(Exception::builtin("TypeError", format!("call_id is a str of 1 to {CALL_ID} bytes"))),
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn texts(messages: &[String]) -> Value {
    Value::texts(messages.iter().map(String::as_str))
}

/// A value as Python's `%s` shows it.
pub(super) fn shown(value: Option<&Value>) -> String {
    match value {
        Some(Value::Text(text)) => text.clone(),
        Some(other) => literal(other),
        None => String::new(),
    }
}
