//! One figure of all models as horizontal bars, the best on top, each with its range over the repetitions.
//!
//! ```text
//! epoll  ● ▇▇▇▇▇▇▇▇▇▇▇▇├─┤  61 200
//! fork     ▇▇▇├┤             9 100
//! ```

use super::data::Row;
use super::number::short;
use super::section::Section;
use super::svg::{Picture, fit};
use super::workload::Workload;

const WIDTH: f64 = 312.0;
/// Wide enough for `thread-per-connection` in a wide font.
const NAMES: f64 = 144.0;
const RIGHT: f64 = 264.0;
const ROW: f64 = 17.0;

/// One panel of bars.
struct Panel {
    title: &'static str,
    /// Its unit, and which direction is better.
    unit: String,
    higher_is_better: bool,
    figure: fn(&Row) -> Option<f64>,
    spread: fn(&Row) -> Option<(f64, f64)>,
}

/// The panels of a scenario; one whose figure nobody has is left out.
pub(super) fn panels(section: &Section<'_>) -> String {
    let clients = section.measured().map(|(row, _)| row.clients).max().unwrap_or(0);
    let served = Panel {
        title: "Served",
        unit: format!("clients of {clients}"),
        higher_is_better: true,
        figure: |row| Some(row.served as f64),
        spread: |row| row.spread.served,
    };
    let wait = Panel {
        title: "Wait for service",
        unit: "ms, median".into(),
        higher_is_better: false,
        figure: |row| row.wait_ms.map(|wait| wait.p50),
        spread: |row| row.spread.wait_p50_ms,
    };
    let throughput = Panel {
        title: "Throughput",
        unit: "requests/s".into(),
        higher_is_better: true,
        figure: |row| Some(row.throughput_per_s),
        spread: |row| row.spread.throughput_per_s,
    };
    let tail = Panel {
        title: "Latency, 99th percentile",
        unit: "µs".into(),
        higher_is_better: false,
        figure: |row| row.latency_us.map(|latency| latency.p99),
        spread: |row| row.spread.latency_p99_us,
    };
    let cpu = Panel {
        title: "CPU per request",
        unit: "µs".into(),
        higher_is_better: false,
        figure: cpu_per_request_us,
        spread: |row| {
            let each = 1000.0 / row.requests.max(1) as f64;
            row.spread.cpu_ms.map(|(low, high)| (low * each, high * each))
        },
    };
    let memory = Panel {
        title: "Peak memory",
        unit: "MiB".into(),
        higher_is_better: false,
        figure: |row| (row.server.peak_rss_kib > 0).then_some(row.server.peak_rss_kib as f64 / 1024.0),
        spread: |_| None,
    };
    let (first, second) =
        if section.workload == Workload::Throughput { (throughput, tail) } else { (served, wait) };
    let drawn: String = [first, second, cpu, memory].iter().map(|panel| draw(panel, section)).collect();
    format!("<div class=\"bars\">\n{drawn}</div>\n")
}

/// CPU time of the server per answered request, microseconds.
pub(super) fn cpu_per_request_us(row: &Row) -> Option<f64> {
    (row.requests > 0).then(|| row.server.cpu_ms * 1000.0 / row.requests as f64)
}

fn draw(panel: &Panel, section: &Section<'_>) -> String {
    let mut bars: Vec<(&Row, Option<usize>, f64)> =
        section.measured().filter_map(|(row, rank)| Some((row, rank, (panel.figure)(row)?))).collect();
    let sign = if panel.higher_is_better { -1.0 } else { 1.0 };
    bars.sort_by(|a, b| (a.2 * sign).total_cmp(&(b.2 * sign)));
    let highest = bars
        .iter()
        .map(|(row, _, value)| value.max((panel.spread)(row).map_or(0.0, |(_, high)| high)))
        .fold(0.0, f64::max);
    if highest <= 0.0 {
        return String::new();
    }
    let x = |value: f64| NAMES + (RIGHT - NAMES) * (value / highest).clamp(0.0, 1.0);
    let mut picture = Picture::default();
    let mut y = 4.0;
    for (row, rank, value) in &bars {
        let best = *rank == Some(1);
        picture.text(
            (NAMES - 14.0, y + 11.5),
            if best { "model best" } else { "model" },
            &fit(&row.model, 21),
        );
        if best {
            picture.path(&format!("M{} {y}m0 8m-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0", NAMES - 7.0), "dot");
        }
        let class = if best { "bar best" } else { "bar" };
        let range = (panel.spread)(row).filter(|(low, high)| high > low);
        let tip = range.map_or_else(String::new, |(low, high)| {
            format!("{}: {} ({} to {})", row.model, short(*value), short(low), short(high))
        });
        picture.rect((NAMES, y + 2.5), (x(*value) - NAMES, ROW - 5.0), class, &tip);
        let end = if let Some((low, high)) = range {
            let (from, to, middle) = (x(low), x(high), y + ROW / 2.0);
            picture.line((from, middle), (to, middle), "whisker");
            picture.line((from, middle - 3.0), (from, middle + 3.0), "whisker");
            picture.line((to, middle - 3.0), (to, middle + 3.0), "whisker");
            to.max(x(*value))
        } else {
            x(*value)
        };
        picture.text((end + 4.0, y + 12.0), "value", &short(*value));
        y += ROW;
    }
    picture.line((NAMES, 2.0), (NAMES, y + 2.0), "axis");
    let direction = if panel.higher_is_better { "more is better" } else { "less is better" };
    let caption = format!("{}, {}", panel.title, panel.unit);
    let first = bars
        .first()
        .map_or(String::new(), |(row, _, value)| format!("First: {} with {}.", row.model, short(*value)));
    let svg = picture.finish((WIDTH, y + 6.0), "barchart", &caption, &format!("{direction}. {first}"));
    format!(
        "<figure class=\"panel\"><figcaption><b>{}</b> <span class=\"unit\">{} · {direction}</span></figcaption>{svg}</figure>\n",
        panel.title, panel.unit
    )
}
