//! A comparison of real size becomes a table that fits a terminal, a JSON list and one well-formed page that needs no
//! network and shows a user's command as text.

mod measured;
mod sample;

use std::path::Path;
use std::sync::LazyLock;

use common::report::{Comparison, Row, ServerCost, html, json, table, warning, write, write_json};
use serde_json::Value;

static COMPARISON: LazyLock<Comparison> = LazyLock::new(sample::comparison);
static PAGE: LazyLock<String> = LazyLock::new(|| html(&COMPARISON));

/// Elements that have no end tag in HTML.
const VOID: [&str; 1] = ["meta"];

/// The names of the tags in order, end tags with their slash; SVG's self-closing ones are left out.
fn tags(page: &str) -> Vec<String> {
    let body = page.split_once("</style>").map_or(page, |(_, body)| body);
    let mut tags = Vec::new();
    for piece in body.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').expect("every < opens a tag, text is escaped");
        assert_eq!(tag.matches('"').count() % 2, 0, "quotes of <{tag}>");
        let name = tag.split_whitespace().next().unwrap_or_default();
        if !tag.ends_with('/') && !VOID.contains(&name) {
            tags.push(name.to_owned());
        }
    }
    tags
}

#[test]
fn every_tag_is_closed_in_order() {
    let mut open: Vec<String> = Vec::new();
    for tag in tags(&PAGE) {
        match tag.strip_prefix('/') {
            Some(name) if open.is_empty() => {
                assert!(["head", "html"].contains(&name), "</{name}> was never opened");
            }
            // The head was cut off with the style; <html> is closed last.
            Some("html" | "head") => {}
            Some(name) => assert_eq!(open.pop().as_deref(), Some(name)),
            None => open.push(tag),
        }
    }
    assert_eq!(open, [] as [&str; 0]);
}

#[test]
fn the_page_needs_no_network_and_no_script() {
    let without_namespace = PAGE.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    for forbidden in ["http://", "https://", "<script", "@import", "src=", "<link", "url(//"] {
        assert!(!without_namespace.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn every_link_leads_to_an_element_and_no_id_is_given_twice() {
    let values = |attribute: &str| -> Vec<String> {
        PAGE.split(attribute).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())).collect()
    };
    let mut ids = values(" id=\"");
    ids.sort_unstable();
    assert!(ids.windows(2).all(|pair| pair[0] != pair[1]));
    for target in values("href=\"#") {
        assert!(ids.contains(&target), "#{target}");
    }
}

#[test]
fn every_model_is_named_in_every_section() {
    for row in &COMPARISON.rows {
        let model = row.model.replace('&', "&amp;").replace('<', "&lt;");
        let model = model
            .replace('>', "&gt;")
            .replace('"', "&quot;")
            .replace('\'', "&#39;")
            .replace('\u{1b}', "\u{fffd}");
        assert!(PAGE.contains(&format!("{model}</h3>")), "{model}");
    }
    assert_eq!(PAGE.matches("<figure id=").count(), COMPARISON.rows.len());
    assert!(PAGE.contains("the kernel forbids io_uring_setup(2) here (EPERM)"));
}

#[test]
fn a_users_command_stays_text() {
    assert!(!PAGE.contains("<b>&amp;") && !PAGE.contains("mine'</b>") && !PAGE.contains('\u{1b}'));
    assert!(PAGE.contains("&lt;b&gt;&amp;&#39;mine&#39;&lt;/b&gt;"));
}

#[test]
fn every_picture_has_a_title_and_a_description() {
    let pictures = PAGE.matches("role=\"img\"").count();
    assert_eq!(PAGE.matches("role=\"img\"><title>").count(), pictures);
    assert!(pictures > COMPARISON.rows.len());
    assert!(!PAGE.contains("<title></title>") && !PAGE.contains("<desc></desc>"));
    for broken in ["NaN", "inf\""] {
        assert!(!PAGE.contains(broken), "{broken}");
    }
}

#[test]
fn the_page_is_small_and_is_written_whole() {
    assert!(PAGE.len() < 1_500_000, "{} bytes", PAGE.len());
    // Left in the target directory, so that it can be looked at.
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report.html");
    write(&COMPARISON, &path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), *PAGE);
    assert!(write(&COMPARISON, Path::new("/nowhere/at/all.html")).is_err());
}

