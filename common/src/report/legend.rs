//! What the shapes of the timelines mean, drawn with the shapes themselves.

use super::data::ClientOutcome;
use super::svg::Picture;
use super::timeline::mark;

/// The legend of the timelines; `by_request` adds what only request lanes have.
pub(super) fn legend(by_request: bool) -> String {
    let bar = |class: &'static str, y: f64, height: f64| {
        picture(|picture| picture.rect((1.0, y), (26.0, height), class, ""), 28.0)
    };
    let fate = |fate| picture(|picture| mark(picture, 7.0, 7.0, fate), 14.0);
    let mut entries = vec![
        (bar("wait", 4.5, 5.0), "waiting"),
        (
            bar("held c0", 1.0, 11.0),
            if by_request {
                "its request being handled"
            } else {
                "in service, or its connection held by a lane"
            },
        ),
    ];
    if by_request {
        entries[1].0 = bar("worked c0", 1.0, 11.0);
        entries.push((bar("held c0", 1.0, 11.0), "connection held by a lane"));
        entries.push((bar("late c0", 1.0, 11.0), "worked for one who had left"));
    }
    entries.push((bar("turn", 3.0, 7.0), "turns of an event loop"));
    entries.push((fate(ClientOutcome::Served), "served"));
    entries.push((fate(ClientOutcome::GaveUp), "gave up"));
    entries.push((fate(ClientOutcome::Refused), "refused, lost or given wrong bytes"));
    let items: String = entries.iter().map(|(picture, words)| format!("<li>{picture}{words}</li>")).collect();
    format!("<ul class=\"legend\">{items}</ul>\n")
}

/// The patterns that the pictures fill with; once per page.
pub(super) const PATTERNS: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" class="defs" width="0" height="0" aria-hidden="true"><defs>
<pattern id="stripes" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="stripe" d="M0 0V4"/></pattern>
<pattern id="wide-stripes" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)"><path class="stripe" d="M0 0V7"/></pattern>
<pattern id="dots" width="5" height="5" patternUnits="userSpaceOnUse"><circle class="speck" cx="2" cy="2" r="1"/></pattern>
</defs></svg>
"#;

fn picture(draw: impl FnOnce(&mut Picture), width: f64) -> String {
    let mut picture = Picture::default();
    draw(&mut picture);
    // Decoration beside its own words: nothing to read out.
    picture
        .finish((width, 14.0), "key", "", "")
        .replacen("<title></title><desc></desc>", "", 1)
        .replacen("role=\"img\"", &format!("aria-hidden=\"true\" width=\"{width}\" height=\"14\""), 1)
        .trim_end()
        .into()
}
