//! A page in trouble: what was late, two fingers, a name or a number that the server refuses, a canvas that must come back.

use std::time::{SystemTime, UNIX_EPOCH};

use ch4_shared_state::whiteboard::clock::{Replica, Stamp, fence};
use ch4_shared_state::whiteboard::protocol::{FromBrowser, Painted};
use ch4_shared_state::whiteboard::register::Write;
use ch4_shared_state::whiteboard::room::TAKEN;

use crate::support::Server;
use crate::whiteboard::browser::{Browser, Page};
use crate::whiteboard::user::User;
use crate::whiteboard::{serve, serve_anew};

const SIZE: (u32, u32) = (1280, 900);
const CALM: &str = "Object.values(whiteboard.rooms).every(room => room.state === 'connected' && \
    room.waiting.size === 0 && room.late.length === 0)";

fn open(browser: &mut Browser, server: &Server) -> Page {
    browser.open(&format!("http://{}/", server.address), SIZE, "light")
}

/// Twenty pixels in both rooms.
fn paint(browser: &mut Browser, page: &Page, from: u32) {
    let cells = format!("Array.from({{ length: 20 }}, (_, cell) => {from} + cell)");
    let paint = format!("for (const room of Object.values(whiteboard.rooms)) room.paint({cells}, 5)");
    browser.value(page, &paint);
}

/// Eight strokes into both rooms, a few milliseconds apart, each a message of its own.
fn strokes(browser: &mut Browser, page: &Page, from: u32) {
    let strokes = format!(
        "(async () => {{ for (let cell = {from}; cell < {from} + 8; cell++) {{ \
         for (const room of Object.values(whiteboard.rooms)) room.paint([cell], 5); \
         await new Promise(done => setTimeout(done, 17.3)); }} }})()"
    );
    browser.value(page, &strokes);
}

#[test]
fn what_left_late_arrives_and_what_is_drawn_after_it_too() {
    let Some(mut browser) = Browser::start() else { return };
    let browser = &mut browser;
    let server = serve(&[]);
    let page = open(browser, &server);
    let network = |kind| format!("document.querySelector('input[name=network][value={kind}]').click()");
    browser.value(&page, &network("slow"));
    strokes(browser, &page, 0);
    browser.value(&page, &network("live")); // and these wait for those before them
    strokes(browser, &page, 100);
    browser.until(&page, CALM);
    browser.value(&page, &network("slow"));
    strokes(browser, &page, 200);
    browser.until(&page, CALM);
    let (_, welcome) = User::join(server.address, "server", "Zoe", 1);
    let cells: Vec<u16> = welcome.writes.iter().map(|painted| painted.cell().into()).collect();
    assert_eq!(cells, (0..8).chain(100..108).chain(200..208).collect::<Vec<u16>>());
    let times: Vec<u64> = welcome.writes.iter().map(|painted| painted.write().stamp.time).collect();
    assert_eq!(times, (1..=24).collect::<Vec<u64>>(), "in the order in which it was drawn");
}

#[test]
fn two_fingers_draw_two_lines_and_none_between_them() {
    let Some(mut browser) = Browser::start() else { return };
    let server = serve(&[]);
    let page = browser.open(&format!("http://{}/server", server.address), (390, 844), "light");
    browser.value(&page, "document.querySelector('input[name=brush][value=\"1\"]').click()");
    browser.fingers(&page, "server", &[[(10, 10), (10, 12)], [(50, 40), (50, 38)]]);
    browser.until(&page, &format!("{CALM} && whiteboard.rooms.server.clock >= 6"));
    let drawn = "whiteboard.rooms.server.cells.flatMap((write, cell) => write.time ? [cell] : []).join()";
    assert_eq!(browser.value(&page, drawn), "650,714,778,2482,2546,2610");
}

