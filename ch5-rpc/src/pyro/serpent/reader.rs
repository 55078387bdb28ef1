//! Reads the Python literals that serpent writes: nesting, number of values and every token are bounded.
//!
//! A hostile text is cheap to write: `[[[[…` makes a recursive reader run out of its stack, and `[0,0,0,…` takes sixteen times its
//! length in memory. So both are counted.

use thiserror::Error;

use super::value::Value;

/// Deepest nesting.
const DEPTH: usize = 50;

/// Most values in a text that [`read`] reads. Each takes 32 bytes.
const VALUES: usize = 100_000;

/// Not serpent, or more of it than is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not serpent: {why} at byte {at}")]
pub struct NotSerpent {
    /// Where.
    pub at: usize,
    /// What is wrong there.
    pub why: &'static str,
}

/// Reads a text that is one value.
///
/// # Errors
/// [`NotSerpent`].
pub fn read(bytes: &[u8]) -> Result<Value, NotSerpent> {
    read_up_to(VALUES, bytes)
}

/// The same for an answer, which may be longer than a question: the number of values in it is `most`.
///
/// # Errors
/// [`NotSerpent`].
pub fn read_up_to(most: usize, bytes: &[u8]) -> Result<Value, NotSerpent> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| NotSerpent { at: error.valid_up_to(), why: "the text is not UTF-8" })?;
    let mut reader = Reader { text, at: 0, left: most };
    let value = reader.value(0)?;
    reader.skip_space();
    if reader.at < text.len() {
        return Err(reader.error("more follows the value"));
    }
    Ok(value)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Values that may still come.
    left: usize,
}

/// A set or a dictionary: only behind the first item one knows which.
enum Braced {
    Set(Vec<Value>),
    Dict(Vec<(Value, Value)>),
}

