//! The parameters of one call, taken one after the other by the procedure.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::procedures::fault::Fault;
use crate::procedures::value::Value;

/// The parameters in their order. One that is called by its name may be missing before others.
#[derive(Debug)]
pub struct Arguments(std::vec::IntoIter<Option<Value>>);

impl Arguments {
    /// Those that came in their order.
    #[must_use]
    pub fn positional(values: Vec<Value>) -> Arguments {
        Arguments(values.into_iter().map(Some).collect::<Vec<_>>().into_iter())
    }

    /// Those that came with names; `order` is the order of the procedure.
    ///
    /// # Errors
    /// A name that is not in it.
    pub fn named(mut values: BTreeMap<String, Value>, order: &[&str]) -> Result<Arguments, Fault> {
        let mut ordered: Vec<Option<Value>> = order.iter().map(|name| values.remove(*name)).collect();
        if !values.is_empty() {
            return Err(Fault::parameters("a parameter that the method does not have"));
        }
        while ordered.last().is_some_and(Option::is_none) {
            ordered.pop();
        }
        Ok(Arguments(ordered.into_iter()))
    }

    /// How many are left.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The next, if it was given.
    pub fn optional(&mut self) -> Option<Value> {
        self.0.next().flatten()
    }

    /// The next.
    ///
    /// # Errors
    /// It was not given.
    pub fn any(&mut self) -> Result<Value, Fault> {
        self.optional().ok_or(Fault::parameters("a parameter is missing"))
    }

    /// The next, a number without fraction.
    ///
    /// # Errors
    /// It is none.
    pub fn int(&mut self) -> Result<i64, Fault> {
        int(&self.any()?)
    }

    /// The next, a text.
    ///
    /// # Errors
    /// It is none.
    pub fn text(&mut self) -> Result<String, Fault> {
        match self.any()? {
            Value::Text(text) => Ok(text),
            other => Err(instead("string", &other)),
        }
    }

    /// The next, a text or any bytes.
    ///
    /// # Errors
    /// It is neither.
    pub fn bytes(&mut self) -> Result<Arc<[u8]>, Fault> {
        match self.any()? {
            Value::Text(text) => Ok(text.into_bytes().into()),
            Value::Bytes(bytes) => Ok(bytes.into()),
            other => Err(instead("string or base64", &other)),
        }
    }

    /// The next, an array.
    ///
    /// # Errors
    /// It is none.
    pub fn array(&mut self) -> Result<Vec<Value>, Fault> {
        match self.any()? {
            Value::Array(values) => Ok(values),
            other => Err(instead("array", &other)),
        }
    }

    /// The next, a struct.
    ///
    /// # Errors
    /// It is none.
    pub fn members(&mut self) -> Result<BTreeMap<String, Value>, Fault> {
        members(self.any()?)
    }
}

/// A number without fraction.
pub fn int(value: &Value) -> Result<i64, Fault> {
    match value {
        Value::Int(number) => Ok(*number),
        other => Err(instead("int", other)),
    }
}

/// A struct.
pub fn members(value: Value) -> Result<BTreeMap<String, Value>, Fault> {
    match value {
        Value::Struct(members) => Ok(members),
        other => Err(instead("struct", &other)),
    }
}

/// A value of another type.
pub fn instead(wanted: &str, given: &Value) -> Fault {
    Fault::parameters(format!("a parameter of type {} instead of {wanted}", given.kind()))
}
