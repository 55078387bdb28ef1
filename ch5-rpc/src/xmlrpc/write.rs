//! From values to XML: an answer, as the server writes it, and a call, as a client does.
//!
//! Python's reader, and most others, take an `<int>` of any size and know `<i8>` and `<nil/>`; few can write them. So what fits into the
//! 32 bits of the specification is an `<int>`, and only what does not is an `<i8>`.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::document::{Document, Part, SharedText, escape};
use crate::procedures::fault::Fault;
use crate::procedures::value::Value;

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// A shared text up to this length is copied; a longer one is written while it is sent.
const COPIED: usize = 4096;

/// The answer to a call.
#[must_use]
pub fn method_response(outcome: &Result<Value, Fault>) -> Document {
    let mut document = Document::default();
    document.push_str(DECLARATION);
    match outcome {
        Ok(result) => {
            document.push_str("<methodResponse><params><param>");
            value(result, &mut document);
            document.push_str("</param></params></methodResponse>\n");
        }
        Err(fault) => {
            document.push_str("<methodResponse><fault>");
            value(&fault.into(), &mut document);
            document.push_str("</fault></methodResponse>\n");
        }
    }
    document
}

/// A call.
#[must_use]
pub fn method_call(name: &str, parameters: &[Value]) -> Document {
    let mut document = Document::default();
    document.push_str(DECLARATION);
    document.push_str("<methodCall><methodName>");
    escape::xml(name.as_bytes(), document.bytes());
    document.push_str("</methodName><params>");
    for parameter in parameters {
        document.push_str("<param>");
        value(parameter, &mut document);
        document.push_str("</param>");
    }
    document.push_str("</params></methodCall>\n");
    document
}

/// Appends a value.
pub fn value(value: &Value, document: &mut Document) {
    document.push_str("<value>");
    typed(value, document);
    document.push_str("</value>");
}

fn typed(value: &Value, document: &mut Document) {
    match value {
        Value::Nil => document.push_str("<nil/>"),
        Value::Bool(is) => {
            document.push_str(if *is { "<boolean>1</boolean>" } else { "<boolean>0</boolean>" });
        }
        Value::Int(number) => {
            let kind = if i32::try_from(*number).is_ok() { "int" } else { "i8" };
            format(document, format_args!("<{kind}>{number}</{kind}>"));
        }
        // Never with an exponent, which the specification does not have.
        Value::Double(number) => format(document, format_args!("<double>{number}</double>")),
        Value::Date(date) => format(document, format_args!("<dateTime.iso8601>{date}</dateTime.iso8601>")),
        Value::Text(text) if escape::is_xml(text.as_bytes()) => {
            document.push_str("<string>");
            escape::xml(text.as_bytes(), document.bytes());
            document.push_str("</string>");
        }
        Value::Text(text) => base64(text.as_bytes(), document),
        Value::Bytes(bytes) => base64(bytes, document),
        Value::Shared(text) => shared(text, document),
        Value::Array(values) => {
            document.push_str("<array><data>");
            for inner in values {
                self::value(inner, document);
            }
            document.push_str("</data></array>");
        }
        Value::Ids(ids) => {
            document.push_str("<array><data>");
            document.push(Part::XmlIds(ids.clone()));
            document.push_str("</data></array>");
        }
        Value::Struct(members) => {
            document.push_str("<struct>");
            for (name, inner) in members {
                document.push_str("<member><name>");
                escape::xml(name.as_bytes(), document.bytes());
                document.push_str("</name>");
                self::value(inner, document);
                document.push_str("</member>");
            }
            document.push_str("</struct>");
        }
    }
}

fn shared(text: &SharedText, document: &mut Document) {
    let (bytes, is_text) = (text.bytes(), text.xml_length().is_some());
    document.push_str(if is_text { "<string>" } else { "<base64>" });
    match (bytes.len() <= COPIED, is_text) {
        (true, true) => escape::xml(bytes, document.bytes()),
        (true, false) => document.push_str(&BASE64.encode(bytes)),
        (false, true) => document.push(Part::XmlText(text.clone())),
        (false, false) => document.push(Part::Base64(bytes.clone())),
    }
    document.push_str(if is_text { "</string>" } else { "</base64>" });
}

