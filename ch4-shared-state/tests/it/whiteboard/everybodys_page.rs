//! The page for every reader and every screen: what the rules of WCAG 2.2 ask for that can be measured, and Clear, which asks.

use serde_json::json;

use crate::whiteboard::browser::{Browser, Page};
use crate::whiteboard::serve;

/// Texts with less contrast than 4.5 to what they stand on; the backgrounds are painted over each other, as the browser does.
const PALE: &str = "(() => {
    const ink = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
    const light = () => { const [r, g, b] = [...ink.getImageData(0, 0, 1, 1).data].map(part => part / 255)
        .map(part => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
    const fill = colour => { ink.fillStyle = colour; ink.fillRect(0, 0, 1, 1); return light(); };
    const found = [];
    for (const element of document.querySelectorAll('body *')) {
        const has_text = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
        if (!has_text || !element.checkVisibility() || element.closest('.unseen, script, :disabled')) continue;
        fill('#fff');
        const above = [];
        for (let one = element; one; one = one.parentElement) above.unshift(getComputedStyle(one).backgroundColor);
        const back = above.map(fill).at(-1), front = fill(getComputedStyle(element).color);
        const contrast = (Math.max(back, front) + .05) / (Math.min(back, front) + .05);
        if (contrast < 4.5) found.push(`${element.tagName} ${element.className} ${element.textContent.trim()}: ${contrast.toFixed(2)}`);
    }
    return found.join(' + ');
})()";

/// What a pointer must hit, and is less than 24 pixels high or wide.
const SMALL: &str = "[...document.querySelectorAll('input, button')].filter(one => one.checkVisibility()).filter(one => { \
    const box = one.getBoundingClientRect(); return box.width < 24 || box.height < 24; }).map(one => one.outerHTML).join(' + ')";

/// What has no name, what scrolls and cannot be reached with the keyboard, and entries of what is no list.
const NAMELESS: &str = "[...document.querySelectorAll('input, button, .stage, [role], fieldset, dialog')].filter(one => one.checkVisibility()) \
    .filter(one => !(one.ariaLabel || one.title || one.textContent.trim() || one.labels?.[0]?.textContent.trim() || one.querySelector('legend') \
        || one.role === 'alert' || one.role === 'status')) \
    .concat([...document.querySelectorAll('*')].filter(one => /auto|scroll/.test(getComputedStyle(one).overflowY) && one.tabIndex < 0 && one.checkVisibility() && one.tagName !== 'DIALOG')) \
    .concat([...document.querySelectorAll('li')].filter(one => one.parentElement.role)).map(one => one.outerHTML.slice(0, 200)).join(' + ')";

fn open(browser: &mut Browser, address: std::net::SocketAddr, size: (u32, u32), scheme: &str) -> Page {
    browser.open(&format!("http://{address}/"), size, scheme)
}

#[test]
fn every_text_can_be_read_every_control_has_a_name_and_can_be_hit() {
    let Some(mut browser) = Browser::start() else { return };
    let server = serve(&[]);
    for (size, scheme) in
        [((1280, 900), "light"), ((1280, 900), "dark"), ((390, 844), "light"), ((740, 360), "dark")]
    {
        let page = open(&mut browser, server.address, size, scheme);
        for network in ["slow", "cut", "live"] {
            browser.value(
                &page,
                &format!("document.querySelector('input[name=network][value={network}]').click()"),
            );
            browser.value(&page, "for (const room of Object.values(whiteboard.rooms)) { room.trouble = 'too slow'; room.log('x won', 'collision'); }");
            assert_eq!(browser.value(&page, PALE), "", "{size:?} {scheme} {network}");
        }
        assert_eq!(browser.value(&page, SMALL), "", "{size:?}");
        assert_eq!(browser.value(&page, NAMELESS), "", "{size:?}");
        browser.value(&page, "document.querySelector('#clear').click()");
        assert_eq!(browser.value(&page, PALE), "", "{scheme}, asked");
    }
}

#[test]
fn a_phone_on_its_side_shows_the_whole_canvas_and_nothing_lies_on_it() {
    let Some(mut browser) = Browser::start() else { return };
    let server = serve(&[]);
    let page = open(&mut browser, server.address, (740, 360), "light");
    let free = "(() => { const box = document.querySelector('#server .stage').getBoundingClientRect(); \
        const corners = [[2, 2], [box.width - 2, 2], [2, box.height - 2], [box.width - 2, box.height - 2]]; \
        return [box.height > 290, box.bottom <= innerHeight, document.documentElement.scrollWidth <= innerWidth, \
        corners.every(([x, y]) => document.elementFromPoint(box.left + x, box.top + y)?.closest('.stage'))].join(); })()";
    assert_eq!(browser.value(&page, free), "true,true,true,true");
    browser.stroke(&page, "server", (1, 46), (60, 46));
    browser.until(&page, "whiteboard.rooms.server.clock >= 60 && whiteboard.rooms.server.waiting.size === 0");
}

