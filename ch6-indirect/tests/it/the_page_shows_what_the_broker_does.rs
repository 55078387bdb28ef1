//! The page in a headless Chromium: what it shows, for every reader and every screen, and what is done by hand.

use serde_json::{Value, json};

use crate::client::Client;
use crate::watching::Watched;
use crate::watching::browser::{Browser, Page};

const HOSTILE: &str = "<img src=x onerror=\"window.broken = true\">";
const WIDE: (u32, u32) = (1280, 900);
const PHONE: (u32, u32) = (360, 740);

/// A topic exchange, two queues, one with a consumer that takes two messages and acknowledges nothing.
fn broker() -> (Watched, Client) {
    let broker = Watched::start(&[]);
    broker.done("PUT", "/exchanges/%2F/orders", &json!({"type": "topic"}));
    broker.done("PUT", "/queues/%2F/tasks", &json!({"arguments": {"x-max-length": 10}}));
    let hostile = format!(
        "/queues/%2F/{}",
        HOSTILE.replace('<', "%3C").replace('>', "%3E").replace('"', "%22").replace(' ', "%20")
    );
    broker.done("PUT", &hostile, &json!({"durable": false}));
    broker.done("POST", "/bindings/%2F/e/orders/q/tasks", &json!({"routing_key": "order.*"}));
    let mut client = Client::with_channel(broker.broker.address);
    client.qos(2);
    client.consume("tasks", false);
    (broker, client)
}

fn texts(browser: &mut Browser, page: &Page, selector: &str) -> String {
    let all = format!("[...document.querySelectorAll('{selector}')].map(one => one.textContent).join(' | ')");
    browser.value(page, &all).as_str().unwrap().to_owned()
}

fn set(browser: &mut Browser, page: &Page, id: &str, value: &str) {
    browser.value(page, &format!("document.getElementById('{id}').value = {}", json!(value)));
}

fn press(browser: &mut Browser, page: &Page, form: &str) {
    browser.value(page, &format!("document.querySelector('#{form} button.main').click()"));
}

#[test]
fn messages_are_seen_and_published_and_got_by_hand() {
    let Some(mut browser) = Browser::start() else { return };
    let (broker, _client) = broker();
    let page = browser.open(&broker.url(), WIDE, &[]);
    assert_eq!(browser.value(&page, "document.querySelector('#status').textContent"), "live");
    let nodes = texts(&mut browser, &page, ".node .name");
    assert!(nodes.contains("orders") && nodes.contains("tasks") && nodes.contains("1 consumer"), "{nodes}");
    assert!(texts(&mut browser, &page, ".tag").contains("order.*"));

    set(&mut browser, &page, "publish-exchange", "orders");
    set(&mut browser, &page, "publish-key", "order.new");
    for number in 1..=5 {
        set(&mut browser, &page, "publish-body", &format!("message {number}"));
        press(&mut browser, &page, "publish");
        browser.until(
            &page,
            &format!("broker.now.queues.find(one => one.name === 'tasks').enqueued === {number}"),
        );
    }
    assert_eq!(texts(&mut browser, &page, "#publish-told"), "Published: a queue has it.");
    browser.until(&page, "[...document.querySelectorAll('.node.queue .sub')].some(one => one.textContent === '3 ready, 2 unacked')");
    set(&mut browser, &page, "publish-key", "none");
    press(&mut browser, &page, "publish");
    browser.until(&page, "document.querySelector('#publish-told').textContent.includes('no queue has it')");
    set(&mut browser, &page, "publish-properties", "{oh");
    press(&mut browser, &page, "publish");
    browser.until(&page, "document.querySelector('#publish-told').textContent.includes('not JSON')");

    set(&mut browser, &page, "get-queue", "tasks");
    set(&mut browser, &page, "get-count", "2");
    press(&mut browser, &page, "get");
    browser.until(&page, "document.querySelectorAll('#got li').length === 2");
    assert!(texts(&mut browser, &page, "#got pre").contains("message 3"));
}