fn base64(bytes: &[u8], document: &mut Document) {
    format(document, format_args!("<base64>{}</base64>", BASE64.encode(bytes)));
}

fn format(document: &mut Document, words: std::fmt::Arguments<'_>) {
    document.bytes().write_fmt(words).expect("a Vec takes all that is written to it");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xmlrpc::read;

    fn written(value: &Value) -> String {
        let mut document = Document::default();
        super::value(value, &mut document);
        String::from_utf8(document.into_bytes()).unwrap()
    }

    #[test]
    fn every_value_has_its_form() {
        for (value, xml) in [
            (Value::Nil, "<nil/>"),
            (Value::Bool(true), "<boolean>1</boolean>"),
            (Value::Int(i32::MIN.into()), "<int>-2147483648</int>"),
            (Value::Int(1 << 31), "<i8>2147483648</i8>"),
            (Value::Double(-0.5), "<double>-0.5</double>"),
            (Value::Double(1e21), "<double>1000000000000000000000</double>"),
            (Value::text("a<b>&\r\n\"'"), "<string>a&lt;b&gt;&amp;&#13;\n\"'</string>"),
            (Value::text("\u{1}"), "<base64>AQ==</base64>"),
            (Value::text("\u{ffff}"), "<base64>77+/</base64>"),
            (Value::Shared(SharedText::new(b"\xff"[..].into())), "<base64>/w==</base64>"),
            (Value::Shared(SharedText::new(b"\x7f"[..].into())), "<string>\u{7f}</string>"),
            (Value::Bytes(vec![0, 1]), "<base64>AAE=</base64>"),
            (
                Value::Ids(8..10),
                "<array><data><value><int>8</int></value><value><int>9</int></value></data></array>",
            ),
            (
                Value::members([("<", Value::Array(Vec::new())), ("", Value::text(""))]),
                "<struct><member><name></name><value><string></string></value></member>\
                 <member><name>&lt;</name><value><array><data></data></array></value></member></struct>",
            ),
        ] {
            assert_eq!(written(&value), format!("<value>{xml}</value>"), "{value:?}");
        }
    }

    #[test]
    fn a_long_text_is_written_as_a_short_one() {
        for text in ["a<\r".repeat(5000), "\u{1}".repeat(5000)] {
            let (own, shared) =
                (Value::text(&text), Value::Shared(SharedText::new(text.into_bytes().into())));
            assert_eq!(written(&own), written(&shared));
        }
    }

    #[test]
    fn another_implementation_reads_what_is_written() {
        let parameters = [
            Value::Nil,
            Value::Bool(false),
            Value::Int(1 << 40),
            Value::Double(2.25),
            Value::text(" a<&>\n\u{e9} "),
            Value::Bytes(vec![1, 2, 3, 255]),
            Value::Date("19980717T14:08:55".into()),
            Value::Array(vec![Value::Int(-1), Value::Array(Vec::new())]),
            Value::members([("one", Value::text("")), ("two", Value::Int(2))]),
        ];
        let call = String::from_utf8(method_call("a.b", &parameters).into_bytes()).unwrap();
        let theirs = dxr::MethodCall::from_xml(&call).unwrap();
        assert_eq!(theirs.name, "a.b");
        // What they have read and written, read again, is what it was.
        let again = read::method_call(&theirs.to_xml().unwrap()).unwrap();
        assert_eq!(again.parameters, parameters);

        let fault = Fault::new(-32601, "no <such> method");
        let answer = String::from_utf8(method_response(&Err(fault.clone())).into_bytes()).unwrap();
        let theirs = dxr::FaultResponse::from_xml(&answer).unwrap();
        assert_eq!((theirs.fault.code(), theirs.fault.string()), (fault.code, &*fault.text));
        assert_eq!(read::method_response(&answer), Ok(Err(fault)));
    }
}