#[test]
fn an_empty_comparison_is_a_page_too() {
    let empty = Comparison { rows: vec![], scenarios: vec![], ..sample::comparison() };
    assert!(html(&empty).ends_with("</html>\n"));
    assert_eq!(table(&empty), "");
    assert_eq!(json(&empty), "[]\n");
}

#[test]
fn the_table_fits_the_terminal_and_names_everybody() {
    let text = table(&COMPARISON);
    for line in text.lines() {
        assert!(line.chars().count() <= 120, "{} characters: {line}", line.chars().count());
    }
    for scenario in &COMPARISON.scenarios {
        assert!(text.contains(&format!("{}\n  {}", scenario.name, &scenario.about[..40])));
    }
    assert_eq!(text.matches("\n  thread-pool ").count(), 6);
    assert_eq!(text.matches("io-uring: skipped, the kernel forbids").count(), 6);
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn what_was_disturbed_is_said_aloud_and_not_ranked() {
    let mut comparison = sample::comparison();
    let echo = comparison.rows.iter_mut().filter(|row| row.scenario == "echo");
    for row in echo.filter(|row| row.model == "epoll") {
        row.foreign = Some(0.38);
    }
    let said = "WARNING, some are not ranked: other programs used up to 38 % of the machine beside epoll.";
    let (text, page) = (table(&comparison), html(&comparison));
    assert!(text.contains(said), "{text}");
    assert!(page.contains(&format!("<p class=\"warning\">{said}</p>")));
    let echo = text.split("\necho\n").nth(1).expect("the section");
    let row = echo.lines().find(|line| line.starts_with("  epoll ")).expect("the row");
    assert_eq!(row.split_whitespace().nth(1), Some("–"), "{row}");
    let all = warning(&comparison).expect("a warning");
    assert_eq!(all, "WARNING: figures of echo are not reliable; each section says which, and why.");
    assert!(page.contains(&format!("<h2>At a glance</h2>\n<p class=\"warning\">{all}</p>")));
    assert!(!table(&COMPARISON).contains("WARNING") && warning(&COMPARISON).is_none());
    assert!(!PAGE.contains("WARNING"));
}

#[test]
fn the_table_shows_the_lowest_and_the_highest_and_no_plus_minus() {
    let text = table(&COMPARISON);
    let echo = text.split("\necho\n").nth(1).expect("the section");
    let row = echo.lines().find(|line| line.starts_with("  epoll ")).expect("the row");
    assert!(row.contains('[') && row.contains("..") && row.contains(']') && !row.contains('±'), "{row}");
}

#[test]
fn what_a_client_alone_cannot_measure_is_null_and_not_zero() {
    let row = serde_json::to_value(Row { scenario: "patience".into(), ..Row::default() }).unwrap();
    for name in ["cpu_ms", "peak_rss_kib", "threads", "processes", "context_switches"] {
        assert!(row["server"][name].is_null(), "{name}: {row}");
    }
    for name in ["foreign", "unanswered", "never_sent", "wait_ms", "latency_us"] {
        assert!(row[name].is_null(), "{name}: {row}");
    }
    let server =
        serde_json::to_value(ServerCost { cpu_ms: 0.5, threads: 1, ..ServerCost::default() }).unwrap();
    assert_eq!((&server["cpu_ms"], &server["threads"]), (&0.5.into(), &1.into()));
}

#[test]
fn the_json_is_a_list_of_rows_with_the_promised_names() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rows.json");
    write_json(&COMPARISON, &path).unwrap();
    let rows: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(rows.len(), COMPARISON.rows.len());
    for row in &rows {
        for name in [
            "scenario",
            "model",
            "clients",
            "served",
            "gave_up",
            "refused",
            "lost",
            "wrong",
            "foreign",
            "spread",
            "runs",
            "wait_ms",
            "latency_us",
            "throughput_per_s",
            "server",
            "repetitions",
            "seed",
            "skipped",
        ] {
            assert!(row.get(name).is_some(), "{name}");
        }
        let is_measured = row["skipped"].is_null();
        for name in ["cpu_ms", "peak_rss_kib", "threads", "processes", "context_switches"] {
            assert_eq!(row["server"][name].is_number(), is_measured, "{name}");
        }
    }
    let echo = rows.iter().find(|row| row["scenario"] == "echo").unwrap();
    assert!(echo["wait_ms"].is_null() && echo["skipped"].is_null());
    for point in ["p50", "p90", "p99", "max"] {
        assert!(echo["latency_us"][point].is_number(), "{point}");
    }
    assert!(
        echo["spread"]["wait_p50_ms"].is_null() && echo["spread"]["served"].is_array(),
        "what was not measured"
    );
    let skipped = rows.iter().find(|row| row["model"] == "io-uring").unwrap();
    for name in ["clients", "served", "refused", "throughput_per_s", "server", "spread", "repetitions"] {
        assert!(skipped[name].is_null(), "{name} of what was not measured is no number");
    }
    assert_eq!(skipped["skipped"], "the kernel forbids io_uring_setup(2) here (EPERM)");
}

