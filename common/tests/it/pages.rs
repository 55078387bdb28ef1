//! Every link between the pages of this repository leads to a file, and to a heading of it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::sources::crate_folder;

#[test]
fn every_link_of_a_page_leads_somewhere() {
    let pages = pages(&crate_folder(""));
    assert!(pages.len() > 10, "the pages are found");
    let dead: Vec<String> = pages.iter().flat_map(|page| dead_links(page)).collect();
    assert_eq!(dead, [""; 0]);
}

/// The files `*.md` in a folder and the folders in it, without hidden ones and without what has been built.
fn pages(folder: &Path) -> Vec<PathBuf> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            pages.extend(self::pages(&path));
        } else if name.ends_with(".md") {
            pages.push(path);
        }
    }
    pages
}

fn dead_links(page: &Path) -> Vec<String> {
    let text = fs::read_to_string(page).unwrap();
    let links = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
    let ours = links.filter(|link| !link.contains(':') && !link.contains(' '));
    let dead = ours.filter(|link| !leads_somewhere(page, link));
    dead.map(|link| format!("{}: {link}", page.display())).collect()
}

/// `FILE`, `FILE#HEADING` or `#HEADING`.
fn leads_somewhere(page: &Path, link: &str) -> bool {
    let (file, heading) = link.split_once('#').map_or((link, None), |(file, heading)| (file, Some(heading)));
    let file = if file.is_empty() { page.into() } else { page.parent().unwrap().join(file) };
    file.exists() && heading.is_none_or(|heading| headings(&file).any(|it| it == heading))
}

/// The headings as they are written in a link: small letters, a hyphen for a space, no other signs. A second one of a name is not told
/// apart from the first.
fn headings(file: &Path) -> impl Iterator<Item = String> {
    let text = fs::read_to_string(file).unwrap();
    let lines: Vec<String> = text.lines().filter(|line| line.starts_with('#')).map(str::to_owned).collect();
    let kept = |sign: char| sign.is_alphanumeric() || matches!(sign, '-' | '_');
    let written = move |line: String| {
        let words = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        words.chars().filter(|sign| kept(*sign)).collect()
    };
    lines.into_iter().map(written)
}
