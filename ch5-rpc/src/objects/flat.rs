//! Values on the wire: the tokens of a value in the order in which one writes it.
//!
//! ```text
//!   ['a', (1, None)]   ──►   List(2)  Text("a")  Tuple(2)  Int(1)  None
//! ```
//!
//! A value that contains values would be read by a function that calls itself, once for each level, and bincode has no bound for
//! that: a megabyte of "a list of one" is the end of the stack. A list of tokens has one level. Its values are built here, where the
//! depth is counted. How many tokens there are is counted while they are [read](crate::bounded).

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::bounded;
use crate::pyro::serpent::Value;

/// Most levels of values in values, as many as in serpent.
pub const DEPTH: usize = 50;

/// A value, flat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flat(#[serde(deserialize_with = "bounded::list")] Vec<Token>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Token {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// So many values follow.
    Tuple(u32),
    List(u32),
    Set(u32),
    /// So many pairs follow: a key, its value.
    Dict(u32),
}

/// Tokens that are no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum NoValue {
    #[error("a value ends before all that it claims to contain")]
    Short,
    #[error("something is left over behind a value")]
    LeftOver,
    #[error("values are nested too deep")]
    TooDeep,
    #[error("a list, a set or a dictionary cannot be a key, nor stand in a set")]
    Key,
}

impl Flat {
    /// Whether the value is built with a few tokens: such results are kept for later calls.
    #[must_use]
    pub fn is_small(&self) -> bool {
        let bytes = |token: &Token| if let Token::Text(text) = token { text.len() } else { 0 };
        self.0.iter().map(|token| size_of::<Token>() + bytes(token)).sum::<usize>() <= 4096
    }

    /// How many tokens it has.
    pub(super) fn parts(&self) -> usize {
        self.0.len()
    }

    /// Builds the value.
    ///
    /// # Errors
    /// [`NoValue`].
    pub fn value(&self) -> Result<Value, NoValue> {
        let mut tokens = &self.0[..];
        let value = build(&mut tokens, DEPTH)?;
        if tokens.is_empty() { Ok(value) } else { Err(NoValue::LeftOver) }
    }
}

impl From<&Value> for Flat {
    fn from(value: &Value) -> Flat {
        let mut tokens = Vec::new();
        flatten(value, &mut tokens);
        Flat(tokens)
    }
}

/// The values of this program are not deeper than serpent reads them.
fn flatten(value: &Value, tokens: &mut Vec<Token>) {
    let count = |items: usize| u32::try_from(items).unwrap_or(u32::MAX);
    let mut all = |token: fn(u32) -> Token, items: &[Value]| {
        tokens.push(token(count(items.len())));
        items.iter().for_each(|item| flatten(item, tokens));
    };
    match value {
        Value::Tuple(items) => all(Token::Tuple, items),
        Value::List(items) => all(Token::List, items),
        Value::Set(items) => all(Token::Set, items),
        Value::Dict(entries) => {
            tokens.push(Token::Dict(count(entries.len())));
            for (key, value) in entries {
                flatten(key, tokens);
                flatten(value, tokens);
            }
        }
        Value::None => tokens.push(Token::None),
        Value::Bool(value) => tokens.push(Token::Bool(*value)),
        Value::Int(number) => tokens.push(Token::Int(*number)),
        Value::Float(number) => tokens.push(Token::Float(*number)),
        Value::Text(text) => tokens.push(Token::Text(text.clone())),
    }
}

fn build(tokens: &mut &[Token], depth: usize) -> Result<Value, NoValue> {
    let (token, rest) = tokens.split_first().ok_or(NoValue::Short)?;
    *tokens = rest;
    let depth = match token {
        Token::Tuple(_) | Token::List(_) | Token::Set(_) | Token::Dict(_) => {
            depth.checked_sub(1).ok_or(NoValue::TooDeep)?
        }
        _ => depth,
    };
    // A claimed length reserves nothing: the tokens that are there bound the loop.
    let mut items = |count: u32| (0..count).map(|_| build(tokens, depth)).collect::<Result<Vec<_>, _>>();
    Ok(match token {
        Token::None => Value::None,
        Token::Bool(value) => Value::Bool(*value),
        Token::Int(number) => Value::Int(*number),
        Token::Float(number) => Value::Float(*number),
        Token::Text(text) => Value::Text(text.clone()),
        Token::Tuple(count) => Value::Tuple(items(*count)?),
        Token::List(count) => Value::List(items(*count)?),
        Token::Set(count) => Value::Set(items(*count)?.into_iter().map(key).collect::<Result<_, _>>()?),
        Token::Dict(count) => {
            let entry = |_| Ok((key(build(tokens, depth)?)?, build(tokens, depth)?));
            Value::Dict((0..*count).map(entry).collect::<Result<_, _>>()?)
        }
    })
}

fn key(value: Value) -> Result<Value, NoValue> {
    if value.is_hashable() { Ok(value) } else { Err(NoValue::Key) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pyro::serpent::read;

    fn value(text: &str) -> Value {
        read(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_value_is_built_as_it_was() {
        for text in ["None", "['a',(1,None),{2,3}]", "{'a':{1:2.5},(1,2):True}", "[]", "''"] {
            assert_eq!(Flat::from(&value(text)).value(), Ok(value(text)), "{text}");
        }
        assert_eq!(
            Flat::from(&value("['a',(1,None)]")).0,
            [Token::List(2), Token::Text("a".into()), Token::Tuple(2), Token::Int(1), Token::None]
        );
    }

    #[test]
    fn tokens_that_claim_more_or_nest_too_deep_are_refused() {
        let nested = |levels| Flat([vec![Token::List(1); levels], vec![Token::None]].concat()).value();
        assert!(nested(DEPTH).is_ok());
        assert_eq!(nested(DEPTH + 1), Err(NoValue::TooDeep));
        assert_eq!(nested(100_000), Err(NoValue::TooDeep));
        for lie in [vec![], vec![Token::List(u32::MAX)], vec![Token::Dict(1), Token::None]] {
            assert_eq!(Flat(lie).value(), Err(NoValue::Short));
        }
        assert_eq!(Flat(vec![Token::None, Token::None]).value(), Err(NoValue::LeftOver));
        assert_eq!(Flat(vec![Token::Set(1), Token::List(0)]).value(), Err(NoValue::Key));
        assert_eq!(Flat(vec![Token::Dict(1), Token::List(0), Token::None]).value(), Err(NoValue::Key));
    }
}
