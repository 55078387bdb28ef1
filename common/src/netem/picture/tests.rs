//! The picture says what the recording says: counted in the page's own markup.

use super::super::{Cut, Direction, Outcome, Profile, Span, Wire};
use super::*;

/// A run over a link with every fault of datagrams.
fn run(count: u64) -> Vec<LinkEvent> {
    let span = Span::Index { from: 20, to: Some(25) };
    let profile = Profile {
        loss: 0.2,
        duplicate: 0.1,
        corrupt: 0.1,
        reorder: 0.1,
        delay: Duration::from_millis(20),
        rate: Some(6000),
        queue: 60,
        cuts: vec![Cut { blocked: super::super::Blocked::Up, span }],
        ..Profile::default()
    };
    let mut events = Vec::new();
    for direction in Direction::BOTH {
        let mut wire = Wire::new(profile.clone(), 1, 0, direction).recorded();
        for number in 0..count {
            wire.send(Duration::from_millis(number), format!("{number} <b>&").into_bytes());
        }
        events.append(&mut wire.take_events());
    }
    events
}

#[test]
fn every_datagram_has_its_arrows_and_every_lost_one_its_cross() {
    let events = run(100);
    let page = html(&events, &About::default());
    let (_, drawn) = page.split_once("<main>").unwrap();
    let count = |outcome| events.iter().filter(|event| event.outcome == outcome).count();
    assert!(count(Outcome::Lost) > 10 && count(Outcome::Cut) == 5 && count(Outcome::QueueFull) > 0);
    assert_eq!(drawn.matches("class=\"cross\"").count(), count(Outcome::Lost));
    assert_eq!(drawn.matches("class=\"block\"").count(), count(Outcome::Cut));
    assert_eq!(drawn.matches("class=\"full\"").count(), count(Outcome::QueueFull));
    let arrivals = || events.iter().flat_map(|event| &event.arrivals);
    assert_eq!(drawn.matches("class=\"tip ").count(), arrivals().count());
    assert_eq!(
        drawn.matches("class=\"flaw\"").count(),
        arrivals().filter(|arrival| arrival.corrupted).count()
    );
    assert_eq!(
        drawn.matches(" copy").count(),
        events.iter().filter(|event| event.arrivals.len() == 2).count()
    );
    assert_eq!(drawn.matches(" held\"").count(), arrivals().filter(|arrival| arrival.reordered).count());
    assert_eq!(drawn.matches("<title>#").count(), 200);
    assert!(page.contains(&format!("200 sent, {} lost", count(Outcome::Lost))));
}

#[test]
fn bytes_of_datagrams_cannot_become_markup() {
    let page = html(&run(3), &About { command: "cargo ch2 link <script>".into(), ..About::default() });
    assert!(!page.contains("<b>") && !page.contains("<script>"));
    assert!(page.contains("#1 1 &lt;b&gt;&amp;"));
}

#[test]
fn a_long_run_is_bounded_and_says_what_it_leaves_out() {
    let page = html(&run(5000), &About { left_out: 7, ..About::default() });
    assert!(page.contains("The first 500 are drawn, 9500 are not."));
    assert!(page.contains("Not kept: 7 later events."));
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
}

#[test]
fn flows_have_a_section_each() {
    let events: Vec<LinkEvent> = (0..25)
        .map(|flow| LinkEvent::new(Duration::ZERO, flow, Direction::Up, 0, b"x", Outcome::Lost))
        .collect();
    let page = html(&events, &About::default());
    assert_eq!(page.matches("<section>").count(), FLOWS);
    assert!(page.contains("Not drawn: 5 more flows."));
}
