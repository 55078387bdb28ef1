//! The programs that components can run, and the contract of each. A descriptor says what a component shall be; the program says what
//! it is. Both have to say the same, or the deployment is refused.

use std::collections::BTreeMap;

use anyhow::bail;

use super::check::Architecture;
use super::program::Program;
use super::programs::{board::Board, chat::Chat, page::Page, store::Store};

/// What a program provides and needs.
#[derive(Debug, Clone, Copy)]
pub struct Contract {
    /// Its name.
    pub program: &'static str,
    /// Interfaces that others call.
    pub provides: &'static [&'static str],
    /// Interfaces that it calls.
    pub requires: &'static [&'static str],
    /// Events that it publishes.
    pub publishes: &'static [&'static str],
    /// Events that it consumes.
    pub consumes: &'static [&'static str],
}

/// A contract of nothing.
const NONE: Contract = Contract { program: "", provides: &[], requires: &[], publishes: &[], consumes: &[] };

/// All programs.
pub const CONTRACTS: [Contract; 5] = [
    Contract { program: "page", requires: &["Board", "Chat"], ..NONE },
    Contract { program: "board", provides: &["Board"], requires: &["Store"], publishes: &["Posted"], ..NONE },
    Contract { program: "chat", provides: &["Chat"], requires: &["Store"], consumes: &["Posted"], ..NONE },
    Contract { program: "memory-store", provides: &["Store"], ..NONE },
    Contract { program: "file-store", provides: &["Store"], ..NONE },
];

/// A program that runs, with what the descriptor tells it.
///
/// # Errors
/// There is no such program, or a setting makes no sense.
pub fn build(program: &str, settings: &BTreeMap<String, String>) -> anyhow::Result<Box<dyn Program>> {
    Ok(match program {
        "page" => Box::new(Page),
        "board" => Box::new(Board),
        "chat" => Box::new(Chat),
        "memory-store" => Box::new(Store::in_memory(settings)?),
        "file-store" => Box::new(Store::in_file(settings)?),
        other => bail!("there is no program `{other}`"),
    })
}

/// Where the descriptor says something else than the programs, a sentence for each.
pub fn differences(architecture: &Architecture) -> Vec<String> {
    let mut found = Vec::new();
    for component in &architecture.descriptor.components {
        let (name, program) = (&component.name, component.program());
        let Some(contract) = CONTRACTS.iter().find(|contract| contract.program == program) else {
            let programs = CONTRACTS.map(|contract| contract.program).join(", ");
            found.push(format!("`{name}` runs the program `{program}`, which is none of {programs}"));
            continue;
        };
        let [requires, consumes] =
            [&component.requires, &component.consumes].map(|map| map.keys().cloned().collect::<Vec<_>>());
        for (word, said, does) in [
            ("provides", &component.provides, contract.provides),
            ("requires", &requires, contract.requires),
            ("publishes", &component.publishes, contract.publishes),
            ("consumes", &consumes, contract.consumes),
        ] {
            for what in said.iter().filter(|what| !does.contains(&what.as_str())) {
                found.push(format!(
                    "the descriptor says that `{name}` {word} {what}, but its program `{program}` does not"
                ));
            }
            // Nobody has to call what is provided; but what is required has to come from somewhere.
            for what in does.iter().filter(|what| !said.iter().any(|said| said == *what)) {
                found.push(format!(
                    "the program `{program}` {word} {what}, but the descriptor does not say so of `{name}`"
                ));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::check::check;
    use crate::container::descriptor::Descriptor;

    fn of(text: &str) -> Vec<String> {
        differences(&check(Descriptor::read(text).unwrap()).unwrap())
    }

    #[test]
    fn the_example_is_what_its_programs_are() {
        assert_eq!(of(crate::container::EXAMPLE), [""; 0]);
    }

    #[test]
    fn every_program_of_a_contract_is_there() {
        for contract in CONTRACTS.iter().filter(|contract| contract.program != "file-store") {
            build(contract.program, &BTreeMap::new()).unwrap();
        }
        assert!(build("none", &BTreeMap::new()).is_err());
    }

    #[test]
    fn both_sides_are_named() {
        let text = "[[component]]\nname = \"b\"\nprogram = \"board\"\nprovides = [\"Board\", \"Chat\"]\npublishes = [\"Posted\"]\n\
                    [[component]]\nname = \"x\"\nprogram = \"spreadsheet\"\n";
        assert_eq!(
            of(text),
            [
                "the descriptor says that `b` provides Chat, but its program `board` does not",
                "the program `board` requires Store, but the descriptor does not say so of `b`",
                "`x` runs the program `spreadsheet`, which is none of page, board, chat, memory-store, file-store",
            ]
        );
    }
}