#[test]
fn messages_move_while_they_flow_and_rest_where_motion_is_not_wanted() {
    let Some(mut browser) = Browser::start() else { return };
    let (broker, mut client) = broker();
    let moving = browser.open(&broker.url(), WIDE, &[]);
    let resting = browser.open(&broker.url(), WIDE, &[("prefers-reduced-motion", "reduce")]);
    let dots = "document.querySelectorAll('.dot').length";
    // Until the other page has seen traffic for some seconds: time enough for dots, were there any.
    let (mut has_moved, mut polls, began) = (false, None, std::time::Instant::now());
    loop {
        client.publish("orders", "order.new", b"x");
        has_moved |= browser.value(&moving, dots) != 0;
        assert_eq!(browser.value(&resting, dots), 0);
        let seen = browser.value(&resting, "[document.querySelectorAll('.edge.flow').length, broker.polls]");
        if polls.is_none() && seen[0] != 0 {
            polls = seen[1].as_u64();
        }
        if has_moved && polls.is_some_and(|polls| seen[1].as_u64() >= Some(polls + 3)) {
            return;
        }
        assert!(began.elapsed() < crate::watching::PATIENCE, "has moved: {has_moved}, {seen}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn names_of_strangers_are_text_and_harm_nobody() {
    let Some(mut browser) = Browser::start() else { return };
    let (broker, _client) = broker();
    let page = browser.open(&broker.url(), WIDE, &[]);
    assert_eq!(
        browser.value(&page, "document.querySelectorAll('main img').length + Number(!!window.broken)"),
        0
    );
    assert!(texts(&mut browser, &page, "td").contains(HOSTILE));
    let choose = "[...document.querySelectorAll('.node.queue')].find(one => one.getAttribute('aria-label').includes('<img')).dispatchEvent(new MouseEvent('click'))";
    browser.value(&page, choose);
    browser.until(&page, "document.querySelector('#chosen-title').textContent.includes('<img')");
    assert_eq!(
        browser.value(&page, "document.querySelectorAll('main img').length + Number(!!window.broken)"),
        0
    );
}

/// Texts with less contrast than 4.5 to what they stand on; the backgrounds are painted over each other, as the browser does.
const PALE: &str = "(() => {
    const ink = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
    const light = () => { const [r, g, b] = [...ink.getImageData(0, 0, 1, 1).data].map(part => part / 255)
        .map(part => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
    const fill = colour => { ink.fillStyle = colour; ink.fillRect(0, 0, 1, 1); return light(); };
    const found = [];
    for (const element of document.querySelectorAll('body *')) {
        const has_text = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
        if (!has_text || !element.checkVisibility() || element.closest('.unseen, script, :disabled, option, title')) continue;
        fill('#fff');
        const above = [];
        for (let one = element; one; one = one.parentElement) above.unshift(getComputedStyle(one).backgroundColor);
        let back = above.map(fill).at(-1);
        const style = getComputedStyle(element), box = element.closest('.node')?.querySelector('.box');
        if (box) back = fill(getComputedStyle(box).fill);
        const front = fill(element.closest('svg') ? style.fill : style.color);
        const contrast = (Math.max(back, front) + .05) / (Math.min(back, front) + .05);
        if (contrast < 4.5) found.push(`${element.tagName} ${element.className.baseVal ?? element.className} ${element.textContent.trim()}: ${contrast.toFixed(2)}`);
    }
    return found.join(' + ');
})()";

/// What a pointer must hit, and is less than 24 pixels high or wide.
const SMALL: &str = "[...document.querySelectorAll('input, button, select, textarea, summary')].filter(one => one.checkVisibility()).filter(one => { \
    const box = one.getBoundingClientRect(); return box.width < 24 || box.height < 24; }).map(one => one.outerHTML).join(' + ')";

/// What has no name, and what scrolls and cannot be reached with the keyboard.
const NAMELESS: &str = "[...document.querySelectorAll('input, button, select, textarea, [role], dialog, meter')].filter(one => one.checkVisibility()) \
    .filter(one => !(one.ariaLabel || one.getAttribute('aria-labelledby') || one.textContent.trim() && one.tagName !== 'SELECT' || one.labels?.[0]?.textContent.trim() || ['alert', 'status', 'presentation'].includes(one.role))) \
    .concat([...document.querySelectorAll('*')].filter(one => /auto|scroll/.test(getComputedStyle(one).overflowY) && one.tabIndex < 0 && one.checkVisibility() && one.tagName !== 'DIALOG')) \
    .map(one => one.outerHTML.slice(0, 200)).join(' + ')";

#[test]
fn every_text_can_be_read_and_every_control_has_a_name_on_every_screen() {
    let Some(mut browser) = Browser::start() else { return };
    let (broker, _client) = broker();
    broker.done(
        "POST",
        "/exchanges/%2F/orders/publish",
        &json!({"payload": "x", "routing_key": "order.new"}),
    );
    for (size, scheme) in [(WIDE, "light"), (WIDE, "dark"), (PHONE, "light"), (PHONE, "dark")] {
        let page = browser.open(&broker.url(), size, &[("prefers-color-scheme", scheme)]);
        let choose = "document.querySelector('.node.queue').dispatchEvent(new MouseEvent('click'))";
        for chosen in [false, true] {
            if chosen {
                browser.value(&page, choose);
            }
            for (what, wrong) in [("pale", PALE), ("small", SMALL), ("nameless", NAMELESS)] {
                assert_eq!(browser.value(&page, wrong), "", "{what}, {size:?} {scheme}");
            }
        }
        let wide = "document.documentElement.scrollWidth > innerWidth";
        assert_eq!(browser.value(&page, wide), false, "{size:?}");
    }
}

#[test]
fn the_keyboard_goes_from_node_to_node() {
    let Some(mut browser) = Browser::start() else { return };
    let (broker, _client) = broker();
    let page = browser.open(&broker.url(), WIDE, &[]);
    let label = "document.activeElement.getAttribute('aria-label') ?? ''";
    assert_eq!(browser.value(&page, "document.querySelectorAll('.node[tabindex=\"0\"]').length"), 1);
    browser.value(&page, "document.querySelector('.node.exchange').focus()");
    assert_eq!(browser.value(&page, label), "exchange orders, topic");
    browser.key(&page, "ArrowRight", 39);
    assert!(
        browser.value(&page, label).as_str().unwrap().starts_with("queue tasks"),
        "{}",
        browser.value(&page, label)
    );
    browser.key(&page, "Enter", 13);
    browser.until(&page, "document.querySelector('#chosen-title').textContent === 'Queue tasks'");
    assert_eq!(browser.value(&page, "document.activeElement.getAttribute('aria-pressed')"), "true");
}

#[test]
fn it_works_with_no_queue_and_with_five_hundred() {
    let Some(mut browser) = Browser::start() else { return };
    let broker = Watched::start(&[]);
    let page = browser.open(&broker.url(), PHONE, &[]);
    assert!(texts(&mut browser, &page, "#graph p").contains("no queues yet"));
    let queues: Vec<Value> =
        (0..500).map(|number| json!({"name": format!("queue-{number:03}"), "durable": true})).collect();
    broker.done("POST", "/definitions/%2F", &json!({"queues": queues}));
    browser.until(&page, "document.querySelectorAll('tbody tr').length === 500");
    assert_eq!(browser.value(&page, "document.querySelectorAll('.node.queue').length"), 24);
    assert!(texts(&mut browser, &page, "#shown").contains("busiest of 500 queues"));
    set(&mut browser, &page, "find", "-49");
    browser.value(&page, "document.querySelector('#find').dispatchEvent(new Event('input'))");
    browser.until(&page, "document.querySelectorAll('tbody tr').length === 10 && document.querySelectorAll('.node.queue').length === 10");
    // A look at all of them leaves time for other things.
    let time = "(() => { const began = performance.now(); for (let i = 0; i < 5; i++) show(); return performance.now() - began; })()";
    set(&mut browser, &page, "find", "");
    browser.value(&page, "document.querySelector('#find').dispatchEvent(new Event('input'))");
    let took = browser.value(&page, time).as_f64().unwrap();
    assert!(took < 5_000.0, "{took} ms");
}

#[test]
fn a_broker_that_comes_back_is_shown_again() {
    let Some(mut browser) = Browser::start() else { return };
    let (broker, _client) = broker();
    let (url, port) = (broker.url(), broker.http.to_string());
    let page = browser.open(&url, WIDE, &[]);
    assert!(broker.broker.stop().success());
    browser.until(&page, "document.querySelector('#status').textContent === 'the broker is away'");
    let _again = Watched::start(&["--http", &port]);
    browser.until(
        &page,
        "document.querySelector('#status').textContent === 'live' && broker.now.queues.length === 0",
    );
}
