//! From XML to values: a call, as the server reads it, and an answer, as a client does.
//!
//! ```text
//!   <methodCall><methodName>get</methodName><params><param><value><int>7</int></value></param></params></methodCall>
//! ```
//!
//! What `dxr` (the crate) does not read is read here: members without a name, a text of blanks without a type, `i1` and `i2`, dates with
//! dashes and zones. Its reader cannot be told to, and its errors repeat the whole document; so it is only asked in the tests whether it
//! reads what we write.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::tokens::{Element, Token, Tokens};
use crate::procedures::date::is_date;
use crate::procedures::fault::Fault;
use crate::procedures::value::{ANSWER_VALUES, MOST_DEPTH, MOST_VALUES, Value};

/// A call that has been read.
#[derive(Debug, PartialEq)]
pub struct MethodCall {
    /// The method.
    pub name: String,
    /// Its parameters.
    pub parameters: Vec<Value>,
}

/// The call in a document.
///
/// # Errors
/// No XML, or no call.
pub fn method_call(document: &str) -> Result<MethodCall, Fault> {
    let mut reader = Reader::of(document, MOST_VALUES);
    reader.start(Element::MethodCall, "the document is no methodCall")?;
    reader.start(Element::MethodName, "a call begins with its methodName")?;
    let name = reader.text()?.trim().to_owned();
    let parameters = match reader.element()? {
        Some(Element::Params) => {
            let parameters = reader.parameters()?;
            reader.end("nothing follows the params")?;
            parameters
        }
        Some(_) => return Err(Fault::not_a_call("nothing but params follows the methodName")),
        None => Vec::new(),
    };
    reader.eof()?;
    Ok(MethodCall { name, parameters })
}

/// The result in a document, or the fault of the method. A client asks for it, and has a limit of bytes; so it may have any number of
/// values.
///
/// # Errors
/// No XML, or no answer.
pub fn method_response(document: &str) -> Result<Result<Value, Fault>, Fault> {
    let mut reader = Reader::of(document, ANSWER_VALUES);
    reader.start(Element::MethodResponse, "the document is no methodResponse")?;
    let response = match reader.element()? {
        Some(Element::Params) => {
            let mut values = reader.parameters()?.into_iter();
            let one = values.next().filter(|_| values.len() == 0);
            Ok(one.ok_or(Fault::not_a_call("an answer has one result"))?)
        }
        Some(Element::Fault) => {
            reader.start(Element::Value, "a fault has a value")?;
            let fault = reader.value(0)?;
            reader.end("a fault has one value")?;
            Err(Fault::of(fault).ok_or(Fault::not_a_call("a fault has faultCode and faultString"))?)
        }
        _ => return Err(Fault::not_a_call("an answer has params or a fault")),
    };
    reader.end("nothing follows in an answer")?;
    reader.eof()?;
    Ok(response)
}

struct Reader<'a> {
    tokens: Tokens<'a>,
    /// How many values may still come.
    values: usize,
}

