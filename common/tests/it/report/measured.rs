//! The page in a browser, measured: how large its labels are on a phone and on paper, and what is cut.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The browser of this machine, without which nothing is measured.
pub fn browser() -> Option<PathBuf> {
    let found = ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(find);
    if found.is_none() {
        eprintln!(
            "\n!! skipped: there is no chromium here, so the report's size on a phone and on paper is NOT tested\n"
        );
    }
    found
}

/// A program in the PATH.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Runs the browser without a window, and returns what it writes to its standard output.
pub fn run(browser: &Path, folder: &TempDir, arguments: &[&str], page: &Path) -> String {
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .args(["--disable-background-networking", "--hide-scrollbars", "--virtual-time-budget=10000"])
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .args(arguments)
        .arg(page)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Measures in the page, and tells the page around it.
const MEASURE: &str = r"<script>
addEventListener('load', () => {
  let smallest = {px: Infinity}, cut = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].filter(node => node.nodeType === 3 && node.data.trim());
    if (!own.length || element.closest('title, desc, style, script') || !element.checkVisibility()) continue;
    const svg = element.closest('svg'), box = element.getBoundingClientRect();
    const scale = svg ? element.getScreenCTM().a : 1;
    const px = parseFloat(getComputedStyle(element).fontSize) * scale;
    if (px < smallest.px) smallest = {px, text: own[0].data, of: element.className.baseVal ?? element.className};
    if (svg && !svg.closest('.scroll') && (box.left < 0 || box.right > innerWidth)) cut.push(own[0].data);
  }
  for (const table of document.querySelectorAll('.figures')) {
    if (table.offsetWidth > table.parentElement.clientWidth && getComputedStyle(table.parentElement).overflowX === 'visible') cut.push('table of ' + table.offsetWidth);
  }
  const width = document.documentElement.scrollWidth;
  parent.postMessage(JSON.stringify({smallest, cut, width}), '*');
});
</script>";

/// What is seen of the page where it is so many pixels wide.
pub fn measure(browser: &Path, page: &str, width: u32) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let [inner, outer] = ["inner.html", "outer.html"].map(|name| folder.path().join(name));
    std::fs::write(&inner, page.replace("</body>", &format!("{MEASURE}</body>"))).unwrap();
    // A window cannot be made as narrow as a phone; a frame can.
    let frame = format!(
        "<!DOCTYPE html><iframe src=\"inner.html\" style=\"border:0;width:{width}px;height:800px\"></iframe><output></output>\
         <script>onmessage = event => document.querySelector('output').textContent = event.data</script>"
    );
    std::fs::write(&outer, frame).unwrap();
    let dom = run(browser, &folder, &["--dump-dom"], &outer);
    let found = dom.split_once("<output>").and_then(|(_, rest)| rest.split_once("</output>"));
    let found = found.unwrap_or_else(|| panic!("nothing was measured: {dom}")).0;
    serde_json::from_str(&found.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))
        .unwrap_or_else(|error| panic!("{error}: {found}"))
}
