//! The architecture, drawn: components, interfaces, connections. As text, and in the language of Graphviz.

use std::fmt::Write;

use super::check::{Architecture, Link, Style};

/// As text, in the order in which the components start.
pub fn text(architecture: &Architecture) -> String {
    let mut text = String::new();
    for name in &architecture.order {
        let component = architecture.component(name);
        let _ = writeln!(text, "{name} (program {}, on {})", component.program(), component.node);
        for (word, list) in [("provides", &component.provides), ("publishes", &component.publishes)] {
            if !list.is_empty() {
                let _ = writeln!(text, "    {word:<9} {}", list.join(", "));
            }
        }
        for Link { style, what, to, .. } in architecture.links_of(name) {
            let (word, arrow) = match style {
                Style::Call => ("requires", "──►"),
                Style::Event => ("consumes", "◄╌╌"),
            };
            let far =
                if architecture.component(to).node == component.node { "" } else { ", over the network" };
            let _ = writeln!(text, "    {word:<9} {what} {arrow} {to}{far}");
        }
    }
    text
}

/// For Graphviz: `dot -Tsvg`. Calls are solid, events dashed, and a node is a box around its components.
pub fn dot(architecture: &Architecture) -> String {
    let mut text = String::from("digraph architecture {\n  rankdir=LR;\n  node [shape=box];\n");
    for (number, node) in architecture.descriptor.nodes().iter().enumerate() {
        let _ = writeln!(text, "  subgraph cluster_{number} {{\n    label=\"{node}\";");
        for component in architecture.descriptor.components.iter().filter(|component| component.node == *node)
        {
            let _ = writeln!(text, "    \"{}\";", component.name);
        }
        text += "  }\n";
    }
    for Link { style, from, what, to } in &architecture.links {
        let _ = match style {
            Style::Call => writeln!(text, "  \"{from}\" -> \"{to}\" [label=\"{what}\"];"),
            Style::Event => writeln!(text, "  \"{to}\" -> \"{from}\" [label=\"{what}\", style=dashed];"),
        };
    }
    text + "}\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::check::check;
    use crate::container::descriptor::Descriptor;

    fn example() -> Architecture {
        check(Descriptor::read(crate::container::EXAMPLE).unwrap()).unwrap()
    }

    #[test]
    fn the_text_has_every_component_and_connection() {
        let expected = "\
store (program memory-store, on back)
    provides  Store
board (program board, on front)
    provides  Board
    publishes Posted
    requires  Store ──► store, over the network
chat (program chat, on back)
    provides  Chat
    requires  Store ──► store
    consumes  Posted ◄╌╌ board, over the network
page (program page, on front)
    requires  Board ──► board
    requires  Chat ──► chat, over the network
";
        assert_eq!(text(&example()), expected);
    }

    #[test]
    fn an_event_goes_from_its_publisher_to_its_consumer() {
        let dot = dot(&example());
        assert!(dot.contains("\"board\" -> \"chat\" [label=\"Posted\", style=dashed];"), "{dot}");
        assert!(dot.contains("\"page\" -> \"chat\" [label=\"Chat\"];"), "{dot}");
        assert_eq!((dot.matches("subgraph").count(), dot.matches("->").count()), (2, 5));
    }
}
