//! What went where: from the left to the right, each arrow with how many messages took it.

use std::collections::BTreeMap;
use std::fmt::Write;

use common::report::svg::{Picture, escape};

/// A station on the way of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A program that sends.
    Sender,
    /// An exchange.
    Exchange,
    /// A queue.
    Queue,
    /// A program that receives.
    Receiver,
}

/// A pattern, and what went where when it ran.
#[derive(Debug)]
pub struct Flow {
    title: &'static str,
    idea: &'static str,
    /// In the order in which they were first used.
    arrows: Vec<Arrow>,
    /// What is to be said beside the picture.
    notes: Vec<String>,
}

#[derive(Debug)]
struct Arrow {
    from: (Place, String),
    to: (Place, String),
    label: String,
    count: usize,
}

impl Flow {
    /// Nothing has gone anywhere.
    pub fn new(title: &'static str, idea: &'static str) -> Flow {
        Flow { title, idea, arrows: Vec::new(), notes: Vec::new() }
    }

    /// One message went from here to there, by this key.
    pub fn went(&mut self, from: (Place, &str), to: (Place, &str), label: &str) {
        self.arrow(from, to, label).count += 1;
    }

    /// A way that is there; perhaps no message takes it.
    pub fn way(&mut self, from: (Place, &str), to: (Place, &str), label: &str) {
        self.arrow(from, to, label);
    }

    fn arrow(&mut self, from: (Place, &str), to: (Place, &str), label: &str) -> &mut Arrow {
        let (from, to) = ((from.0, from.1.to_string()), (to.0, to.1.to_string()));
        let found =
            self.arrows.iter().position(|arrow| arrow.from == from && arrow.to == to && arrow.label == label);
        let place = found.unwrap_or_else(|| {
            self.arrows.push(Arrow { from, to, label: label.to_string(), count: 0 });
            self.arrows.len() - 1
        });
        &mut self.arrows[place]
    }

    /// Something to be said.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// For the terminal.
    pub fn text(&self) -> String {
        let mut text = format!("{}: {}\n", self.title, self.idea);
        for arrow in &self.arrows {
            let label = if arrow.label.is_empty() { String::new() } else { format!(" {}", arrow.label) };
            let _ = writeln!(
                text,
                "  {:>4} × {} ──{label}──► {}",
                arrow.count,
                shown(&arrow.from),
                shown(&arrow.to)
            );
        }
        for note in &self.notes {
            let _ = writeln!(text, "  {note}");
        }
        text
    }

    fn svg(&self) -> String {
        const COLUMN: f64 = 210.0;
        const ROW: f64 = 64.0;
        const BOX: (f64, f64) = (120.0, 34.0);
        let mut columns: BTreeMap<Place, Vec<&str>> = BTreeMap::new();
        for arrow in &self.arrows {
            for (place, name) in [&arrow.from, &arrow.to] {
                let column = columns.entry(*place).or_default();
                if !column.contains(&name.as_str()) {
                    column.push(name);
                }
            }
        }
        let most = columns.values().map(Vec::len).max().unwrap_or(0) as f64;
        let height = most * ROW + 24.0;
        let at = |place: Place, name: &str| {
            let column = columns.keys().position(|&one| one == place).unwrap_or(0) as f64;
            let names = &columns[&place];
            let row = names.iter().position(|one| *one == name).unwrap_or(0) as f64;
            (column * COLUMN + 20.0, (row + 0.5) * height / names.len() as f64)
        };
        let mut picture = Picture::default();
        for (number, arrow) in self.arrows.iter().enumerate() {
            let same = |other: &&Arrow| other.from == arrow.from && other.to == arrow.to;
            let above = self.arrows[..number].iter().filter(same).count() as f64;
            let (from, to) = (at(arrow.from.0, &arrow.from.1), at(arrow.to.0, &arrow.to.1));
            let is_back = to.0 <= from.0;
            let (start, end) = if is_back { (from.0, to.0 + BOX.0) } else { (from.0 + BOX.0, to.0) };
            let class = if arrow.count == 0 { "way" } else { "took" };
            picture.line((start, from.1), (end, to.1), class);
            let middle = ((start + end) / 2.0, f64::midpoint(from.1, to.1) - 5.0 - 13.0 * above);
            picture.text(middle, "mid", &format!("{} {}", arrow.count, arrow.label));
            picture.rect((end - if is_back { 0.0 } else { 5.0 }, to.1 - 2.5), (5.0, 5.0), class, "");
        }
        for (place, names) in &columns {
            let class = format!("{place:?}").to_lowercase();
            for name in names {
                let (x, y) = at(*place, name);
                picture.rect((x, y - BOX.1 / 2.0), BOX, &class, &shown(&(*place, (*name).to_string())));
                picture.text((x + BOX.0 / 2.0, y + 4.0), "mid", name);
            }
        }
        let width = columns.len() as f64 * COLUMN - COLUMN + BOX.0 + 40.0;
        picture.finish((width, height), "flow", self.title, self.idea)
    }
}

fn shown((place, name): &(Place, String)) -> String {
    match place {
        Place::Sender | Place::Receiver => name.clone(),
        Place::Exchange if name.is_empty() => "(default exchange)".into(),
        Place::Exchange => format!("({name})"),
        Place::Queue => format!("[{name}]"),
    }
}

const STYLE: &str = "<style>figure { margin: 1rem 0 2.5rem; overflow-x: auto; } .flow { min-width: 40rem; } .flow text { font-size: 12px; }
.sender, .receiver { fill: #7db3e8; } .exchange { fill: #e8c37d; } .queue { fill: #9fd6a5; }
.flow rect + text, .flow .mid { text-anchor: middle; } .took { stroke: currentColor; fill: currentColor; stroke-width: 1.5; }
.way { stroke: currentColor; fill: currentColor; stroke-dasharray: 3 3; opacity: .5; }
.flow g text, .flow text { fill: currentColor; }</style>";

/// All patterns on one page.
pub fn page(flows: &[Flow]) -> String {
    let mut body = format!(
        "{STYLE}<h1>Patterns of messaging</h1><p>Blue: programs. Yellow: exchanges. Green: queues. The number is how many messages took an arrow; dashed: none did.</p>\n"
    );
    for flow in flows {
        let _ = writeln!(
            body,
            "<h2>{}</h2><p>{}</p><figure>{}</figure>",
            escape(flow.title),
            escape(flow.idea),
            flow.svg()
        );
        for note in &flow.notes {
            let _ = writeln!(body, "<p>{}</p>", escape(note));
        }
    }
    common::report::page("Patterns of messaging", &body)
}
