//! Bindings of a headers exchange: which headers of a message must have which values. Specification 0-9-1, section 3.1.3.4.
//!
//! `x-match` says how many: `all` or `any`, of the arguments whose names do not begin with `x-`; `all-with-x` and `any-with-x` look at
//! those, too (but never at `x-match` itself). An argument without a value asks only that the header is there.

use super::arguments::{Arguments, same, text};
use crate::amqp::{AMQPValue, FieldTable};

/// What a binding asks of a message's headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    is_any: bool,
    with_x: bool,
}

impl Match {
    /// Of a binding's arguments; the error is what RabbitMQ answers 406 with.
    pub fn read(arguments: &Arguments) -> Result<Match, String> {
        let Some(value) = arguments.value("x-match") else {
            return Ok(Match { is_any: false, with_x: false });
        };
        let expected = "expected all, any, all-with-x, or any-with-x";
        match text(value) {
            Some("all") => Ok(Match { is_any: false, with_x: false }),
            Some("any") => Ok(Match { is_any: true, with_x: false }),
            Some("all-with-x") => Ok(Match { is_any: false, with_x: true }),
            Some("any-with-x") => Ok(Match { is_any: true, with_x: true }),
            Some(other) => Err(format!("Invalid x-match field value \"{other}\"; {expected}")),
            None => Err(format!("Invalid x-match field type {:?}; {expected}", value.get_type())),
        }
    }

    /// Whether these headers are what the binding asks for.
    pub fn covers(self, arguments: &Arguments, headers: Option<&FieldTable>) -> bool {
        let mut asked = arguments.0.into_iter().filter(|(name, _)| {
            let name = name.as_str();
            name != "x-match" && (self.with_x || !name.starts_with("x-"))
        });
        let is_there = |(name, wanted): (&_, &AMQPValue)| {
            let found = headers.and_then(|headers| headers.inner().get(name));
            found.is_some() && (matches!(wanted, AMQPValue::Void) || same(found, Some(wanted)))
        };
        if self.is_any { asked.any(is_there) } else { asked.all(is_there) }
    }
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use super::*;

    fn table(entries: &[(&str, AMQPValue)]) -> FieldTable {
        let mut table = FieldTable::default();
        for (name, value) in entries {
            table.insert((*name).into(), value.clone());
        }
        table
    }

    fn word(word: &str) -> AMQPValue {
        AMQPValue::LongString(word.into())
    }

    fn covers(x_match: &str, asked: &[(&str, AMQPValue)], headers: &[(&str, AMQPValue)]) -> bool {
        let mut all = table(asked);
        all.insert("x-match".into(), word(x_match));
        let arguments = Arguments(all);
        Match::read(&arguments).unwrap().covers(&arguments, Some(&table(headers)))
    }

    #[test]
    fn all_any_and_with_x() {
        let (format, number) = (("format", word("pdf")), ("n", AMQPValue::LongInt(1)));
        let both = [format.clone(), number.clone()];
        assert!(covers("all", &both, &[format.clone(), ("n", AMQPValue::LongLongInt(1))]));
        assert!(!covers("all", &both, from_ref(&format)));
        assert!(covers("any", &both, from_ref(&format)));
        assert!(!covers("any", &both, &[("format", word("zip"))]));
        let x = ("x-format", word("pdf"));
        assert!(covers("all", from_ref(&x), &[]));
        assert!(!covers("all-with-x", from_ref(&x), &[]));
        assert!(!covers("any", from_ref(&x), from_ref(&x)));
        assert!(covers("any-with-x", from_ref(&x), from_ref(&x)));
        assert!(covers("all", &[("n", AMQPValue::Void)], &[number]));
    }

    #[test]
    fn nothing_asked_is_all_and_not_any() {
        assert!(covers("all", &[], &[]));
        assert!(!covers("any", &[], &[("a", word("b"))]));
        let wrong = Arguments(table(&[("x-match", word("most"))]));
        assert!(Match::read(&wrong).unwrap_err().starts_with("Invalid x-match field value \"most\""));
    }
}