#[test]
fn a_name_that_cannot_be_seen_is_refused_at_its_field_and_locks_nobody_out() {
    let Some(mut browser) = Browser::start() else { return };
    let browser = &mut browser;
    let server = serve(&[]);
    let page = open(browser, &server);
    let call = |name: &str| {
        format!(
            "(() => {{ const field = document.querySelector('#name'); field.value = '{name}'; \
             field.dispatchEvent(new Event('change')); return field.value; }})()"
        )
    };
    let why = "document.querySelector('#name-why').checkVisibility() && document.querySelector('#name-why').textContent";
    assert_eq!(browser.value(&page, &call(" A\\u00adnn\\ud83d ")), "Ann");
    browser.until(&page, &format!("{CALM} && localStorage.getItem('whiteboard-name') === 'Ann'"));
    assert_eq!(browser.value(&page, why), false);
    for unseen in ["\\u200b", "\\u2060\\u00ad", "\\udb40\\udc41", "\\ud83d", "  "] {
        assert_eq!(browser.value(&page, &call(unseen)), "Ann");
        assert_eq!(browser.value(&page, why), "A name needs a letter that can be seen: you are Ann");
        assert_eq!(browser.value(&page, CALM), true, "the connections stay");
    }

    // Refused all the same: the page goes back to the name by which it was welcomed.
    browser.value(
        &page,
        "whiteboard.me.name = '\\u200b'; for (const room of Object.values(whiteboard.rooms)) { room.disconnect(); room.connect(); }",
    );
    browser.until(&page, "whiteboard.me.name === 'Ann'");
    browser.until(&page, CALM);
    assert_eq!(browser.value(&page, why), "A name needs a letter that can be seen: you are Ann");

    // And what was remembered before there was this rule.
    browser.value(
        &page,
        "localStorage.setItem('whiteboard-name', '\\u200b'); whiteboard.me.name = ''; location.reload()",
    );
    browser.until(&page, &format!("window.whiteboard && whiteboard.me.name && {CALM}"));
}

#[test]
fn nobody_can_take_the_place_of_a_page_and_a_page_whose_number_is_taken_draws_on_in_both_rooms() {
    let Some(mut browser) = Browser::start() else { return };
    let browser = &mut browser;
    let server = serve(&[]);
    let page = open(browser, &server);
    let number = browser.value(&page, "whiteboard.me.replica").as_u64().unwrap() as u32;
    for room in ["server", "collaborative"] {
        let mut eve = User::connect(server.address, room);
        eve.introduce("Ann", number);
        assert_eq!(eve.closed(), (1008, TAKEN.to_owned()));
    }
    assert_eq!(browser.value(&page, CALM), true);

    // While the page is away its number is anybody's.
    browser.key(&page, "o");
    for room in ["server", "collaborative"] {
        let is_there =
            || User::join(server.address, room, "Zoe", 9).1.people.iter().any(|(who, _)| who.0 == number);
        while is_there() {}
    }
    let (_eve, _) = User::join(server.address, "server", "Ann", number);
    paint(browser, &page, 0);
    browser.key(&page, "o");
    browser.until(&page, &format!("whiteboard.me.replica !== {number}"));
    browser.until(&page, CALM);
    paint(browser, &page, 100);
    let one = "Object.values(whiteboard.rooms).every(room => room.people.has(whiteboard.me.replica))";
    browser.until(&page, &format!("{CALM} && {one}"));
}

#[test]
fn a_canvas_comes_back_whatever_a_liar_made_of_its_clock() {
    let Some(mut browser) = Browser::start() else { return };
    let browser = &mut browser;
    let server = serve(&[]);
    let page = open(browser, &server);
    let (mut liar, _) = User::join(server.address, "collaborative", "Liar", 1);
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    let lie = |time| {
        let stamp = Stamp { time, by: Replica(1) };
        let write = Write { colour: 1.try_into().unwrap(), stamp, ..Write::default() };
        Painted::new(3071.try_into().unwrap(), write)
    };
    let chain = (1..400).map(|step| lie(step << 20)).chain([lie(fence(now_ms))]).collect();
    liar.send(&FromBrowser::Merge { writes: chain });
    assert_eq!(liar.painted().0.len(), 400);
    drop(liar);
    browser.until(&page, &format!("whiteboard.rooms.collaborative.clock >= {}", fence(now_ms)));
    paint(browser, &page, 0);
    browser.until(&page, CALM);
    let server = serve_anew(server);
    browser.until(&page, &format!("{CALM} && whiteboard.rooms.server.clock === 0"));
    let late = open(browser, &server);
    browser.until(&late, "whiteboard.rooms.collaborative.cells.filter(write => write.time).length === 21");

    // What no server believes: the page says so, and asks less and less often.
    browser.value(
        &page,
        "whiteboard.rooms.collaborative.cells[9] = { cell: 9, colour: 1, time: 2 ** 53 - 1, by: 1, over: { time: 0, by: 0 }, at: 0 }; \
         whiteboard.rooms.collaborative.disconnect(); whiteboard.rooms.collaborative.connect();",
    );
    browser.until(
        &page,
        "whiteboard.rooms.collaborative.patience >= 4000 && \
         document.querySelector('#collaborative .trouble').textContent.includes('not to be believed')",
    );
    let print = "whiteboard.rooms.collaborative.cells[9].colour";
    assert_eq!((browser.value(&late, print), browser.value(&page, print)), (5.into(), 1.into()));
}
