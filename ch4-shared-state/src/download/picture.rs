//! A page with a picture for each mode: which file was downloading when. No script, no network.
//!
//! ```text
//!   sequential   file-1.bin  ░███
//!                file-2.bin      ░███              ░ asked, nothing there yet   █ downloading
//!                file-3.bin          ░███
//!                            0   1   2   3 s
//! ```

use std::fmt::Write;

use common::report::svg::{Picture, fit, step};

use super::args::Mode;
use super::record::{Record, Run};

const LEFT: f64 = 130.0;
const WIDTH: f64 = 640.0;
const ROW: f64 = 16.0;

const HEAD: &str = r#"<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Downloads</title><style>
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
svg { width: 100%; height: auto; } text { font-size: 11px; fill: currentColor; }
.wait { fill: currentColor; opacity: .25; } .load { fill: #2a7de1; } .bad { fill: #d43d3d; }
.axis { stroke: currentColor; opacity: .3; } .end { text-anchor: end; } .mid { text-anchor: middle; }
</style></head><body><h1>Which file was downloading when</h1>
<p>Grey: asked, and nothing there yet. Blue: bytes are coming. Red: it failed. One scale of time for all modes.</p>
"#;

/// The page.
#[must_use]
pub fn page(runs: &[Run]) -> String {
    let longest = runs.iter().map(|run| run.took_ms).fold(1.0, f64::max);
    let mut page = String::from(HEAD);
    for run in runs {
        let sequential = runs.iter().find(|run| run.mode == Mode::Sequential);
        let gain =
            sequential.map_or(String::new(), |base| format!(", speed-up {:.2}", base.took_ms / run.took_ms));
        let (name, seconds, threads) = (run.mode.name(), run.took_ms / 1e3, run.threads);
        let _ = write!(
            page,
            "<h2>{name}: {seconds:.2} s{gain}, threads: {threads}</h2>\n{}",
            picture(run, longest)
        );
    }
    page + "</body></html>\n"
}

fn picture(run: &Run, longest_ms: f64) -> String {
    let x = |ms: f64| LEFT + ms / longest_ms * WIDTH;
    let bottom = ROW * run.records.len() as f64;
    let mut picture = Picture::default();
    let step = step(longest_ms, 6.0);
    for tick in (0..).map(|tick| f64::from(tick) * step).take_while(|ms| *ms <= longest_ms) {
        picture.line_behind((x(tick), 0.0), (x(tick), bottom), "axis");
        picture.text((x(tick), bottom + 15.0), "mid", &format!("{} s", tick / 1e3));
    }
    for (row, record) in run.records.iter().enumerate() {
        let y = ROW * row as f64;
        let name = record.url.rsplit('/').next().unwrap_or_default();
        picture.text((LEFT - 6.0, y + 12.0), "end", &fit(name, 60));
        for (class, from, to) in spans(record) {
            let width = (x(to) - x(from)).max(0.5);
            picture.rect((x(from), y + 3.0), (width, 11.0), class, &tip(record));
        }
    }
    let came = run.records.len() - run.failures().count();
    let title = format!("{}: which file was downloading when", run.mode.name());
    let description = format!("{came} of {} files came in {:.0} ms.", run.records.len(), run.took_ms);
    picture.finish((LEFT + WIDTH + 20.0, bottom + 22.0), "downloads", &title, &description)
}

/// The waiting and the loading of a file: class, from and to in milliseconds.
fn spans(record: &Record) -> Vec<(&'static str, f64, f64)> {
    let loading = if record.error.is_some() { "bad" } else { "load" };
    let first = record.first_byte_ms.unwrap_or(record.ended_ms);
    let mut spans = vec![("wait", record.began_ms, first)];
    if record.first_byte_ms.is_some() || record.error.is_some() {
        spans.push((loading, first, record.ended_ms));
    }
    spans
}

fn tip(record: &Record) -> String {
    let end = record.error.clone().unwrap_or_else(|| format!("{} bytes", record.bytes));
    format!("{}: {:.0} ms to {:.0} ms, {end}", record.url, record.began_ms, record.ended_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_per_file_and_no_markup_from_outside() {
        let record = |number: usize, error: Option<&str>| Record {
            number,
            url: "http://a/<script>".into(),
            path: "x".into(),
            began_ms: 0.0,
            first_byte_ms: error.is_none().then_some(10.0),
            ended_ms: 40.0,
            bytes: 7,
            error: error.map(String::from),
        };
        let records = vec![record(0, None), record(1, Some("404 <b>"))];
        let run = Run { mode: Mode::Threads, took_ms: 40.0, threads: 3, at_once: 2, peak_kib: None, records };
        let page = page(&[run]);
        assert!(!page.contains("<script>") && !page.contains("<b>"));
        assert_eq!((page.matches("class=\"load\"").count(), page.matches("class=\"bad\"").count()), (1, 1));
    }
}
