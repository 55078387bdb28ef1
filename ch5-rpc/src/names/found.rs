//! A server that is found by its name, and what kind of server it is.

use anyhow::{Context, bail};
use common::support::terminal;

use crate::pyro::proxy::Proxy;
use crate::pyro::serpent::Value;
use crate::pyro::uri::Uri;

/// What is behind a name, by the word that its server registers with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behind {
    /// A board of remote procedures.
    Board,
    /// A chat.
    Chat,
}

impl Behind {
    /// The word of metadata.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Behind::Board => "rpc-board",
            Behind::Chat => "chat",
        }
    }
}

/// Finds a server of this kind by its name, and its words of metadata. A reference without any, of a name server that knows none or
/// by hand, may be of every kind.
///
/// # Errors
/// The name server knows no such name, or something else has it.
pub fn find(names: &mut Proxy, name: &str, behind: Behind) -> anyhow::Result<(Uri, Vec<String>)> {
    let with_metadata = Value::dict([("return_metadata", true.into())]);
    let found = names.call_with("lookup", vec![name.into()], with_metadata)?;
    let (uri, words) = match found.items() {
        Some([uri, words]) => (Uri::from_value(uri), words.items().unwrap_or_default()),
        _ => (Uri::from_value(&found), &[][..]),
    };
    let uri = uri.context("the name server answers with something that is no reference")?;
    let words: Vec<String> = words.iter().filter_map(|word| word.as_text().map(str::to_owned)).collect();
    if !words.is_empty() && !words.iter().any(|word| word == behind.word()) {
        let words = words.join(" ");
        let (name, words) = (terminal::line(name), terminal::line(&words));
        bail!(
            "the name {name} is of something else: it is registered as [{words}], and not as [{}]",
            behind.word()
        );
    }
    Ok((uri, words))
}
