//! Binding keys of a topic exchange as a trie: `*` stands for one word, `#` for any number of them. Specification 0-9-1, section 3.1.3.3.
//!
//! ```text
//!   stock.*.ny      root ── stock ── * ── ny  ●
//!   stock.#                   └───── #  ●              ● targets
//! ```
//!
//! A key is followed word by word along all paths at once; a node is in the set once, however many paths lead to it. So the cost is
//! bounded by words times nodes: `#.*.#.*.#` cannot make it explode, as it makes a matcher that goes back and tries again.

use std::collections::HashMap;

/// A node's number.
type Node = usize;

const ROOT: Node = 0;

/// A trie of binding keys.
#[derive(Debug)]
pub struct Trie<T> {
    nodes: Vec<Branches<T>>,
    free: Vec<Node>,
    step: u64,
}

#[derive(Debug)]
struct Branches<T> {
    words: HashMap<Box<str>, Node>,
    star: Option<Node>,
    hash: Option<Node>,
    /// Whether it was reached by `#`, and so stays in the set for any word.
    stays: bool,
    /// The step in which it came into the set last.
    entered: u64,
    targets: T,
}

/// What can be kept at a node.
pub trait Targets: Default {
    fn is_empty(&self) -> bool;
}

impl<T: Targets> Default for Trie<T> {
    fn default() -> Trie<T> {
        Trie { nodes: vec![Branches::new(false)], free: Vec::new(), step: 0 }
    }
}

impl<T: Targets> Branches<T> {
    fn new(stays: bool) -> Branches<T> {
        Branches { words: HashMap::new(), star: None, hash: None, stays, entered: 0, targets: T::default() }
    }

    fn is_unused(&self) -> bool {
        self.words.is_empty() && self.star.is_none() && self.hash.is_none() && self.targets.is_empty()
    }

    fn branch(&self, word: &str) -> Option<Node> {
        match word {
            "*" => self.star,
            "#" => self.hash,
            word => self.words.get(word).copied(),
        }
    }

    fn set_branch(&mut self, word: &str, node: Option<Node>) {
        match (word, node) {
            ("*", node) => self.star = node,
            ("#", node) => self.hash = node,
            (word, Some(node)) => drop(self.words.insert(word.into(), node)),
            (word, None) => drop(self.words.remove(word)),
        }
    }
}

/// The words of a key. A key without a letter has none, and so `*` does not match it (RabbitMQ is alike).
fn words(key: &str) -> impl DoubleEndedIterator<Item = &str> {
    key.split('.').filter(move |_| !key.is_empty())
}

impl<T: Targets> Trie<T> {
    /// The targets of this binding key, made if there are none.
    pub fn entry(&mut self, key: &str) -> &mut T {
        let mut at = ROOT;
        for word in words(key) {
            at = match self.nodes[at].branch(word) {
                Some(next) => next,
                None => {
                    let fresh = Branches::new(word == "#");
                    let next = match self.free.pop() {
                        Some(next) => {
                            self.nodes[next] = fresh;
                            next
                        }
                        None => {
                            self.nodes.push(fresh);
                            self.nodes.len() - 1
                        }
                    };
                    self.nodes[at].set_branch(word, Some(next));
                    next
                }
            };
        }
        &mut self.nodes[at].targets
    }

    /// Changes the targets of this binding key, and takes the path away when nothing is left on it.
    pub fn change(&mut self, key: &str, change: impl FnOnce(&mut T)) {
        let mut path = vec![ROOT];
        for word in words(key) {
            let Some(next) = path.last().and_then(|at| self.nodes[*at].branch(word)) else { return };
            path.push(next);
        }
        change(&mut self.nodes[path[path.len() - 1]].targets);
        for (word, step) in words(key).rev().zip(path.windows(2).rev()) {
            if !self.nodes[step[1]].is_unused() {
                return;
            }
            self.nodes[step[0]].set_branch(word, None);
            self.free.push(step[1]);
        }
    }

