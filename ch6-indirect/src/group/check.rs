//! What a recorded run kept of what the layers promise. Each check knows nothing but the trace: it makes its own clocks.
//!
//! | check | what must hold |
//! |---|---|
//! | [`integrity`] | a message is delivered at most once by each member, and was cast before |
//! | [`validity`] | a member that stays delivers what it cast |
//! | [`views`] | each member is in its views; a view has the same members for all; numbers grow; one primary view a number |
//! | [`agreement`] | members that go from one view to the same next one, or stay to the end, delivered the same in it |
//! | [`fifo`] | messages of one sender in its order, without a gap |
//! | [`causal`] | no message before one that its sender had cast or delivered before |
//! | [`total`] | two members deliver what both deliver in the same order |

use std::collections::{BTreeMap, BTreeSet};

use super::simulation::{MessageName, Trace, What};
use super::stack::Order;
use super::{MemberId, View, ViewId};

/// What was not kept: in words, with names.
pub type Violation = String;

/// What one member did, by views.
#[derive(Debug, Default)]
struct Course {
    views: Vec<(View, Vec<MessageName>)>,
    cast: Vec<MessageName>,
    /// It was alive, and in the group, at the end.
    stays: bool,
}

fn courses(trace: &Trace) -> BTreeMap<MemberId, Course> {
    let mut courses: BTreeMap<MemberId, Course> = BTreeMap::new();
    for event in &trace.events {
        let course = courses.entry(event.member).or_default();
        course.stays = true;
        match &event.what {
            What::Cast(name) => course.cast.push(*name),
            What::Deliver(name) => match course.views.last_mut() {
                Some((_, delivered)) => delivered.push(*name),
                None => course
                    .views
                    .push((View { id: NOWHERE, members: Vec::new(), is_primary: false }, vec![*name])),
            },
            What::View(view) => course.views.push((view.clone(), Vec::new())),
            What::Crash | What::Excluded => course.stays = false,
        }
    }
    // The dead do not stay, whatever they did before.
    for event in &trace.events {
        if matches!(event.what, What::Crash | What::Excluded)
            && let Some(course) = courses.get_mut(&event.member)
        {
            course.stays = false;
        }
    }
    courses
}

const NOWHERE: ViewId = ViewId { number: 0, coordinator: MemberId(u32::MAX) };

/// All that an order promises; the first violation.
///
/// # Errors
/// The violation.
pub fn all(trace: &Trace, order: Order) -> Result<(), Violation> {
    integrity(trace)?;
    validity(trace)?;
    views(trace)?;
    agreement(trace)?;
    match order {
        Order::None => Ok(()),
        Order::Fifo => fifo(trace),
        Order::Causal => causal(trace),
        Order::TotalSequencer | Order::TotalAgreed => total(trace),
    }
}