impl Reader<'_> {
    fn error(&self, why: &'static str) -> NotSerpent {
        NotSerpent { at: self.at, why }
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Takes this byte, if it is the next behind white space.
    fn takes(&mut self, byte: u8) -> bool {
        self.skip_space();
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// White space, and comments to the end of their lines.
    fn skip_space(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.at += 1,
                Some(b'#') => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
                _ => return,
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, NotSerpent> {
        self.skip_space();
        if depth > DEPTH {
            return Err(self.error("nested too deeply"));
        }
        self.left = self.left.checked_sub(1).ok_or_else(|| self.error("too many values"))?;
        match self.peek() {
            Some(b'(') => self.tuple(depth),
            Some(b'[') => {
                self.at += 1;
                self.items(b']', depth, Vec::new()).map(|(items, _)| Value::List(items))
            }
            Some(b'{') => self.braced(depth),
            Some(quote @ (b'\'' | b'"')) => self.quoted(quote).map(Value::Text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => self.name(),
            None => Err(self.error("the text ends before a value")),
        }
    }

    /// Items behind an opening bracket or a first item, up to and with the closing bracket; and whether a comma stood before it.
    fn items(
        &mut self,
        close: u8,
        depth: usize,
        mut items: Vec<Value>,
    ) -> Result<(Vec<Value>, bool), NotSerpent> {
        let mut has_comma = true;
        loop {
            if self.takes(close) {
                return Ok((items, has_comma));
            }
            if !has_comma {
                return Err(self.error("a comma or a closing bracket is missing"));
            }
            items.push(self.value(depth + 1)?);
            has_comma = self.takes(b',');
        }
    }

    fn tuple(&mut self, depth: usize) -> Result<Value, NotSerpent> {
        self.at += 1;
        let (mut items, has_comma) = self.items(b')', depth, Vec::new())?;
        match items.pop() {
            // Brackets around a value are the value.
            Some(item) if items.is_empty() && !has_comma => Ok(item),
            Some(item) => {
                items.push(item);
                Ok(Value::Tuple(items))
            }
            None => Ok(Value::Tuple(items)),
        }
    }

    fn braced(&mut self, depth: usize) -> Result<Value, NotSerpent> {
        self.at += 1;
        let (mut braced, mut has_comma) = (Braced::Dict(Vec::new()), true);
        let mut is_first = true;
        loop {
            if self.takes(b'}') {
                return Ok(match braced {
                    Braced::Set(items) => Value::Set(items),
                    Braced::Dict(entries) => nan_or(Value::Dict(entries)),
                });
            }
            if !has_comma {
                return Err(self.error("a comma or a closing bracket is missing"));
            }
            let item = self.value(depth + 1)?;
            if !item.is_hashable() {
                return Err(self.error("a key that can change"));
            }
            let is_entry = self.takes(b':');
            if is_first && !is_entry {
                braced = Braced::Set(Vec::new());
            }
            is_first = false;
            match (&mut braced, is_entry) {
                (Braced::Dict(entries), true) => {
                    let value = self.value(depth + 1)?;
                    entries.push((item, value));
                }
                (Braced::Set(items), false) => items.push(item),
                _ => return Err(self.error("half a set, half a dictionary")),
            }
            has_comma = self.takes(b',');
        }
    }

    fn name(&mut self) -> Result<Value, NotSerpent> {
        let length = self.rest().find(|character: char| !character.is_ascii_alphanumeric());
        let length = length.unwrap_or(self.rest().len());
        let value = match &self.rest()[..length] {
            "None" => Value::None,
            "True" => Value::Bool(true),
            "False" => Value::Bool(false),
            _ => return Err(self.error("no value of a kind that is read")),
        };
        self.at += length;
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, NotSerpent> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        let whole = self.digits();
        let is_padded = whole > 1 && self.text.as_bytes()[self.at - whole] == b'0';
        let mut is_float = false;
        let mut is_whole = whole > 0;
        if self.peek() == Some(b'.') {
            self.at += 1;
            is_float = true;
            self.digits(); // Python writes `1.` nowhere, and reads it
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            is_float = true;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            is_whole &= self.digits() > 0;
        }
        if !is_whole || (is_padded && !is_float) {
            return Err(self.error("not a number"));
        }
        let text = &self.text[start..self.at];
        let value =
            if is_float { text.parse().ok().map(Value::Float) } else { text.parse().ok().map(Value::Int) };
        value.ok_or_else(|| self.error("a number of more than 64 bits"))
    }

    /// Takes digits; how many.
    fn digits(&mut self) -> usize {
        let count = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        self.at += count;
        count
    }

    fn quoted(&mut self, quote: u8) -> Result<String, NotSerpent> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let end = self.rest().find(['\\', '\n', '\0', char::from(quote)]);
            let Some(end) = end else { return Err(self.error("a text without its end")) };
            text.push_str(&self.rest()[..end]);
            self.at += end;
            match self.peek() {
                Some(b'\\') => text.push(self.escape()?),
                Some(byte) if byte == quote => {
                    self.at += 1;
                    return Ok(text);
                }
                _ => return Err(self.error("a line break in a text")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, NotSerpent> {
        self.at += 1;
        let digits = match self.peek() {
            Some(b'x') => 2,
            Some(b'u') => 4,
            Some(b'U') => 8,
            other => {
                let character = match other {
                    Some(b'n') => '\n',
                    Some(b'r') => '\r',
                    Some(b't') => '\t',
                    Some(byte @ (b'\\' | b'\'' | b'"')) => char::from(byte),
                    _ => return Err(self.error("an escape that is not read")),
                };
                self.at += 1;
                return Ok(character);
            }
        };
        let code =
            self.rest().get(1..=digits).filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let code = code.and_then(|code| u32::from_str_radix(code, 16).ok());
        // Half of a surrogate pair is a character to Python, and to nobody else.
        let character = code.and_then(char::from_u32).ok_or_else(|| self.error("no character"))?;
        self.at += 1 + digits;
        Ok(character)
    }
}

fn nan_or(value: Value) -> Value {
    if value == Value::nan() { Value::Float(f64::NAN) } else { value }
}