/// The column that a sheet of A4 has between margins of 12 mm, in pixels of 1/96 inch.
const SHEET: u32 = 703;

#[test]
fn on_a_phone_no_label_is_below_11_pixels_and_nothing_is_cut() {
    let Some(browser) = measured::browser() else { return };
    let found = measured::measure(&browser, &PAGE, 360);
    assert!(found["smallest"]["px"].as_f64() >= Some(11.0), "{found}");
    assert_eq!((&found["cut"], found["width"].as_u64()), (&serde_json::json!([]), Some(360)), "{found}");
}

#[test]
fn on_paper_no_label_is_below_7_points_and_no_table_is_cut() {
    let Some(browser) = measured::browser() else { return };
    let printed = PAGE.replace("@media print", "@media all");
    let found = measured::measure(&browser, &printed, SHEET);
    let seven_points = 7.0 * 96.0 / 72.0;
    assert!(found["smallest"]["px"].as_f64() >= Some(seven_points - 0.01), "{found}");
    assert_eq!(
        (&found["cut"], found["width"].as_u64()),
        (&serde_json::json!([]), Some(SHEET.into())),
        "{found}"
    );
}

/// A page is nearly empty when its last word stands in its upper half; the last page may be so.
#[test]
fn on_paper_no_page_is_nearly_empty() {
    let (Some(browser), Some(pdftotext)) = (measured::browser(), measured::find("pdftotext")) else {
        eprintln!("\n!! skipped: without chromium and pdftotext the pages of the report are NOT looked at\n");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let [page, pdf] = ["report.html", "report.pdf"].map(|name| folder.path().join(name));
    std::fs::write(&page, &*PAGE).unwrap();
    let print = format!("--print-to-pdf={}", pdf.display());
    measured::run(&browser, &folder, &[&print, "--no-pdf-header-footer"], &page);
    let words = std::process::Command::new(pdftotext).arg("-bbox").arg(&pdf).arg("-").output().unwrap();
    let words = String::from_utf8_lossy(&words.stdout).into_owned();
    let number = |text: &str, name: &str| -> f64 {
        let (_, rest) = text.split_once(&format!("{name}=\"")).unwrap();
        rest.split_once('"').unwrap().0.parse().unwrap()
    };
    let filled: Vec<f64> = words
        .split("<page ")
        .skip(1)
        .map(|page| {
            let lowest = page.split("<word ").skip(1).map(|word| number(word, "yMax")).fold(0.0, f64::max);
            lowest / number(page, "height")
        })
        .collect();
    let (_, but_the_last) = filled.split_last().unwrap();
    assert!(but_the_last.iter().all(|part| *part > 0.5), "{filled:.2?}");
}
