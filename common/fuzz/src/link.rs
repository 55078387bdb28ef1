//! The link's command line and its recording.

use common::netem::{ladder, parse, picture, recording};
use common::support::cli::{duration, human};
use common::support::size;

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
    if let Ok(size) = size::in_memory(text) {
        assert!(size <= 1_000_000_000_000);
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

/// Reads the file of a recording that may have been changed, and draws it.
pub fn link_recording(bytes: &[u8]) {
    let Ok(events) = recording::read(bytes) else { return };
    let mut file = Vec::new();
    recording::write(&events, &mut file).expect("memory takes everything");
    assert_eq!(recording::read(file.as_slice()).expect("what we wrote"), events);
    let page = picture::html(&events, &picture::About::default());
    assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
    assert!(!page.contains("<script"), "a label has become markup");
    // A line for each event, a head for each of their flows, and how many were left out.
    assert!(ladder::ladder(&events, 5).lines().count() <= 11);
}
