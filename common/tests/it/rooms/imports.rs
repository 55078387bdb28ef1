//! Which module imports which, read from the sources: from `use`, and from paths in the middle of the code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::module_of;
use crate::sources::files;

/// The names from the crate's root to the module.
pub type Module = Vec<String>;

/// The modules of a crate and their imports of each other.
pub struct Modules {
    edges: BTreeSet<(Module, Module)>,
    all: BTreeSet<Module>,
}

impl Modules {
    /// Those of the crate whose sources are in this folder, from its root file on; without its tests.
    pub fn of_crate(name: &str, folder: &Path, root: &str) -> Modules {
        let sources = files(folder).into_iter().filter_map(|path| {
            let module = module_of(path.strip_prefix(folder).expect("it is in the folder"), root);
            let is_main = root == "lib" && module == ["main"];
            let is_left_out = is_main || module.last().is_some_and(|last| last == "tests");
            (!is_left_out).then(|| (module, fs::read_to_string(&path).expect("a source file is text")))
        });
        Modules::new(name, &sources.collect())
    }

    /// Those with these paths and sources.
    pub fn from_sources(name: &str, sources: &[(&str, &str)]) -> Modules {
        let sources =
            sources.iter().map(|(path, source)| (module_of(Path::new(path), "lib"), (*source).into()));
        Modules::new(name, &sources.collect())
    }

    fn new(name: &str, sources: &BTreeMap<Module, String>) -> Modules {
        let all: BTreeSet<Module> = sources.keys().cloned().collect();
        let name = name.replace('-', "_");
        let mut edges = BTreeSet::new();
        for (module, source) in sources {
            for path in paths(code(source)) {
                if let Some(mut target) = absolute(&path, module, &name, &all) {
                    // What is left of it names something in the module.
                    while !target.is_empty() && !all.contains(&target) {
                        target.pop();
                    }
                    if target != *module {
                        edges.insert((module.clone(), target));
                    }
                }
            }
        }
        Modules { edges, all }
    }

    /// From which module to which.
    pub fn edges(&self) -> impl Iterator<Item = &(Module, Module)> {
        self.edges.iter()
    }

    /// All that have modules in them.
    pub fn folders(&self) -> BTreeSet<Module> {
        self.all
            .iter()
            .filter(|module| !module.is_empty())
            .map(|module| module[..module.len() - 1].into())
            .collect()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.all.len()
    }
}

/// The part of a source that is no test.
fn code(source: &str) -> &str {
    let tests = source.find("\nmod tests {").or_else(|| source.starts_with("mod tests {").then_some(0));
    &source[..tests.unwrap_or(source.len())]
}

/// A path of names as one from the crate's root; `None` for what is not in this crate.
fn absolute(path: &[String], module: &[String], name: &str, all: &BTreeSet<Module>) -> Option<Module> {
    let supers = path.iter().take_while(|part| *part == "super").count();
    let in_module = |rest: &[String]| Some([module, rest].concat());
    match path.first()?.as_str() {
        "crate" => Some(path[1..].into()),
        "self" => in_module(&path[1..]),
        "super" => Some([module.get(..module.len().checked_sub(supers)?)?, &path[supers..]].concat()),
        first if first == name => Some(path[1..].into()),
        _ => in_module(path).filter(|target| all.contains(&target[..=module.len()])),
    }
}

/// All paths in a source, groups taken apart: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn paths(code: &str) -> Vec<Module> {
    let tokens = tokens(code);
    let mut paths = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        at = path(&tokens, at, &[], &mut paths).max(at + 1);
    }
    paths.retain(|path| path.len() > 1);
    paths
}

/// Reads the path that begins here, behind a prefix. Returns where it ends.
fn path(tokens: &[&str], mut at: usize, prefix: &[String], paths: &mut Vec<Module>) -> usize {
    let mut names = prefix.to_vec();
    loop {
        match tokens.get(at) {
            Some(&"{") if names.len() > prefix.len() => {
                at += 1;
                while at < tokens.len() && tokens[at] != "}" {
                    at = path(tokens, at, &names, paths).max(at + 1);
                }
                return at + 1;
            }
            Some(name) if name.starts_with(|c: char| c.is_alphabetic() || c == '_') => {
                if *name != "self" || names.is_empty() {
                    names.push((*name).to_owned());
                }
                at += 1;
            }
            _ => break,
        }
        match tokens.get(at) {
            Some(&"::") => at += 1,
            _ => break,
        }
    }
    if names.len() > prefix.len() || tokens.get(at.wrapping_sub(1)) == Some(&"self") {
        paths.push(names);
    }
    at
}

/// Names, `::` and other characters, without comments, texts and blanks.
fn tokens(code: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    for line in code.lines() {
        let mut rest = line.split("//").next().unwrap_or_default();
        while let Some(first) = rest.chars().next() {
            let name = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let length = match first {
                _ if name > 0 => name,
                ':' if rest.starts_with("::") => 2,
                '"' => rest[1..].find('"').map_or(rest.len(), |end| end + 2),
                _ => first.len_utf8(),
            };
            if !first.is_whitespace() && first != '"' {
                tokens.push(&rest[..length]);
            }
            rest = &rest[length..];
        }
    }
    tokens
}
