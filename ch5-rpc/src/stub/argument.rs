//! What an argument of a command line is: by the types that the server tells, or by its looks.
//!
//! | written | by looks |
//! |---|---|
//! | `7`, `-7`, `2.5`, `1e3` | a number |
//! | `true`, `false`, `null` | what they say |
//! | `[1, 2]`, `{"a": 1}`, `"7"` | an array, a struct, a text, as JSON has it |
//! | anything else | a text |

use crate::jsonrpc;
use crate::procedures::date::is_date;
use crate::procedures::value::{MOST_VALUES, Value};

/// The ways to call a method: for each, the types of the parameters.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Signatures(Vec<Vec<String>>);

impl Signatures {
    /// Those in the answer of `system.methodSignature`. A server may also say that it does not know: none then.
    pub fn of(answer: &Value) -> Signatures {
        let Value::Array(signatures) = answer else { return Signatures::default() };
        let texts = |signature: &Value| -> Option<Vec<String>> {
            let Value::Array(kinds) = signature else { return None };
            let text = |kind: &Value| match kind {
                Value::Text(kind) => Some(kind.clone()),
                _ => None,
            };
            kinds.iter().skip(1).map(text).collect() // the first is the type of the result
        };
        Signatures(signatures.iter().filter_map(texts).collect())
    }

    /// The values of these arguments: as the first signature says that they all fit.
    pub fn arguments(&self, arguments: &[String]) -> Vec<Value> {
        let fit = |kinds: &Vec<String>| -> Option<Vec<Value>> {
            if kinds.len() != arguments.len() {
                return None;
            }
            arguments.iter().zip(kinds).map(|(argument, kind)| of_kind(argument, kind)).collect()
        };
        let by_looks = || arguments.iter().map(|argument| by_looks(argument)).collect();
        self.0.iter().find_map(fit).unwrap_or_else(by_looks)
    }
}

fn of_kind(argument: &str, kind: &str) -> Option<Value> {
    match kind {
        "string" => Some(Value::text(argument)),
        "int" | "i4" | "i8" => argument.parse().ok().map(Value::Int),
        "double" => argument.parse().ok().map(Value::Double),
        "boolean" => match argument {
            "true" | "1" => Some(Value::Bool(true)),
            "false" | "0" => Some(Value::Bool(false)),
            _ => None,
        },
        "base64" => Some(Value::Bytes(argument.as_bytes().to_vec())),
        "dateTime.iso8601" => is_date(argument).then(|| Value::Date(argument.to_owned())),
        "array" | "struct" | "nil" => Some(by_looks(argument)).filter(|value| value.kind() == kind),
        _ => Some(by_looks(argument)),
    }
}

fn by_looks(argument: &str) -> Value {
    jsonrpc::read::document(argument, MOST_VALUES).unwrap_or_else(|_| Value::text(argument))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(signatures: &[&[&str]], arguments: &[&str]) -> Vec<Value> {
        let one =
            |signature: &&[&str]| Value::Array(signature.iter().map(|kind| Value::text(kind)).collect());
        let answer = Value::Array(signatures.iter().map(one).collect());
        Signatures::of(&answer)
            .arguments(&arguments.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_types_that_the_server_tells_come_first() {
        assert_eq!(arguments(&[&["int", "string"]], &["7"]), [Value::text("7")]);
        assert_eq!(arguments(&[&["int", "int"], &["int", "string"]], &["seven"]), [Value::text("seven")]);
        assert_eq!(arguments(&[&["int", "double"]], &["7"]), [Value::Double(7.0)]);
        assert_eq!(arguments(&[&["int", "boolean"]], &["1"]), [Value::Bool(true)]);
        assert_eq!(arguments(&[&["int", "base64"]], &["ab"]), [Value::Bytes(b"ab".to_vec())]);
        let date = "19980717T14:08:55";
        assert_eq!(arguments(&[&["int", "dateTime.iso8601"]], &[date]), [Value::Date(date.into())]);
        let values = arguments(&[&["int", "string", "array"]], &["[]", "[\"a\", 1]"]);
        assert_eq!(values, [Value::text("[]"), Value::Array(vec![Value::text("a"), Value::Int(1)])]);
    }

    #[test]
    fn where_it_does_not_tell_looks_decide() {
        for (signatures, argument, value) in [
            (&[][..], "7", Value::Int(7)),
            (&[&["int", "int", "int"][..]], "7", Value::Int(7)),
            (&[&["int", "undef"][..]], "7", Value::Int(7)),
            (&[&["int", "struct"][..]], "seven", Value::text("seven")),
            (&[], "-1.5", Value::Double(-1.5)),
            (&[], "true", Value::Bool(true)),
            (&[], "null", Value::Nil),
            (&[], "007", Value::text("007")),
            (&[], "\"7\"", Value::text("7")),
            (&[], "{\"a\": 1}", Value::members([("a", Value::Int(1))])),
            (&[], "", Value::text("")),
        ] {
            assert_eq!(arguments(signatures, &[argument]), [value], "{argument}");
        }
        assert_eq!(Signatures::of(&Value::text("signatures not supported")), Signatures::default());
        assert_eq!(Signatures::of(&Value::Array(vec![Value::Int(1)])), Signatures::default());
    }
}