#[test]
fn in_forced_colours_swatches_have_their_colours_and_states_are_seen() {
    let Some(mut browser) = Browser::start() else { return };
    let server = serve(&[]);
    let page = open(&mut browser, server.address, (1280, 900), "dark");
    browser.emulate(&page, &json!([{"name": "forced-colors", "value": "active"}]));
    let looks = "(() => { const look = (one, part) => getComputedStyle(document.querySelector(one))[part]; \
        const colours = new Set([...document.querySelectorAll('.palette span')].map(one => getComputedStyle(one).backgroundColor)); \
        return [colours.size, look('.palette :checked + span', 'outlineStyle'), look('.palette :not(:checked) + span', 'outlineStyle'), \
        look('.brush label:has(:checked)', 'outlineStyle'), \
        look('#network label:has(:checked)', 'backgroundColor') !== look('#network label:not(:has(:checked))', 'backgroundColor')].join(); })()";
    assert_eq!(browser.value(&page, looks), "16,solid,none,solid,true");
    browser.value(&page, "document.querySelector('input[name=network][value=cut]').click()");
    assert_eq!(browser.value(&page, looks), "16,solid,none,solid,true");
}

#[test]
fn two_windows_of_one_browser_have_two_names() {
    let Some(mut browser) = Browser::start() else { return };
    let server = serve(&[]);
    let first = open(&mut browser, server.address, (1280, 900), "light");
    browser.value(&first, "localStorage.setItem('whiteboard-name', 'Ann'); location.reload()");
    browser.until(&first, "window.whiteboard && whiteboard.me.accepted === 'Ann'");
    let second = open(&mut browser, server.address, (1280, 900), "light");
    browser.until(
        &second,
        "whiteboard.me.accepted === 'Ann 2' && document.querySelector('#name').value === 'Ann 2'",
    );
    for page in [&first, &second] {
        let listed = "[...document.querySelectorAll('#people li')].map(one => one.title.replace(' (you)', '')).sort().join() === 'Ann,Ann 2'";
        browser.until(page, listed);
    }
    // Who asks for it is told.
    let ask = "(() => { const field = document.querySelector('#name'); field.value = 'Ann'; field.dispatchEvent(new Event('change')); })()";
    browser.value(&second, ask);
    browser.until(&second, "document.querySelector('#name-why').textContent === \"Ann is somebody else's name here: you are Ann 2\"");
}

/// What each room shows in pixels 1 and 2 of its first row.
fn shown(browser: &mut Browser, page: &Page) -> String {
    let shown = "Object.values(whiteboard.rooms).map(room => `${room.shown(1)}${room.shown(2)}`).join(' ')";
    browser.value(page, shown).as_str().unwrap().to_owned()
}

const TOLD: &str =
    "Object.values(whiteboard.rooms).every(room => room.state === 'connected' && !room.waiting.size)";

#[test]
fn clear_asks_and_clears_what_is_looked_at_and_can_be_undone_as_every_stroke_of_ones_own() {
    let Some(mut browser) = Browser::start() else { return };
    let browser = &mut browser;
    let server = serve(&[]);
    let ann = open(browser, server.address, (1280, 900), "light");
    let bob = open(browser, server.address, (1280, 900), "light");
    let click = |one: &str| format!("document.querySelector('{one}').click()");
    browser.value(&ann, &click("input[name=brush][value=\"1\"]"));
    assert_eq!(browser.value(&ann, "document.querySelector('#undo').disabled"), true);
    browser.value(&ann, &click("#both"));
    for (key, from) in [("3", 1), ("4", 2)] {
        browser.key(&ann, key);
        browser.stroke(&ann, "server", (from, 0), (4, 0));
    }
    assert_eq!(shown(browser, &ann), "34 34");

    // It asks, and the answer may be no.
    browser.value(&ann, &click("#clear"));
    assert_eq!(browser.value(&ann, "document.querySelector('#sure').open"), true);
    browser.value(&ann, &click("#sure-no"));
    assert_eq!(shown(browser, &ann), "34 34");
    // One canvas is looked at: the other stays.
    browser.value(&ann, &click("input[name=view][value=collaborative]"));
    browser.value(&ann, &click("#clear"));
    let title = browser.value(&ann, "document.querySelector('#sure-title').textContent");
    assert_eq!(title, "Clear \u{201c}The drawers decide\u{201d}?");
    browser.value(&ann, &click("#sure-yes"));
    assert_eq!(shown(browser, &ann), "34 00");
    browser.control_z(&ann);
    assert_eq!(shown(browser, &ann), "34 34");

    // Stroke by stroke; what somebody has painted over is theirs.
    browser.until(&ann, TOLD);
    browser.until(
        &bob,
        "Object.values(whiteboard.rooms).every(room => room.shown(1) === 3 && room.shown(2) === 4)",
    );
    browser.value(&bob, "for (const room of Object.values(whiteboard.rooms)) room.paint([2], 7)");
    browser.until(&ann, "Object.values(whiteboard.rooms).every(room => room.shown(2) === 7)");
    browser.control_z(&ann);
    let third = "Object.values(whiteboard.rooms).map(room => room.shown(3)).join()";
    assert_eq!((shown(browser, &ann), browser.value(&ann, third)), ("37 37".to_owned(), json!("3,3")));
    browser.value(&ann, &click("#undo"));
    assert_eq!((shown(browser, &ann), browser.value(&ann, third)), ("07 07".to_owned(), json!("0,0")));
    assert_eq!(browser.value(&ann, "document.querySelector('#undo').disabled"), true);
    browser.control_z(&ann);
    browser.until(&ann, TOLD);
    browser.until(
        &bob,
        "Object.values(whiteboard.rooms).every(room => room.shown(1) === 0 && room.shown(3) === 0)",
    );
    assert_eq!(shown(browser, &bob), "07 07");
}
