//! A collision is shown in every window: also one that an offline page loses, and also after a restart of the server.

use crate::whiteboard::browser::{Browser, Page};
use crate::whiteboard::{serve, serve_anew};

const SIZE: (u32, u32) = (1280, 900);

/// Paints with the page's own function: one write for each pixel that has not this colour yet.
fn paint(browser: &mut Browser, page: &Page, room: &str, from: u32, count: u32, colour: u32) {
    let cells = format!("[...Array({count}).keys()].map(cell => cell + {from})");
    browser.value(page, &format!("whiteboard.rooms.{room}.paint({cells}, {colour})"));
}

fn until_told(browser: &mut Browser, page: &Page, room: &str) {
    let told = format!("(room => room.state === 'connected' && !room.waiting.size)(whiteboard.rooms.{room})");
    browser.until(page, &told);
}

/// Five pixels are marked, and these are all the collisions that the window knows of.
fn until_marked(browser: &mut Browser, page: &Page, room: &str, loser_colour: u32) {
    let marked = format!(
        "(room => room.collisions === 5 && room.marks.size === 5 && \
         [...room.marks.values()].every(mark => mark.loser.colour === {loser_colour}))(whiteboard.rooms.{room})"
    );
    browser.until(page, &marked);
}

#[test]
fn what_an_offline_page_loses_every_window_shows_also_a_later_one_and_after_a_restart() {
    let Some(mut browser) = Browser::start() else { return };
    let browser = &mut browser;
    let server = serve(&[]);
    let url = format!("http://{}/", server.address);
    let [ann, bob] = [(); 2].map(|()| browser.open(&url, SIZE, "light"));
    browser.key(&ann, "o");
    paint(browser, &ann, "collaborative", 100, 5, 3);
    paint(browser, &bob, "collaborative", 0, 40, 4); // his clock is ahead
    for colour in [5, 6] {
        paint(browser, &bob, "collaborative", 100, 5, colour); // twice: the first of them collided with hers as well
        until_told(browser, &bob, "collaborative");
    }
    browser.key(&ann, "o");
    for page in [&ann, &bob] {
        until_marked(browser, page, "collaborative", 3);
    }
    let late = browser.open(&url, SIZE, "light");
    until_marked(browser, &late, "collaborative", 3);

    // A server that knows nothing is told of them, too.
    let _server = serve_anew(server);
    for page in [&ann, &bob, &late] {
        until_told(browser, page, "collaborative");
    }
    let latest = browser.open(&url, SIZE, "light");
    for page in [&ann, &bob, &late, &latest] {
        until_marked(browser, page, "collaborative", 3);
    }
}

#[test]
fn a_page_that_was_away_during_a_restart_knows_that_the_new_numbers_are_others() {
    let Some(mut browser) = Browser::start() else { return };
    let browser = &mut browser;
    let server = serve(&[]);
    let url = format!("http://{}/", server.address);
    let [ann, bob] = [(); 2].map(|()| browser.open(&url, SIZE, "light"));
    paint(browser, &ann, "server", 0, 40, 4);
    until_told(browser, &ann, "server");
    browser.key(&ann, "o");
    paint(browser, &ann, "server", 100, 5, 3); // she has seen number 40
    let _server = serve_anew(server);
    browser
        .until(&bob, "whiteboard.rooms.server.state === 'connected' && whiteboard.rooms.server.clock === 0");
    paint(browser, &bob, "server", 100, 5, 5); // and these are 1 to 5
    until_told(browser, &bob, "server");
    browser.key(&ann, "o");
    for page in [&ann, &bob] {
        until_marked(browser, page, "server", 5);
    }
    let late = browser.open(&url, SIZE, "light");
    until_marked(browser, &late, "server", 5);
    // A cut of the line takes no mark away.
    browser.value(
        &bob,
        "for (const room of Object.values(whiteboard.rooms)) { room.disconnect(); room.connect(); }",
    );
    until_told(browser, &bob, "server");
    until_marked(browser, &bob, "server", 5);
}