/// Delivered once, and cast before.
///
/// # Errors
/// The violation.
pub fn integrity(trace: &Trace) -> Result<(), Violation> {
    let mut cast = BTreeSet::new();
    let mut delivered = BTreeSet::new();
    for event in &trace.events {
        match event.what {
            What::Cast(name) => {
                cast.insert(name);
            }
            What::Deliver(name) if !cast.contains(&name) => {
                return Err(format!("{} delivers {name:?}, which nobody has cast", event.member));
            }
            What::Deliver(name) if !delivered.insert((event.member, name)) => {
                return Err(format!("{} delivers {name:?} twice", event.member));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Who stays delivers its own messages.
///
/// # Errors
/// The violation.
pub fn validity(trace: &Trace) -> Result<(), Violation> {
    for (member, course) in courses(trace) {
        let delivered: BTreeSet<_> = course.views.iter().flat_map(|(_, delivered)| delivered).collect();
        let may_wait = course.views.last().is_none_or(|(view, _)| !view.is_primary); // for its network to be whole again
        if let Some(lost) = course.cast.iter().find(|name| !delivered.contains(name))
            && course.stays
            && !may_wait
        {
            return Err(format!("{member} never delivers its own {lost:?}"));
        }
    }
    Ok(())
}

/// Views are the same for all that see them.
///
/// # Errors
/// The violation.
pub fn views(trace: &Trace) -> Result<(), Violation> {
    let mut known: BTreeMap<ViewId, View> = BTreeMap::new();
    let mut primary: BTreeMap<u64, ViewId> = BTreeMap::new();
    for (member, course) in courses(trace) {
        let mut last = 0;
        for (view, _) in &course.views {
            if !view.members.contains(&member) {
                return Err(format!("{member} is in {:?}, which is without it", view.id));
            }
            if view.id.number <= last {
                return Err(format!("{member} goes from view {last} to {:?}", view.id));
            }
            last = view.id.number;
            let same = known.entry(view.id).or_insert_with(|| view.clone());
            if same != view {
                return Err(format!("{:?} is {same:?} for some and {view:?} for {member}", view.id));
            }
            if view.is_primary && *primary.entry(last).or_insert(view.id) != view.id {
                return Err(format!("two primary views with number {last}"));
            }
        }
    }
    Ok(())
}

/// The same messages between the same views.
///
/// # Errors
/// The violation.
pub fn agreement(trace: &Trace) -> Result<(), Violation> {
    let mut sets: BTreeMap<(ViewId, Option<ViewId>), (MemberId, BTreeSet<MessageName>)> = BTreeMap::new();
    for (member, course) in courses(trace) {
        for (place, (view, delivered)) in course.views.iter().enumerate() {
            let next = course.views.get(place + 1).map(|(next, _)| next.id);
            if next.is_none() && !course.stays {
                continue; // it died in this view
            }
            let delivered: BTreeSet<_> = delivered.iter().copied().collect();
            let (first, expected) =
                sets.entry((view.id, next)).or_insert_with(|| (member, delivered.clone()));
            if let Some(name) = expected.symmetric_difference(&delivered).next() {
                let (has, has_not) =
                    if delivered.contains(name) { (member, *first) } else { (*first, member) };
                return Err(format!("{has} delivers {name:?} in {:?}, and {has_not} does not", view.id));
            }
        }
    }
    Ok(())
}

/// One sender's messages in its order.
///
/// # Errors
/// The violation.
pub fn fifo(trace: &Trace) -> Result<(), Violation> {
    for (member, course) in courses(trace) {
        for (view, delivered) in &course.views {
            let mut last: BTreeMap<MemberId, u64> = BTreeMap::new();
            for &(sender, number) in delivered {
                let before = last.insert(sender, number);
                if before.is_some_and(|before| number != before + 1) {
                    return Err(format!(
                        "{member} delivers {sender}'s {before:?} and then {number} in {:?}",
                        view.id
                    ));
                }
            }
        }
    }
    Ok(())
}

/// Causes before effects, in each view.
///
/// # Errors
/// The violation.
pub fn causal(trace: &Trace) -> Result<(), Violation> {
    // For each message: what its sender had cast or delivered before, in the view in which it delivered the message itself.
    let mut view_of: BTreeMap<MemberId, ViewId> = BTreeMap::new();
    let mut seen: BTreeMap<MemberId, Vec<MessageName>> = BTreeMap::new();
    let mut causes: BTreeMap<MessageName, BTreeSet<MessageName>> = BTreeMap::new();
    for event in &trace.events {
        let seen = seen.entry(event.member).or_default();
        match &event.what {
            What::View(view) => {
                view_of.insert(event.member, view.id);
                seen.clear();
            }
            What::Deliver(name) => {
                if name.0 == event.member {
                    causes.insert(*name, seen.iter().copied().collect());
                }
                seen.push(*name);
            }
            What::Cast(_) | What::Crash | What::Excluded => {}
        }
    }
    for (member, course) in courses(trace) {
        for (view, delivered) in &course.views {
            let mut before = BTreeSet::new();
            for name in delivered {
                let missing = causes.get(name).into_iter().flatten().find(|cause| !before.contains(*cause));
                if let Some(cause) = missing {
                    return Err(format!(
                        "{member} delivers {name:?} before its cause {cause:?} in {:?}",
                        view.id
                    ));
                }
                before.insert(*name);
            }
        }
    }
    Ok(())
}

/// One order for all.
///
/// # Errors
/// The violation.
pub fn total(trace: &Trace) -> Result<(), Violation> {
    let courses = courses(trace);
    let sequences: Vec<(MemberId, Vec<MessageName>)> = courses
        .iter()
        .map(|(&member, course)| {
            (member, course.views.iter().flat_map(|(_, names)| names).copied().collect())
        })
        .collect();
    for (place, (one, first)) in sequences.iter().enumerate() {
        let position: BTreeMap<_, _> = first.iter().enumerate().map(|(at, name)| (name, at)).collect();
        for (other, second) in &sequences[place + 1..] {
            let common: Vec<_> = second.iter().filter_map(|name| Some((position.get(name)?, name))).collect();
            if let Some(pair) = common.windows(2).find(|pair| pair[0].0 > pair[1].0) {
                return Err(format!(
                    "{other} delivers {:?} before {:?}, and {one} after it",
                    pair[0].1, pair[1].1
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
