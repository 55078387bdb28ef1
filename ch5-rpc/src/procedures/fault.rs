//! Why a call has no result, with the codes that Dan Libby gave to XML-RPC and that JSON-RPC took over.
//!
//! | code | what |
//! |---|---|
//! | -32700 | not well formed; -32701 an encoding that is not known; -32702 bytes that are not of their encoding |
//! | -32600 | well formed, and no call |
//! | -32601 | no such method |
//! | -32602 | parameters that the method does not take |
//! | -32500 | the method itself: no such message, a full board, a division by zero |
//!
//! A text is a sentence of this program and at most a number. It never repeats a part of the request: what is echoed is escaped, and
//! 100 kB of `<` would be answered with 400 kB of `&lt;`.

use std::borrow::Cow;

use common::support::terminal::line;
use thiserror::Error;

use super::value::Value;
use crate::document::charset;

/// The answer instead of a result.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("fault {code}: {}", line(text))]
pub struct Fault {
    /// What kind it is.
    pub code: i32,
    /// What it is.
    pub text: Cow<'static, str>,
}

/// The struct that a fault is in an answer of XML-RPC, and among the results of a multicall.
impl From<&Fault> for Value {
    fn from(fault: &Fault) -> Value {
        Value::members([
            ("faultCode", Value::Int(fault.code.into())),
            ("faultString", Value::text(&fault.text)),
        ])
    }
}

impl From<charset::Error> for Fault {
    fn from(error: charset::Error) -> Fault {
        let code = match error {
            charset::Error::Unknown => -32701,
            charset::Error::Bytes => -32702,
        };
        Fault::new(code, error.to_string())
    }
}

impl Fault {
    /// The fault that a struct is.
    #[must_use]
    pub fn of(value: Value) -> Option<Fault> {
        let Value::Struct(mut members) = value else { return None };
        match (members.remove("faultCode")?, members.remove("faultString")?) {
            (Value::Int(code), Value::Text(text)) => Some(Fault::new(i32::try_from(code).ok()?, text)),
            _ => None,
        }
    }

    /// A fault of this code.
    #[must_use]
    pub fn new(code: i32, text: impl Into<Cow<'static, str>>) -> Fault {
        Fault { code, text: text.into() }
    }

    /// Not XML, or not JSON.
    #[must_use]
    pub fn not_well_formed(why: &'static str) -> Fault {
        Fault::new(-32700, why)
    }

    /// No call.
    #[must_use]
    pub fn not_a_call(why: impl Into<Cow<'static, str>>) -> Fault {
        Fault::new(-32600, why)
    }

    /// No method has this name.
    #[must_use]
    pub fn no_method() -> Fault {
        Fault::new(-32601, "no such method; system.listMethods lists them")
    }

    /// Not what the method takes.
    #[must_use]
    pub fn parameters(why: impl Into<Cow<'static, str>>) -> Fault {
        Fault::new(-32602, why)
    }

    /// What the method itself says.
    #[must_use]
    pub fn application(why: impl Into<Cow<'static, str>>) -> Fault {
        Fault::new(-32500, why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_stays_on_its_line() {
        assert_eq!(Fault::new(1, "no\nerror: none").to_string(), r"fault 1: no\nerror: none");
    }
}
