//! The XML of a document, one token after the other, with everything refused that no XML-RPC needs.
//!
//! ```text
//!   <value>a&amp;<!-- x --><![CDATA[<b>]]></value>     Start(value)  Text(a&<b>)  End
//! ```
//!
//! | refused | why |
//! |---|---|
//! | a document type | entities that grow without end; a file of the server inside a message |
//! | a character that XML 1.0 does not have, written or as `&#1;` | the next answer that carries it could not be read |
//! | elements inside one another beyond a limit | the reader above is recursive |
//!
//! Prefixes of names are dropped, as Python does: `ex:nil` is `nil`. Attributes, comments and instructions say nothing here.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};

use crate::document::escape::is_xml;
use crate::procedures::fault::Fault;
use crate::procedures::value::MOST_DEPTH;

/// An array is three elements in one another and a struct as well; some stand around them all.
const MOST_ELEMENTS: usize = 3 * MOST_DEPTH + 10;

/// A token.
#[derive(Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// An element begins.
    Start(Element),
    /// The element that was begun last ends.
    End,
    /// Text between two of these, never empty.
    Text(Cow<'a, str>),
    /// The document ends.
    Eof,
}

/// The tokens of a document.
pub struct Tokens<'a> {
    reader: Reader<&'a [u8]>,
    depth: usize,
    /// What has been read behind a text.
    ahead: Option<Event<'a>>,
    /// `<a/>` has begun, and ends next.
    is_empty_element: bool,
}

impl<'a> Tokens<'a> {
    /// Those of this document.
    #[must_use]
    pub fn of(document: &'a str) -> Tokens<'a> {
        Tokens { reader: Reader::from_str(document), depth: 0, ahead: None, is_empty_element: false }
    }

    /// The next.
    ///
    /// # Errors
    /// Not XML, or what is refused.
    pub fn token(&mut self) -> Result<Token<'a>, Fault> {
        if std::mem::take(&mut self.is_empty_element) {
            self.depth -= 1;
            return Ok(Token::End);
        }
        let mut text = Cow::Borrowed("");
        loop {
            let event = match self.ahead.take() {
                Some(event) => event,
                None => {
                    self.reader.read_event().map_err(|_| Fault::not_well_formed("not well-formed XML"))?
                }
            };
            let piece = match event {
                Event::Text(piece) => piece.xml10_content(),
                Event::CData(piece) => piece.xml10_content(),
                Event::GeneralRef(reference) => Cow::Owned(character(&reference)?.into()),
                Event::Comment(_) | Event::PI(_) | Event::Decl(_) => continue,
                Event::DocType(_) => {
                    return Err(Fault::not_a_call("a document type: XML-RPC has none"));
                }
                markup if !text.is_empty() => {
                    self.ahead = Some(markup);
                    return Ok(Token::Text(text));
                }
                Event::Start(start) => {
                    self.go_down()?;
                    return Ok(Token::Start(Element::of(start.local_name().into_inner())));
                }
                Event::Empty(start) => {
                    self.go_down()?;
                    self.is_empty_element = true;
                    return Ok(Token::Start(Element::of(start.local_name().into_inner())));
                }
                Event::End(_) => {
                    self.depth -= 1;
                    return Ok(Token::End);
                }
                Event::Eof if self.depth > 0 => {
                    return Err(Fault::not_well_formed("the document ends inside an element"));
                }
                Event::Eof => return Ok(Token::Eof),
            };
            if !is_xml(piece.as_bytes()) {
                return Err(Fault::not_well_formed(
                    "a character that XML 1.0 does not have: send it as base64",
                ));
            }
            if text.is_empty() {
                text = piece;
            } else {
                text.to_mut().push_str(&piece);
            }
        }
    }

    fn go_down(&mut self) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > MOST_ELEMENTS {
            return Err(Fault::not_a_call("too many arrays and structs inside one another"));
        }
        Ok(())
    }
}

/// The character that a reference stands for.
fn character(reference: &BytesRef<'_>) -> Result<char, Fault> {
    let bad = || Fault::not_well_formed("a reference that stands for no character");
    if let Some(character) = reference.resolve_char_ref().map_err(|_| bad())? {
        return Ok(character);
    }
    match &**reference {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        _ => Err(bad()),
    }
}

/// The elements of XML-RPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named as in the document")]
pub enum Element {
    MethodCall,
    MethodName,
    MethodResponse,
    Fault,
    Params,
    Param,
    Value,
    Int,
    Boolean,
    String,
    Double,
    Date,
    Base64,
    Array,
    Data,
    Struct,
    Member,
    Name,
    Nil,
    Unknown,
}

impl Element {
    fn of(name: &str) -> Element {
        match name {
            "methodCall" => Element::MethodCall,
            "methodName" => Element::MethodName,
            "methodResponse" => Element::MethodResponse,
            "fault" => Element::Fault,
            "params" => Element::Params,
            "param" => Element::Param,
            "value" => Element::Value,
            "int" | "i4" | "i8" | "i1" | "i2" => Element::Int,
            "boolean" => Element::Boolean,
            "string" => Element::String,
            "double" | "float" => Element::Double,
            "dateTime.iso8601" => Element::Date,
            "base64" => Element::Base64,
            "array" => Element::Array,
            "data" => Element::Data,
            "struct" => Element::Struct,
            "member" => Element::Member,
            "name" => Element::Name,
            "nil" => Element::Nil,
            _ => Element::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(document: &str) -> Result<String, Fault> {
        let (mut tokens, mut text) = (Tokens::of(document), String::new());
        loop {
            match tokens.token()? {
                Token::Eof => return Ok(text),
                Token::Start(element) => text += &format!("({element:?}"),
                Token::End => text += ")",
                Token::Text(piece) => text += &format!("{piece:?}"),
            }
        }
    }

    #[test]
    fn a_text_is_one_token_whatever_it_is_written_with() {
        let document =
            "<?xml version='1.0'?><value>a&amp;<!-- x --><![CDATA[<b>]]>&#233;&#xe9;<?x?>\r\n</value>";
        assert_eq!(tokens(document).unwrap(), r#"(Value"a&<b>éé\n")"#);
        assert_eq!(tokens("<a><ex:nil/> </a>").unwrap(), r#"(Unknown(Nil)" ")"#);
        assert_eq!(tokens("<a b='c'></a>").unwrap(), "(Unknown)");
    }

    #[test]
    fn what_no_call_needs_is_refused() {
        for document in [
            "<a>",
            "<a></b>",
            "</a>",
            "<a>&b;</a>",
            "<a>&</a>",
            "<a>\u{1}</a>",
            "<a>&#1;</a>",
            "<a>&#xffff;</a>",
            "<a>&#xd800;</a>",
            "<a>\u{fffe}</a>",
            "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
            &"<a>".repeat(100_000),
        ] {
            assert!(tokens(document).is_err(), "{document:.40}");
        }
        assert!(tokens("<a>\u{7f}\u{85}\u{2028}\t\r\n😀</a>").is_ok());
    }
}
