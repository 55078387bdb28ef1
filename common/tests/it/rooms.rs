//! The house: dependencies run one way, between the crates, between the rooms of `common`, and between the files of every room.
//!
//! ```text
//!   ch4, ch5, ch6 ──► ch3-threads ──► common          core ──► protocol ──► nothing of ours
//!   foo.rs ──► foo/bar.rs      or      foo/bar.rs ──► foo.rs, never both: what both need stands in a file of its own
//! ```
//!
//! Two files that import each other can only be read together, and neither can be moved without the other. A circle stands out here
//! by the name of the folder that it is in. Tests do not count: they may look at anything.

mod imports;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::sources::crate_folder;
use imports::{Module, Modules};

/// The crates, and the other crates that each may depend on.
const CRATES: [(&str, &[&str]); 6] = [
    ("common", &[]),
    ("ch2-sockets", &["common"]),
    ("ch3-threads", &["common"]),
    ("ch4-shared-state", &["common", "ch3-threads"]),
    ("ch5-rpc", &["common", "ch3-threads"]),
    ("ch6-indirect", &["common", "ch3-threads", "ch5-rpc"]),
];

/// Circles that are still there: a crate or bench, and the folder of the circle. Each goes as soon as it is not needed.
const CIRCLES: &[(&str, &str)] = &[];

#[test]
fn no_file_imports_one_that_imports_it() {
    let mut found = BTreeMap::new();
    for (name, modules) in all_modules() {
        for (folder, edges) in circles(&modules) {
            found.insert((name.clone(), folder), edges);
        }
    }
    let known: BTreeSet<(String, String)> =
        CIRCLES.iter().map(|&(name, folder)| (name.to_owned(), folder.to_owned())).collect();
    for (place, edges) in &found {
        assert!(known.contains(place), "a circle in {place:?}:\n  {}", edges.join("\n  "));
    }
    let gone: Vec<_> = known.iter().filter(|place| !found.contains_key(*place)).collect();
    assert!(gone.is_empty(), "there is no circle any more in {gone:?}: take it off the list");
}

#[test]
fn the_core_imports_protocols_and_protocols_import_nothing() {
    let modules = Modules::of_crate("common", &crate_folder("common").join("src"), "lib");
    let mut broken = BTreeSet::new();
    for (from, to) in modules.edges() {
        if let (Some(room), Some(other)) = (from.first(), to.first())
            && (room == "protocol" || (room == "core" && other != "protocol"))
            && room != other
        {
            broken.insert((room.clone(), other.clone()));
        }
    }
    assert_eq!(broken, BTreeSet::new());
}

#[test]
fn chapters_depend_one_way() {
    for (name, allowed) in CRATES {
        let manifest = fs::read_to_string(crate_folder(name).join("Cargo.toml")).expect("a crate has one");
        for (other, _) in CRATES {
            let depends = manifest
                .lines()
                .any(|line| line.strip_prefix(other).is_some_and(|rest| rest.starts_with(['.', ' ', '='])));
            assert!(!depends || allowed.contains(&other), "{name} depends on {other}");
        }
    }
}

#[test]
fn the_search_finds_what_it_is_for() {
    let modules = |files: &[(&str, &str)]| Modules::from_sources("house", files);
    let found = |files: &[(&str, &str)]| {
        circles(&modules(files)).into_iter().map(|(folder, _)| folder).collect::<Vec<_>>()
    };
    // Brothers; through a room; a parent and its child; in a group, by a name in the middle of the code.
    assert_eq!(found(&[("a", "use crate::b::B;"), ("b", "fn f() { crate::a::g() }"), ("c", "")]), [""]);
    assert_eq!(found(&[("a", ""), ("a/x", "use crate::b::Y;"), ("b", "use crate::a::Z;")]), [""]);
    assert_eq!(found(&[("a", "pub mod x;\npub use x::X;"), ("a/x", "use super::{Y, z};")]), ["a"]);
    assert_eq!(found(&[("a/x", "use super::{y::{self, Y}, z};"), ("a/y", "use house::a::{x, z};")]), ["a"]);
    // A parent that only its children need, a parent that only needs its children, a test, a comment, other people's crates.
    assert!(found(&[("a", "pub mod x;\npub struct Y;"), ("a/x", "use super::Y;")]).is_empty());
    assert!(found(&[("a", "pub mod x;\npub use x::X;"), ("a/x", "use std::io;")]).is_empty());
    let test = "#[cfg(test)]\nmod tests {\n    use crate::b::B;\n}\n";
    assert!(found(&[("a", test), ("b", "use crate::a::A;")]).is_empty());
    assert!(
        found(&[("a", "// crate::b::B"), ("b", "use crate::a::A;"), ("io", "use std::b::C;")]).is_empty()
    );
}

/// All crates and benches, each with its modules.
fn all_modules() -> Vec<(String, Modules)> {
    let mut all = Vec::new();
    for (name, _) in CRATES {
        let folder = crate_folder(name);
        all.push((name.to_owned(), Modules::of_crate(name, &folder.join("src"), "lib")));
        let Ok(benches) = fs::read_dir(folder.join("benches")) else { continue };
        for bench in benches {
            let bench = bench.expect("a folder can be read to its end").path();
            let short = bench.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            all.push((format!("{name}/benches/{short}"), Modules::of_crate("", &bench, "main")));
        }
    }
    assert!(all.iter().any(|(_, modules)| modules.count() > 50), "the sources have moved");
    all
}

/// The folders with a circle between what is in them (each file together with its own folder, and the folder's own file), and the
/// imports that make it.
fn circles(modules: &Modules) -> Vec<(String, Vec<String>)> {
    let mut circles = Vec::new();
    for folder in modules.folders() {
        let node = |module: &Module| {
            let depth = folder.len();
            module.starts_with(&folder).then(|| module.get(depth).cloned().unwrap_or_default())
        };
        let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (from, to) in modules.edges() {
            if let (Some(from), Some(to)) = (node(from), node(to))
                && from != to
            {
                edges.entry(from).or_default().insert(to);
            }
        }
        let in_circles: Vec<String> = edges
            .iter()
            .flat_map(|(from, targets)| targets.iter().map(move |to| (from, to)))
            .filter(|(from, to)| reaches(&edges, to, from))
            .map(|(from, to)| {
                let shown =
                    |node: &str| if node.is_empty() { "its own file".into() } else { node.to_owned() };
                format!("{} imports {}", shown(from), shown(to))
            })
            .collect();
        if !in_circles.is_empty() {
            circles.push((folder.join("::"), in_circles));
        }
    }
    circles
}

/// Whether imports lead from one node to another.
fn reaches(edges: &BTreeMap<String, BTreeSet<String>>, from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut next = vec![from];
    while let Some(node) = next.pop() {
        if node == to {
            return true;
        }
        if seen.insert(node) {
            next.extend(edges.get(node).into_iter().flatten().map(String::as_str));
        }
    }
    false
}

/// A path as a module: `a/b.rs` is `a::b`, and the root is nothing.
fn module_of(path: &Path, root: &str) -> Module {
    let names: Vec<String> =
        path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if names == [root] { Vec::new() } else { names }
}
