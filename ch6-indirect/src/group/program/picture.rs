//! Runs as space-time diagrams: a lane for each member, a line from each sending to each delivery, a bar for each view. No script, no
//! network.

use std::collections::BTreeMap;

use common::report::svg::{Picture, step};

use super::present::{message, name};
use super::scenario::Scenario;
use crate::group::simulation::{MessageName, Trace, What};
use crate::group::stack::Order;
use crate::group::{MemberId, Time, View, check};

const LEFT: f64 = 70.0;
const LANE: f64 = 70.0;
/// So much time, in milliseconds, is a pixel; a long run is wide, and the page scrolls.
const SCALE: f64 = 1.6;
/// Colours of the members' messages: told apart by those who do not see red and green, too.
const COLOURS: usize = 9;

const HEAD: &str = r#"<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Group communication</title><style>
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 2rem 1rem; max-width: 70rem; } figure { margin: 0 0 2rem; overflow-x: auto; }
text { font-size: 11px; fill: currentColor; } h2 { margin-bottom: 0; }
.lane { stroke: currentColor; opacity: .4; } .axis { stroke: currentColor; opacity: .15; }
.view { fill: #7a8ba8; opacity: .35; } .other { fill: #d9a441; opacity: .45; } .cut { fill: #d43d3d; opacity: .12; }
.dead { fill: #d43d3d; } .mid { text-anchor: middle; } .end { text-anchor: end; } .tag { font-size: 9px; }
line, circle { stroke-width: 1.2; }
.c0 { stroke: #0072b2; } .c1 { stroke: #e69f00; } .c2 { stroke: #009e73; } .c3 { stroke: #cc79a7; } .c4 { stroke: #56b4e9; }
.c5 { stroke: #d55e00; } .c6 { stroke: #8c7a00; } .c7 { stroke: #6a51a3; } .c8 { stroke: #7f7f7f; }
@media print { figure { overflow: visible; } }
</style></head><body><h1>Who delivers what, and when</h1>
<p>A line leads from the sending of a message to its delivery at each member; its colour is the sender's. A bar is a view: grey on the primary
side, yellow on another. Red behind: the network is cut. Small red square: a member dies or is excluded.</p>
"#;

/// The page.
pub fn page(traces: &[(Order, Trace)], scenario: &Scenario) -> String {
    let mut page = HEAD.to_string();
    for (order, trace) in traces {
        let kept = check::all(trace, *order).map_or_else(|violation| violation, |()| "kept".into());
        let kept = common::report::svg::escape(&kept);
        page.push_str(&format!(
            "<h2>{}</h2><p>What it promises: {kept}.</p><figure>{}</figure>\n",
            name(*order),
            picture(*order, trace, scenario)
        ));
    }
    page + "</body></html>\n"
}

/// The machine of a member: one that was excluded comes back on the same lane.
fn node(member: MemberId) -> MemberId {
    MemberId(member.0 % 100)
}

/// The picture begins shortly before the first message: how the group came together is in the views' numbers.
fn start(trace: &Trace) -> Time {
    let first = trace.events.iter().find(|event| matches!(event.what, What::Cast(_)));
    first.map_or(Time::ZERO, |event| event.at.saturating_sub(Time::from_millis(100)))
}

fn picture(order: Order, trace: &Trace, scenario: &Scenario) -> String {
    let members: Vec<MemberId> = {
        let mut members: Vec<MemberId> = trace.events.iter().map(|event| event.member).collect();
        members.iter_mut().for_each(|member| *member = node(*member));
        members.sort_unstable();
        members.dedup();
        members
    };
    let start = start(trace);
    let millis = |time: Time| time.as_secs_f64() * 1e3;
    let x = |time: Time| LEFT + millis(time.saturating_sub(start)) / SCALE;
    let lane = |member: MemberId| members.iter().position(|&one| one == node(member)).unwrap_or(0);
    let y = |member: MemberId| LANE * lane(member) as f64 + 30.0;
    let last = trace.events.iter().map(|event| event.at).max().unwrap_or_default();
    let bottom = LANE * members.len() as f64;
    let mut picture = Picture::default();
    let tick = step(millis(last), (x(last) / 120.0).max(1.0));
    for time in (0..).map(|count| f64::from(count) * tick).take_while(|time| *time <= millis(last)) {
        let at = LEFT + (time - millis(start)) / SCALE;
        if at >= LEFT {
            picture.line_behind((at, 0.0), (at, bottom), "axis");
            picture.text((at, bottom + 14.0), "mid", &format!("{time} ms"));
        }
    }
    if let Some((from, to)) = scenario.cut {
        picture.rect((x(from), 0.0), (x(to) - x(from), bottom), "cut", "the network is cut");
    }
    for &member in &members {
        picture.line((LEFT, y(member)), (x(last), y(member)), "lane");
        picture.text((LEFT - 6.0, y(member) + 4.0), "end", &member.to_string());
    }
    let mut began: BTreeMap<MemberId, (Time, View)> = BTreeMap::new();
    let mut cast: BTreeMap<MessageName, Time> = BTreeMap::new();
    let bar = |picture: &mut Picture, member: MemberId, (from, view): (Time, View), to: Time| {
        let names: Vec<String> = view.members.iter().map(MemberId::to_string).collect();
        let tip = format!("view {} of {}: {}", view.id.number, view.id.coordinator, names.join(" "));
        let class = if view.is_primary { "view" } else { "other" };
        if to > start {
            picture.rect((x(from), y(member) - 7.0), ((x(to) - x(from)).max(1.0), 14.0), class, &tip);
        }
        if to > start {
            picture.text((x(from) + 2.0, y(member) - 9.0), "tag", &format!("view {}", view.id.number));
        }
    };
    for event in &trace.events {
        let member = event.member;
        match &event.what {
            What::View(view) => {
                if let Some(before) = began.insert(member, (event.at, view.clone())) {
                    bar(&mut picture, member, before, event.at);
                }
            }
            What::Crash | What::Excluded => {
                if let Some(before) = began.remove(&member) {
                    bar(&mut picture, member, before, event.at);
                }
                let tip = if event.what == What::Crash { "dies" } else { "is excluded" };
                picture.rect((x(event.at) - 4.0, y(member) - 4.0), (8.0, 8.0), "dead", tip);
            }
            What::Cast(name) => {
                cast.insert(*name, event.at);
                picture.text((x(event.at), y(member) + 18.0), "tag mid", &message(*name));
            }
            What::Deliver(name) => {
                if let Some(&at) = cast.get(name) {
                    let class = format!("c{}", name.0.0 as usize % 100 % COLOURS);
                    picture.line((x(at), y(name.0)), (x(event.at), y(member)), &class);
                }
            }
        }
    }
    for (member, before) in began {
        bar(&mut picture, member, before, last);
    }
    let title = format!("Space-time diagram, {}", name(order));
    let description = format!("{} members, {} messages.", members.len(), cast.len());
    let (width, height) = (x(last) + 40.0, bottom + 22.0);
    let svg = picture.finish((width, height), &name(order), &title, &description);
    svg.replacen("<svg ", &format!("<svg width=\"{width:.0}\" height=\"{height:.0}\" "), 1)
}
