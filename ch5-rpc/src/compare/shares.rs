//! Where the time goes, as a table and as a picture: a bar for each contestant, cut into its parts.
//!
//! ```text
//!   framed   ░░▒▓██████████████▒▒▒▒        client encodes, server decodes, … bare exchange, the rest
//!   xml-rpc  ░░░▒▒▒▒▓▓████████████████▒▒▒▒▒▒
//! ```

use common::bench::results::Table;
use common::bench::rounds::Row;
use common::bench::table::TextTable;
use common::report::svg::{Picture, escape};

use super::measure::Sample;
use super::parts::HEADINGS;

/// Colours that can be told apart, also without seeing all of them.
pub const STYLE: &str = ".part-0 { fill: #66ccee; } .part-1 { fill: #228833; } .part-2 { fill: #ee6677; } .part-3 { fill: #ccbb44; }\n\
    .part-4 { fill: #4477aa; } .part-5 { fill: #bbbbbb; } .part-6 { fill: #aa3377; }\n";

const WIDTH: f64 = 720.0;
const LEFT: f64 = 110.0;
const RIGHT: f64 = 660.0;
const BAR: f64 = 14.0;
const STEP: f64 = 24.0;

/// The parts of a sample, in µs or in per cent of its p50.
fn parts(sample: &Sample, is_per_cent: bool) -> Option<[Option<f64>; 7]> {
    let scale = if is_per_cent { 100.0 / sample.p50_us } else { 1.0 };
    let parts = sample.parts.as_ref()?.of(sample.p50_us);
    Some(parts.map(|part| part.map(|us| us * scale)))
}

/// The table: per cent of the p50 of the same round.
pub fn table(table: &Table<Sample>) -> TextTable {
    let head: Vec<&str> =
        ["", "p50 µs"].into_iter().chain(HEADINGS).chain(["switches: client", "server", ""]).collect();
    let title = format!("{}: {}", table.name, table.about);
    TextTable::of(title, &head, &table.rows, cells)
}

fn cells(row: &Row<Sample>) -> Vec<String> {
    let dash = || "–".to_owned();
    let median = |value: fn(&Sample) -> f64| {
        row.spread(|sample| Some(value(sample))).map_or_else(dash, |spread| format!("{:.1}", spread.median))
    };
    let part = |index: usize| {
        let spread = row.spread(|sample| parts(sample, true)?[index]);
        spread.map_or_else(dash, |spread| {
            format!("{:.1} [{:.1}..{:.1}]", spread.median, spread.min, spread.max)
        })
    };
    let switches = [median(|sample| sample.switches[1]), median(|sample| sample.switches[0])];
    let disturbed = if row.is_disturbed() { "!" } else { "" };
    [row.name.clone(), median(|sample| sample.p50_us)]
        .into_iter()
        .chain((0..HEADINGS.len()).map(part))
        .chain(switches)
        .chain([disturbed.to_owned()])
        .collect()
}

/// The picture: medians in µs. What is negative has no length.
pub fn picture(table: &Table<Sample>) -> String {
    let median = |row: &Row<Sample>, index: usize| {
        row.spread(|sample| parts(sample, false)?[index]).map_or(0.0, |spread| spread.median.max(0.0))
    };
    let bars: Vec<(&str, [f64; 7])> = table
        .rows
        .iter()
        .filter(|row| row.samples().next().is_some())
        .map(|row| (row.name.as_str(), std::array::from_fn(|index| median(row, index))))
        .collect();
    let longest = bars.iter().map(|(_, parts)| parts.iter().sum()).fold(f64::MIN_POSITIVE, f64::max);
    let mut picture = Picture::default();
    for (index, heading) in HEADINGS.iter().enumerate() {
        let x = LEFT + index as f64 * 85.0;
        picture.rect((x, 2.0), (8.0, 8.0), &format!("part-{index}"), "");
        picture.text((x + 11.0, 10.0), "small", heading);
    }
    for (line, (name, parts)) in bars.iter().enumerate() {
        let y = STEP * (line + 1) as f64;
        picture.text((LEFT - 6.0, y + 11.0), "name", name);
        let mut x = LEFT;
        for (index, &us) in parts.iter().enumerate() {
            let width = (RIGHT - LEFT) * us / longest;
            let tip = format!("{name}, {}: {us:.2} µs", HEADINGS[index]);
            picture.rect((x, y), (width, BAR), &format!("part-{index}"), &tip);
            x += width;
        }
        picture.text((x + 4.0, y + 11.0), "small", &format!("{:.1} µs", parts.iter().sum::<f64>()));
    }
    let height = STEP * (bars.len() + 1) as f64 + 4.0;
    let title = "Where the time of a call goes";
    let picture = picture.finish((WIDTH, height), "parts", title, &escape(&table.about));
    format!(
        "<p>Each bar is the p50 of a call, cut into what was measured alone; the rest is the difference.</p>\n{picture}"
    )
}
