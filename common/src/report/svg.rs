//! A small SVG writer for every page that a program of ours makes: shapes with a class, and all text escaped. Colours and strokes
//! are in the page's style sheet.

/// Text that stands for itself in HTML and SVG, in an element or in a quoted attribute.
///
/// Control characters, which a user's command may hold and HTML may not, become the replacement character.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(' '),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A picture under construction: what is drawn behind, and what in front.
#[derive(Debug, Default)]
pub struct Picture {
    behind: String,
    front: String,
}

impl Picture {
    /// A rectangle; `tip` is shown when it is pointed at.
    pub fn rect(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), class: &str, tip: &str) {
        let (x, y, width, height) = (tenths(x), tenths(y), tenths(width.max(0.0)), tenths(height));
        let open = format!(r#"<rect class="{class}" x="{x}" y="{y}" width="{width}" height="{height}""#);
        self.front += &if tip.is_empty() {
            format!("{open}/>")
        } else {
            format!("{open}><title>{}</title></rect>", escape(tip))
        };
    }

    /// A straight line.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        self.front += &line(from, to, class);
    }

    /// A straight line behind everything that is drawn in front, whenever that is.
    pub fn line_behind(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        self.behind += &line(from, to, class);
    }

    /// A line of text; its class says where it is anchored.
    pub fn text(&mut self, (x, y): (f64, f64), class: &str, text: &str) {
        let (x, y) = (tenths(x), tenths(y));
        self.front += &format!(r#"<text class="{class}" x="{x}" y="{y}">{}</text>"#, escape(text));
    }

    /// A path, its data as given.
    pub fn path(&mut self, data: &str, class: &str) {
        self.front += &format!(r#"<path class="{class}" d="{data}"/>"#);
    }

    /// Several shapes of one class; `tip` is shown when any of them is pointed at.
    pub fn group(&mut self, class: &str, tip: &str, draw: impl FnOnce(&mut Picture)) {
        self.front += &format!(r#"<g class="{class}"><title>{}</title>"#, escape(tip));
        draw(self);
        self.front += "</g>";
    }

    /// A path drawn elsewhere in the page, behind everything that is drawn in front.
    pub fn reuse_behind(&mut self, id: &str, class: &str) {
        self.behind += &format!(r##"<use class="{class}" href="#{id}"/>"##);
    }

    /// The whole picture. The title names it and the description says what there is to see.
    pub fn finish(self, (width, height): (f64, f64), class: &str, title: &str, description: &str) -> String {
        format!(
            concat!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" class="{}" viewBox="0 0 {} {}" role="img">"#,
                "<title>{}</title><desc>{}</desc>{}{}</svg>\n"
            ),
            class,
            tenths(width),
            tenths(height),
            escape(title),
            escape(description),
            self.behind,
            self.front
        )
    }
}

fn line(from: (f64, f64), to: (f64, f64), class: &str) -> String {
    let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(tenths);
    format!(r#"<line class="{class}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>"#)
}

/// A path through the points.
pub fn through(points: &[(f64, f64)]) -> String {
    let mut data = String::new();
    for (index, (x, y)) in points.iter().enumerate() {
        data += if index == 0 { "M" } else { "L" };
        data += &format!("{} {}", tenths(*x), tenths(*y));
    }
    data
}

/// A step of 1, 2 or 5 times a power of ten that cuts an axis of this `range` into at most `count` pieces.
pub fn step(range: f64, count: f64) -> f64 {
    if range <= 0.0 || !range.is_finite() {
        return 1.0;
    }
    let raw = range / count;
    let power = 10f64.powf(raw.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|factor| factor * power)
        .into_iter()
        .find(|step| *step >= raw * 0.999)
        .unwrap_or(raw)
}

/// A coordinate, to a tenth: more is not seen and only makes the file longer.
pub fn tenths(value: f64) -> String {
    if !value.is_finite() {
        return "0".into();
    }
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".into() } else { text.into() }
}

/// At most `width` characters, the last one an ellipsis where something was cut.
pub fn fit(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.into();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(escape(r#"<a b="c" d='e'>&"#), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;");
        assert_eq!(escape("\u{1b}[31m\n"), "\u{fffd}[31m ");
        let mut picture = Picture::default();
        picture.text((1.0, 2.25), "t", "</text><script>");
        picture.rect((0.0, 0.0), (1.0, 1.0), "r", "<tip>");
        let svg = picture.finish((10.0, 5.5), "c", "a<b", "&");
        assert!(!svg.contains("<script>") && !svg.contains("<tip>") && svg.contains("a&lt;b"));
    }

    #[test]
    fn coordinates_are_short() {
        assert_eq!(tenths(12.0), "12");
        assert_eq!(tenths(12.345), "12.3");
        assert_eq!(tenths(-0.01), "0");
        assert_eq!(through(&[(0.0, 1.0), (2.5, 3.0)]), "M0 1L2.5 3");
    }

    #[test]
    fn the_steps_of_an_axis_are_round() {
        assert!((step(330.0, 5.0) - 100.0).abs() < 1e-9);
        assert!((step(25.0, 5.0) - 5.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_behind_comes_first() {
        let mut picture = Picture::default();
        picture.line((0.0, 0.0), (1.0, 1.0), "front");
        picture.line_behind((0.0, 0.0), (1.0, 1.0), "behind");
        let svg = picture.finish((1.0, 1.0), "", "", "");
        assert!(svg.find("behind") < svg.find("front"));
    }
}