    /// The targets of this binding key, for what is shown.
    pub fn targets(&self, key: &str) -> Option<&T> {
        let node = words(key).try_fold(ROOT, |at, word| self.nodes[at].branch(word))?;
        Some(&self.nodes[node].targets)
    }

    /// Calls `each` with the targets of every binding key that matches.
    pub fn matching(&mut self, routing_key: &str, mut each: impl FnMut(&mut T)) {
        let mut here = Vec::new();
        self.step += 1;
        self.enter(ROOT, &mut here);
        for word in words(routing_key) {
            let mut next = Vec::new();
            self.step += 1;
            for at in here {
                let node = &self.nodes[at];
                let branches = [node.words.get(word).copied(), node.star, node.stays.then_some(at)];
                for branch in branches.into_iter().flatten() {
                    self.enter(branch, &mut next);
                }
            }
            here = next;
            if here.is_empty() {
                return;
            }
        }
        for at in here {
            each(&mut self.nodes[at].targets);
        }
    }

    /// Puts a node into the set, and what `#` for no word leads to.
    fn enter(&mut self, node: Node, set: &mut Vec<Node>) {
        let mut next = Some(node);
        while let Some(node) = next.filter(|node| self.nodes[*node].entered != self.step) {
            set.push(node);
            self.nodes[node].entered = self.step;
            next = self.nodes[node].hash;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    impl Targets for Vec<usize> {
        fn is_empty(&self) -> bool {
            Vec::is_empty(self)
        }
    }

    /// The definition, word for word; it may try again and again.
    fn matches(pattern: &[&str], key: &[&str]) -> bool {
        match (pattern.split_first(), key.split_first()) {
            (None, None) => true,
            (Some((&"#", rest)), None) => matches(rest, key),
            (Some((&"#", rest)), Some((_, behind))) => matches(rest, key) || matches(pattern, behind),
            (Some((word, rest)), Some((found, behind))) => {
                (*word == "*" || word == found) && matches(rest, behind)
            }
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn it_finds_what_the_definition_finds(
            patterns in prop::collection::vec(prop::collection::vec(prop::sample::select(vec!["a", "b", "", "*", "#"]), 1..5), 1..8),
            gone in prop::collection::vec(any::<bool>(), 8),
            key in prop::collection::vec(prop::sample::select(vec!["a", "b", ""]), 1..6),
        ) {
            let mut trie: Trie<Vec<usize>> = Trie::default();
            for (index, pattern) in patterns.iter().enumerate() {
                trie.entry(&pattern.join(".")).push(index);
            }
            for (index, pattern) in patterns.iter().enumerate().filter(|(index, _)| gone[*index]) {
                trie.change(&pattern.join("."), |targets| targets.retain(|target| *target != index));
            }
            let mut found = Vec::new();
            trie.matching(&key.join("."), |targets| found.extend_from_slice(targets));
            found.sort_unstable();
            // One word without a letter is, written down, a key without words.
            let read = |words: &[&'static str]| if words == [""] { Vec::new() } else { words.to_vec() };
            let is_found = |index: &usize| !gone[*index] && matches(&read(&patterns[*index]), &read(&key));
            let expected: Vec<usize> = (0..patterns.len()).filter(is_found).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_path_without_targets_goes() {
        let mut trie: Trie<Vec<usize>> = Trie::default();
        for round in 0..3 {
            trie.entry("a.*.#.b").push(round);
            trie.entry("a.*").push(round);
            trie.change("a.*.#.b", Vec::clear);
            assert_eq!(trie.nodes.len() - trie.free.len(), 3);
            trie.change("a.*", Vec::clear);
            assert_eq!((trie.nodes.len(), trie.free.len()), (5, 4));
        }
    }

    #[test]
    fn keys_made_to_be_hard_are_not() {
        let mut trie: Trie<Vec<usize>> = Trie::default();
        trie.entry(&vec!["#.*"; 63].join(".")).push(1);
        let mut found = 0;
        trie.matching(&vec!["a"; 127].join("."), |targets| found += targets.len());
        assert_eq!(found, 1);
    }
}