impl<'a> Reader<'a> {
    fn of(document: &'a str, values: usize) -> Reader<'a> {
        Reader { tokens: Tokens::of(document), values }
    }

    /// The element that begins, or `None` at the end of the one around it. Between elements only blanks may stand.
    fn element(&mut self) -> Result<Option<Element>, Fault> {
        loop {
            return match self.tokens.token()? {
                Token::Text(text) if text.trim_ascii().is_empty() => continue,
                Token::Text(_) => Err(Fault::not_a_call("text between elements")),
                Token::Start(element) => Ok(Some(element)),
                Token::End => Ok(None),
                Token::Eof => Err(Fault::not_well_formed("the document ends early")),
            };
        }
    }

    fn start(&mut self, wanted: Element, otherwise: &'static str) -> Result<(), Fault> {
        if self.element()? == Some(wanted) { Ok(()) } else { Err(Fault::not_a_call(otherwise)) }
    }

    fn end(&mut self, otherwise: &'static str) -> Result<(), Fault> {
        if self.element()?.is_none() { Ok(()) } else { Err(Fault::not_a_call(otherwise)) }
    }

    fn eof(&mut self) -> Result<(), Fault> {
        loop {
            return match self.tokens.token()? {
                Token::Text(text) if text.trim_ascii().is_empty() => continue,
                Token::Eof => Ok(()),
                _ => Err(Fault::not_well_formed("something follows the document")),
            };
        }
    }

    /// The text up to the end of the element.
    fn text(&mut self) -> Result<String, Fault> {
        match self.tokens.token()? {
            Token::End => Ok(String::new()),
            Token::Text(text) => {
                self.end("an element inside a text")?;
                Ok(text.into_owned())
            }
            _ => Err(Fault::not_a_call("an element inside a text")),
        }
    }

    fn parameters(&mut self) -> Result<Vec<Value>, Fault> {
        let mut parameters = Vec::new();
        while let Some(element) = self.element()? {
            if element != Element::Param {
                return Err(Fault::not_a_call("params has only param inside"));
            }
            self.start(Element::Value, "a param has a value")?;
            parameters.push(self.value(0)?);
            self.end("a param has one value")?;
        }
        Ok(parameters)
    }

    /// The rest of a value, whose element has begun; `depth` others are around it.
    fn value(&mut self, depth: usize) -> Result<Value, Fault> {
        self.values = self.values.checked_sub(1).ok_or(Fault::not_a_call("too many values"))?;
        if depth > MOST_DEPTH {
            return Err(Fault::not_a_call("too many arrays and structs inside one another"));
        }
        let text = match self.tokens.token()? {
            Token::Start(element) => {
                let value = self.typed(element, depth)?;
                self.end("a value has one type")?;
                return Ok(value);
            }
            Token::End => return Ok(Value::Text(String::new())),
            Token::Text(text) => text,
            Token::Eof => return Err(Fault::not_well_formed("the document ends early")),
        };
        // Blanks are a text when nothing follows them, and indentation when an element does.
        match self.tokens.token()? {
            Token::End => Ok(Value::Text(text.into_owned())),
            Token::Start(element) if text.trim_ascii().is_empty() => {
                let value = self.typed(element, depth)?;
                self.end("a value has one type")?;
                Ok(value)
            }
            _ => Err(Fault::not_a_call("text and an element in one value")),
        }
    }

    fn typed(&mut self, element: Element, depth: usize) -> Result<Value, Fault> {
        match element {
            Element::String => self.text().map(Value::Text),
            Element::Int => {
                let number = self.text()?;
                let number = number.trim_ascii().parse();
                number.map(Value::Int).map_err(|_| Fault::not_a_call("an int that is no number of 64 bits"))
            }
            Element::Boolean => match self.text()?.trim_ascii() {
                "0" => Ok(Value::Bool(false)),
                "1" => Ok(Value::Bool(true)),
                _ => Err(Fault::not_a_call("a boolean that is neither 0 nor 1")),
            },
            Element::Double => {
                let number = self.text()?;
                let number = number.trim_ascii().parse();
                number.map(Value::Double).map_err(|_| Fault::not_a_call("a double that is no number"))
            }
            Element::Date => {
                let date = self.text()?;
                let date = date.trim_ascii();
                let refused = Fault::not_a_call("a date that is not of the form 19980717T14:08:55");
                is_date(date).then(|| Value::Date(date.to_owned())).ok_or(refused)
            }
            Element::Base64 => {
                let mut text = self.text()?.into_bytes();
                text.retain(|byte| !byte.is_ascii_whitespace()); // in lines, as some write it
                let bytes = BASE64.decode(&text);
                bytes.map(Value::Bytes).map_err(|_| Fault::not_a_call("base64 that is none"))
            }
            Element::Nil => self.end("something in nil").map(|()| Value::Nil),
            Element::Array => self.array(depth),
            Element::Struct => self.members(depth),
            _ => Err(Fault::not_a_call("a type that XML-RPC does not have")),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, Fault> {
        self.start(Element::Data, "an array has data")?;
        let mut values = Vec::new();
        while let Some(element) = self.element()? {
            if element != Element::Value {
                return Err(Fault::not_a_call("data has only values inside"));
            }
            values.push(self.value(depth + 1)?);
        }
        self.end("an array has one data")?;
        Ok(Value::Array(values))
    }

    fn members(&mut self, depth: usize) -> Result<Value, Fault> {
        let mut members = BTreeMap::new();
        while let Some(element) = self.element()? {
            if element != Element::Member {
                return Err(Fault::not_a_call("a struct has only members inside"));
            }
            self.start(Element::Name, "a member begins with its name")?;
            let name = self.text()?;
            self.start(Element::Value, "a member has a value")?;
            members.insert(name, self.value(depth + 1)?);
            self.end("a member has one name and one value")?;
        }
        Ok(Value::Struct(members))
    }
}

#[cfg(test)]
mod tests;
