//! The deployment descriptor: which components there are, what each provides and requires, and on which node it runs.
//!
//! ```toml
//! [[component]]
//! name = "board"
//! node = "front"
//! provides = ["Board"]                   # interfaces that others call
//! requires = { Store = "store" }         # interfaces that it calls, and which component provides each
//! publishes = ["Posted"]                 # events that it sends
//! consumes = { Joined = "chat" }         # events that it takes, and which component sends each
//! ```
//!
//! An object hides what it depends on; a component says it. So a program can check before anything starts that all of it is there.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// The longest descriptor, bytes.
pub const LENGTH_LIMIT: u64 = 256 * 1024;
/// The most components of one.
pub const COMPONENT_LIMIT: usize = 100;

/// A whole descriptor.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Descriptor {
    /// The components, in the order of the file.
    #[serde(rename = "component")]
    pub components: Vec<Component>,
}

/// One component: its contract, and where it runs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// What the others call it.
    pub name: String,
    /// The program that it runs; its name where none is given.
    pub program: Option<String>,
    /// The node that it runs on.
    #[serde(default = "one_node")]
    pub node: String,
    /// Interfaces that it provides.
    #[serde(default)]
    pub provides: Vec<String>,
    /// Interfaces that it calls, and the component that provides each.
    #[serde(default)]
    pub requires: BTreeMap<String, String>,
    /// Events that it publishes.
    #[serde(default)]
    pub publishes: Vec<String>,
    /// Events that it consumes, and the component that publishes each.
    #[serde(default)]
    pub consumes: BTreeMap<String, String>,
    /// What the container does around each call.
    #[serde(default)]
    pub policy: Policy,
    /// What the program is told.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
}

/// What the container does around each call of a component.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The methods that others may call; all where none are named.
    pub allow: Option<Vec<String>>,
    /// The most calls a second.
    pub rate: Option<u32>,
    /// The longest that a call may take.
    #[serde(default, deserialize_with = "duration")]
    pub deadline: Option<Duration>,
    /// A call that fails leaves nothing behind.
    #[serde(default)]
    pub undo: bool,
}

fn one_node() -> String {
    "node".into()
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    common::support::cli::duration(&text).map(Some).map_err(serde::de::Error::custom)
}

impl Descriptor {
    /// Reads a descriptor. Whether its parts fit together is another question: see [`check`](super::check::check).
    ///
    /// # Errors
    /// The text is no descriptor; the error names the line.
    pub fn read(text: &str) -> Result<Descriptor, toml::de::Error> {
        toml::from_str(text)
    }

    /// A component by its name.
    pub fn component(&self, name: &str) -> Option<&Component> {
        self.components.iter().find(|component| component.name == name)
    }

    /// The names of the nodes, each once, in the order of the file.
    pub fn nodes(&self) -> Vec<&str> {
        let mut nodes: Vec<&str> = Vec::new();
        for component in &self.components {
            if !nodes.contains(&component.node.as_str()) {
                nodes.push(&component.node);
            }
        }
        nodes
    }
}

impl Component {
    /// The program that it runs.
    pub fn program(&self) -> &str {
        self.program.as_deref().unwrap_or(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_read() {
        let example = Descriptor::read(crate::container::EXAMPLE).unwrap();
        assert_eq!(example.nodes(), ["front", "back"]);
        let board = example.component("board").unwrap();
        assert_eq!(board.requires["Store"], "store");
        let policy =
            Policy { allow: None, rate: Some(100), deadline: Some(Duration::from_secs(2)), undo: true };
        assert_eq!(board.policy, policy);
    }

    #[test]
    fn a_key_that_nobody_knows_is_an_error_with_its_line() {
        let error = Descriptor::read("[[component]]\nname = \"a\"\nrequire = { A = \"b\" }\n").unwrap_err();
        assert!(error.to_string().contains("line 3") && error.to_string().contains("require"), "{error}");
    }
}
