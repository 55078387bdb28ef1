//! Serpent: values written as Python literals, and read without running anything.
//!
//! ```text
//!   # serpent utf-8 python3.2
//!   ('6f1c…','post',('hello',),{'name':'Ann'})
//! ```
//!
//! What is read: `None`, `True`, `False`, whole numbers of 64 bits, floats, texts, tuples, lists, sets and dictionaries. What is
//! not: complex numbers, `b'…'`, expressions. Python would evaluate them; nobody sends them to a chat.

mod reader;
mod value;
mod writer;

#[cfg(test)]
mod tests;

pub use reader::{NotSerpent, read, read_up_to};
pub use value::Value;
pub use writer::{literal, write};
