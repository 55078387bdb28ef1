//! The link's command line and its journal.

use common::netem::{journal, ladder, parse, picture};
use common::support::cli::{duration, human};

/// What stands behind the link's options.
pub fn link_arguments(bytes: &[u8]) {
    let text = &String::from_utf8_lossy(bytes);
    if let Ok(probability) = parse::probability(text) {
        assert!((0.0..=1.0).contains(&probability));
    }
    if let Ok((probability, _)) = parse::chance(text) {
        assert!((0.0..=1.0).contains(&probability));
    }
    if let Ok(rate) = parse::rate(text) {
        assert!(rate >= 1, "a link of no bytes per second never ends a datagram");
    }
    if let Ok(size) = parse::size(text) {
        assert!(size <= 1 << 40);
    }
    if let Ok(cut) = parse::cut(text) {
        assert!(!cut.to_string().is_empty());
    }
    if let Ok(time) = duration(text) {
        // What is written has three digits behind the point: written and read again it stays.
        let written = human(time);
        if let Ok(again) = duration(&written) {
            assert_eq!(human(again), written);
        }
    }
}

/// A journal's file, as somebody may have changed it; and what is drawn from it.
pub fn link_journal(bytes: &[u8]) {
    let Ok(events) = journal::read(bytes) else { return };
    let mut file = Vec::new();
    journal::write(&events, &mut file).expect("memory takes everything");
    assert_eq!(journal::read(file.as_slice()).expect("what we wrote"), events);
    let page = picture::html(&events, &picture::About::default());
    assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
    assert!(!page.contains("<script"), "a label has become markup");
    // A line for each event, a head for each of their flows, and how many were left out.
    assert!(ladder::ladder(&events, 5).lines().count() <= 11);
}
