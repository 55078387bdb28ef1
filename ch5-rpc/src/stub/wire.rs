//! The two wires that a stub speaks.

use std::sync::atomic::AtomicBool;

use common::protocol::http::Url;

use super::connection::Connection;
use super::error::Error;
use super::server::ServerArgs;
use crate::document::Document;
use crate::document::charset;
use crate::jsonrpc;
use crate::procedures::fault::Fault;
use crate::procedures::value::{ANSWER_VALUES, Value};
use crate::xmlrpc::{read, write};

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// XML-RPC.
    Xml,
    /// JSON-RPC 2.0.
    Json,
}

impl Wire {
    /// The wire of a server, and a connection to it.
    pub fn open<'a>(server: &ServerArgs, interrupted: &'a AtomicBool) -> (Wire, Connection<'a>) {
        let (wire, url) = Wire::of(&server.url);
        (wire, Connection::new(url, server.timeout, server.limit, interrupted))
    }

    /// The wire that a path means, and the whole URL: without a path it is the path of XML-RPC, as in Python.
    fn of(url: &Url) -> (Wire, Url) {
        let path = url.target.split('?').next().unwrap_or_default();
        let target = if url.target == "/" { "/RPC2".to_owned() } else { url.target.clone() };
        let wire = if path.ends_with("/rpc") { Wire::Json } else { Wire::Xml };
        (wire, Url { target, ..url.clone() })
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Wire::Xml => "text/xml",
            Wire::Json => "application/json",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Wire::Xml => "XML-RPC",
            Wire::Json => "JSON-RPC",
        }
    }

    /// The content of a request.
    pub fn request(self, method: &str, parameters: &[Value]) -> Vec<u8> {
        match self {
            Wire::Xml => write::method_call(method, parameters).into_bytes(),
            Wire::Json => {
                let mut document = Document::default();
                let members = [
                    ("jsonrpc", Value::text("2.0")),
                    ("method", Value::text(method)),
                    ("params", Value::Array(parameters.to_vec())),
                    ("id", Value::Int(1)),
                ];
                jsonrpc::write::value(&Value::members(members), &mut document);
                document.into_bytes()
            }
        }
    }

    /// The result in the content of an answer.
    pub fn result(self, response: &[u8]) -> Result<Value, Error> {
        let outcome = charset::decode(response, None).map_err(Fault::from).and_then(|text| match self {
            Wire::Xml => read::method_response(&text),
            Wire::Json => json_response(&text),
        });
        match outcome {
            Ok(result) => result.map_err(Error::Fault),
            Err(fault) => Err(Error::NotAnAnswer { wire: self.name(), why: fault.text.into_owned() }),
        }
    }

    /// A call with one text.
    pub fn call(
        self,
        connection: &mut Connection<'_>,
        method: &str,
        parameter: &str,
    ) -> Result<Value, Error> {
        let request = self.request(method, &[Value::text(parameter)]);
        self.result(&connection.post(self.content_type(), &request)?)
    }
}

fn json_response(text: &str) -> Result<Result<Value, Fault>, Fault> {
    let Value::Struct(mut members) = jsonrpc::read::document(text, ANSWER_VALUES)? else {
        return Err(Fault::not_a_call("an answer is an object"));
    };
    if let Some(Value::Struct(mut error)) = members.remove("error") {
        return match (error.remove("code"), error.remove("message")) {
            (Some(Value::Int(code)), Some(Value::Text(message))) => {
                Ok(Err(Fault::new(i32::try_from(code).unwrap_or(i32::MIN), message)))
            }
            _ => Err(Fault::not_a_call("an error has a code and a message")),
        };
    }
    match (members.remove("result"), members.remove("id")) {
        (Some(result), Some(Value::Int(1))) => Ok(Ok(result)),
        (Some(_), _) => Err(Fault::not_a_call("it answers another request")),
        (None, _) => Err(Fault::not_a_call("an answer has a result or an error")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_says_which_wire() {
        for (url, wire, target) in [
            ("http://h", Wire::Xml, "/RPC2"),
            ("http://h/", Wire::Xml, "/RPC2"),
            ("http://h/RPC2", Wire::Xml, "/RPC2"),
            ("http://h/other", Wire::Xml, "/other"),
            ("http://h/rpc", Wire::Json, "/rpc"),
            ("http://h/api/rpc?key=1", Wire::Json, "/api/rpc?key=1"),
        ] {
            let (found, whole) = Wire::of(&url.parse().unwrap());
            assert_eq!((found, whole.target.as_str()), (wire, target), "{url}");
        }
    }

    #[test]
    fn an_answer_is_a_result_a_fault_or_none() {
        let read = |text: &str| Wire::Json.result(text.as_bytes()).map_err(|error| error.to_string());
        assert_eq!(read(r#"{"jsonrpc":"2.0","result":[7],"id":1}"#), Ok(Value::Array(vec![Value::Int(7)])));
        assert_eq!(read(r#"{"error":{"code":-1,"message":"no"},"id":null}"#).unwrap_err(), "fault -1: no");
        for none in [r#"{"result":7,"id":2}"#, "{}", "[]", "<html>", r#"{"error":{"code":1}}"#] {
            assert!(read(none).unwrap_err().starts_with("the answer is not JSON-RPC: "), "{none}");
        }
        let long = format!(r#"{{"result":[{}0],"id":1}}"#, "0,".repeat(ANSWER_VALUES));
        assert_eq!(read(&long).unwrap_err(), "the answer is not JSON-RPC: too many values");
        let values = "<value/>".repeat(ANSWER_VALUES + 1);
        let long = format!(
            "<methodResponse><params><param><value><array><data>{values}</data></array></value></param></params></methodResponse>"
        );
        let said = Wire::Xml.result(long.as_bytes()).unwrap_err().to_string();
        assert!(said.starts_with("the answer is not XML-RPC: "), "{said}");
        let html = Wire::Xml.result(b"<!DOCTYPE html><html></html>").unwrap_err().to_string();
        assert!(html.starts_with("the answer is not XML-RPC: "), "{html}");
    }
}
