//! Two pages of a headless Chromium: what is drawn in one with the mouse is seen in the other, under both policies, and
//! also after a cut.

use serde_json::json;

use crate::whiteboard::browser::{Browser, Page};
use crate::whiteboard::{serve, serve_anew};

const SIZE: (u32, u32) = (1280, 900);

fn shown(browser: &mut Browser, page: &Page, room: &str, (x, y): (u32, u32)) -> u64 {
    browser.value(page, &format!("whiteboard.rooms.{room}.shown({y} * 64 + {x})")).as_u64().unwrap()
}

fn until_shown(browser: &mut Browser, page: &Page, room: &str, (x, y): (u32, u32), colour: u32) {
    browser.until(page, &format!("whiteboard.rooms.{room}.shown({y} * 64 + {x}) === {colour}"));
}

#[test]
fn two_pages_draw_together_under_both_policies_and_after_a_cut() {
    let Some(mut browser) = Browser::start() else { return };
    let browser = &mut browser;
    let server = serve(&[]);
    let url = format!("http://{}/", server.address);
    let ann = browser.open(&url, SIZE, "light");
    let bob = browser.open(&url, SIZE, "dark");
    for page in [&ann, &bob] {
        browser.until(page, "document.querySelectorAll('#people li').length === 2");
        browser.value(page, "document.querySelector('input[name=brush][value=\"1\"]').click()");
    }

    for room in ["server", "collaborative"] {
        // A stroke here is seen there, all of it: also between the two places where the mouse was.
        browser.key(&ann, "3");
        browser.stroke(&ann, room, (4, 4), (12, 4));
        for x in 4..=12 {
            until_shown(browser, &bob, room, (x, 4), 3);
        }
        assert_eq!(shown(browser, &bob, room, (13, 4)), 0);

        // Cut off, Ann draws on; Bob draws over the same pixels, and more of them.
        browser.key(&ann, "o");
        browser.key(&ann, "5");
        browser.stroke(&ann, room, (20, 20), (29, 20));
        browser.key(&bob, "7");
        browser.stroke(&bob, room, (25, 20), (34, 20));
        browser.until(&bob, &format!("whiteboard.rooms.{room}.waiting.size === 0"));
        assert_eq!(shown(browser, &ann, room, (22, 20)), 5, "drawn on while cut off");
        assert_eq!((shown(browser, &ann, room, (32, 20)), shown(browser, &bob, room, (22, 20))), (0, 0));

        // Back: both hold one canvas, and both know what collided.
        browser.key(&ann, "o");
        for page in [&ann, &bob] {
            until_shown(browser, page, room, (22, 20), 5);
            until_shown(browser, page, room, (32, 20), 7);
            browser.until(page, &format!("whiteboard.rooms.{room}.waiting.size === 0"));
            browser.until(page, &format!("whiteboard.rooms.{room}.collisions === 5"));
        }
        let prints =
            [&ann, &bob].map(|page| browser.value(page, &format!("whiteboard.rooms.{room}.print()")));
        assert_eq!(prints[0], prints[1], "{room}");
    }
    // The server lets the last arrival win: Ann's, although drawn first.
    assert_eq!(shown(browser, &bob, "server", (27, 20)), 5);
    // Among the drawers, the greater (Lamport time, replica), wherever it is looked at.
    let winner = "(() => { const { winner, loser } = whiteboard.rooms.collaborative.marks.get(20 * 64 + 27); \
        return [winner.time > loser.time || winner.time === loser.time && winner.by > loser.by, winner.colour]; })()";
    let here = browser.value(&ann, winner);
    assert_eq!((&here[0], &here), (&json!(true), &browser.value(&bob, winner)));
    assert_eq!(json!(shown(browser, &bob, "collaborative", (27, 20))), here[1]);

    // What is written under the canvas and in the log.
    browser.stroke(&ann, "collaborative", (27, 20), (27, 20));
    let told = browser.value(&bob, "document.querySelector('#collaborative .log').textContent");
    assert!(told.as_str().unwrap().contains("Lamport time"), "{told}");
    browser.until(
        &ann,
        "/Lamport time \\d+/.test(document.querySelector('#collaborative .inspector').textContent)",
    );
    assert_eq!(browser.value(&ann, "document.documentElement.scrollWidth <= innerWidth"), true);

    // A server that knows nothing: its own canvas is gone, and the drawers have theirs.
    let _server = serve_anew(server);
    for page in [&ann, &bob] {
        let back = "whiteboard.rooms.collaborative.cells.filter(write => write.time).length === 24 && \
            whiteboard.rooms.server.clock === 0 && \
            Object.values(whiteboard.rooms).every(room => room.state === 'connected' && room.waiting.size === 0)";
        browser.until(page, back);
        assert_eq!(shown(browser, page, "server", (27, 20)), 0);
        assert_eq!(json!(shown(browser, page, "collaborative", (27, 20))), json!(5));
    }
    let late = browser.open(&url, SIZE, "light");
    let print = "whiteboard.rooms.collaborative.print()";
    assert_eq!(browser.value(&ann, print), browser.value(&late, print));
}

/// The page fits a phone, and a finger draws as a mouse does.
#[test]
fn a_phone_shows_one_canvas_and_nothing_is_cut_off() {
    let Some(mut browser) = Browser::start() else { return };
    let server = serve(&[]);
    let page = browser.open(&format!("http://{}/collaborative", server.address), (390, 844), "dark");
    assert_eq!(browser.value(&page, "document.documentElement.scrollWidth <= innerWidth"), true);
    let visible = "[...document.querySelectorAll('.room')].filter(room => room.offsetParent).map(room => room.id).join()";
    assert_eq!(browser.value(&page, visible), "collaborative");
    browser.stroke(&page, "collaborative", (10, 10), (20, 15));
    browser.until(
        &page,
        "whiteboard.rooms.collaborative.clock >= 11 && whiteboard.rooms.collaborative.waiting.size === 0",
    );
    assert!(browser.picture(&page).len() > 10_000);
}
