//! Whether the parts of a descriptor fit together: asked before anything starts. All faults are found at once, and each names both sides.

use std::collections::BTreeSet;
use std::fmt;

use super::descriptor::{COMPONENT_LIMIT, Component, Descriptor};

/// What is wrong with a descriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// No component, or more than the limit.
    Count(usize),
    /// A name that is none.
    Name(String),
    /// Two components have one name.
    Twice(String),
    /// The other side of a connection does not exist.
    Missing {
        /// The connection.
        link: Link,
        /// Components that would do.
        others: Vec<String>,
    },
    /// The other side of a connection is something else.
    Mistyped {
        /// The connection.
        link: Link,
        /// What the other side has instead.
        has: Vec<String>,
    },
    /// Each calls the next, and the last one the first: none can start before the others.
    Circle(Vec<Link>),
}

/// A connection between two components, as the one that needs it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Calls, or events.
    pub style: Style,
    /// The component that requires or consumes.
    pub from: String,
    /// The interface, or the event.
    pub what: String,
    /// The component that shall provide or publish it.
    pub to: String,
}

/// The two styles of interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// One calls, and waits for the result.
    Call,
    /// One publishes, and does not know who consumes.
    Event,
}

/// A descriptor whose parts fit together.
#[derive(Debug, Clone)]
pub struct Architecture {
    /// What it was made from.
    pub descriptor: Descriptor,
    /// The connections.
    pub links: Vec<Link>,
    /// The components in the order in which they can start: each after all that it calls.
    pub order: Vec<String>,
}

impl Architecture {
    /// A component of it.
    pub fn component(&self, name: &str) -> &Component {
        self.descriptor.component(name).expect("a name of this architecture")
    }

    /// What a component needs of others.
    pub fn links_of(&self, name: &str) -> impl Iterator<Item = &Link> {
        self.links.iter().filter(move |link| link.from == name)
    }
}

/// Checks all of it.
///
/// # Errors
/// All faults. A circle is looked for when there is no other fault.
pub fn check(descriptor: Descriptor) -> Result<Architecture, Vec<Fault>> {
    let mut faults = Vec::new();
    if !(1..=COMPONENT_LIMIT).contains(&descriptor.components.len()) {
        return Err(vec![Fault::Count(descriptor.components.len())]);
    }
    let mut seen = BTreeSet::new();
    for component in &descriptor.components {
        if !seen.insert(&component.name) {
            faults.push(Fault::Twice(component.name.clone()));
        }
        let bad = names(component).filter(|name| !is_name(name));
        faults.extend(bad.map(|name| Fault::Name(name.to_owned())));
    }
    let links: Vec<Link> = descriptor.components.iter().flat_map(links).collect();
    faults.extend(links.iter().filter_map(|link| unfit(&descriptor, link)));
    if !faults.is_empty() {
        return Err(faults);
    }
    match order(&descriptor, &links) {
        Ok(order) => Ok(Architecture { descriptor, links, order }),
        Err(circle) => Err(vec![Fault::Circle(circle)]),
    }
}

/// All names that a component uses.
fn names(component: &Component) -> impl Iterator<Item = &str> {
    let own = [component.name.as_str(), component.program(), &component.node];
    let lists = component.provides.iter().chain(&component.publishes);
    let maps = component.requires.iter().chain(&component.consumes).flat_map(|(what, from)| [what, from]);
    own.into_iter().chain(lists.chain(maps).map(String::as_str))
}

/// Letters, digits, `-` and `_`, at most 40: what a picture, a command line and a graph can carry as it is.
fn is_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    (1..=40).contains(&name.len()) && name.chars().all(is_plain)
}

/// What a component needs of others.
fn links(component: &Component) -> impl Iterator<Item = Link> {
    let link = move |style, (what, to): (&String, &String)| Link {
        style,
        from: component.name.clone(),
        what: what.clone(),
        to: to.clone(),
    };
    let calls = component.requires.iter().map(move |pair| link(Style::Call, pair));
    calls.chain(component.consumes.iter().map(move |pair| link(Style::Event, pair)))
}

/// What a component has for this style of connection.
fn offers(component: &Component, style: Style) -> &[String] {
    match style {
        Style::Call => &component.provides,
        Style::Event => &component.publishes,
    }
}

/// Why this connection cannot be made.
fn unfit(descriptor: &Descriptor, link: &Link) -> Option<Fault> {
    let Some(other) = descriptor.component(&link.to) else {
        let would_do = |component: &&Component| offers(component, link.style).contains(&link.what);
        let others = descriptor.components.iter().filter(would_do).map(|component| component.name.clone());
        return Some(Fault::Missing { link: link.clone(), others: others.collect() });
    };
    let has = offers(other, link.style);
    (!has.contains(&link.what)).then(|| Fault::Mistyped { link: link.clone(), has: has.to_vec() })
}

/// An order in which each component comes after those that it calls, or a circle of calls. Nobody waits for an event, so events may go
/// in a circle.
fn order(descriptor: &Descriptor, links: &[Link]) -> Result<Vec<String>, Vec<Link>> {
    let mut order: Vec<String> = Vec::new();
    let mut left: Vec<&str> = descriptor.components.iter().map(|component| component.name.as_str()).collect();
    let waits_for = |name: &str, left: &[&str]| {
        let mut calls = links.iter().filter(|link| link.style == Style::Call && link.from == name);
        calls.find(|link| left.contains(&link.to.as_str()))
    };
    while let Some(&first) = left.first() {
        match left.iter().position(|name| waits_for(name, &left).is_none()) {
            Some(ready) => order.push(left.remove(ready).to_owned()),
            // Everything that is left waits for something that is left: whoever follows that comes by a second time.
            None => {
                let (mut path, mut at): (Vec<&Link>, &str) = (Vec::new(), first);
                loop {
                    if let Some(begin) = path.iter().position(|link| link.from == at) {
                        return Err(path[begin..].iter().map(|link| (*link).clone()).collect());
                    }
                    let link = waits_for(at, &left).expect("it waits for something that is left");
                    path.push(link);
                    at = &link.to;
                }
            }
        }
    }
    Ok(order)
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Link { from, what, to, style } = self;
        let verb = if *style == Style::Call { "requires" } else { "consumes" };
        write!(f, "`{from}` {verb} {what} from `{to}`")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has = |link: &Link| if link.style == Style::Call { "provides" } else { "publishes" };
        match self {
            Fault::Count(count) => write!(f, "{count} components; from 1 to {COMPONENT_LIMIT} are possible"),
            Fault::Name(name) => {
                let name = common::support::terminal::line(name);
                write!(f, "`{name}` is no name: write at most 40 letters, digits, - and _")
            }
            Fault::Twice(name) => write!(f, "two components have the name `{name}`"),
            Fault::Missing { link, others } => {
                write!(f, "{link}, but there is no component `{}`", link.to)?;
                match others.as_slice() {
                    [] => write!(f, ", and none {} {}", has(link), link.what),
                    others => write!(f, "; {} is what `{}` {}", link.what, others.join("` and `"), has(link)),
                }
            }
            Fault::Mistyped { link, has: others } => match others.as_slice() {
                [] => write!(f, "{link}, but `{}` {} nothing", link.to, has(link)),
                others => write!(f, "{link}, but `{}` {} {}", link.to, has(link), others.join(" and ")),
            },
            Fault::Circle(links) => {
                let links: Vec<String> = links.iter().map(ToString::to_string).collect();
                write!(f, "a circle: {}; none of them can start before the others", links.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests;
